/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/log_filter.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

static const struct {
    const char *name, *line;
    int level, facility;
    const char *program, *text;
} lines[] = {
    {"httpd",
     "[Wed Nov 25 02:00:00.123456 2026] [autodiscover:error] [pid 1:tid 2] "
     "[client 1.2.3.4:5] PN12003: bad",
     3, 3, "autodiscover", "[client 1.2.3.4:5] PN12003: bad"},
    {"httpd without module", "[Wed Nov 25 02:00:00 2026] [:notice] x", 5, 3,
     "httpd", "x"},
    {"httpd, no level", "[a] [b:frog] x", 6, 1, "", "[a] [b:frog] x"},
    {"RFC 3164", "<11>Nov 25 02:00:00 host cron[12]: (root) CMD", 3, 1, "cron",
     "(root) CMD"},
    {"local socket", "<30>Nov 25 02:00:00 dhcpd: lease", 6, 3, "dhcpd",
     "lease"},
    {"without PRI", "Nov 25 02:00:00 host kernel: oom", 6, 1, "kernel", "oom"},
    {"PRI and tag", "<2>kernel: panic", 2, 0, "kernel", "panic"},
    {"RFC 5424",
     "<165>1 2026-11-25T02:00:00Z h evntslog - ID47 [x@1 a=\"b\\]\"][y] text",
     5, 20, "evntslog", "text"},
    {"RFC 5424 without data", "<34>1 2026-11-25T02:00:00Z h su 1 - - 'su root'",
     2, 4, "su", "'su root'"},
    {"plain", "Pool exhausted", 6, 1, "", "Pool exhausted"},
    {"PRI too large", "<192>x", 6, 1, "", "<192>x"},
    {"PRI unfinished", "<19", 6, 1, "", "<19"},
    {"control characters", "a\tb\x1b[31m\r\n", 6, 1, "", "a b [31m"},
    {"empty", "", 6, 1, "", ""},
    {"RFC 5424 unfinished", "<34>1 2026", 2, 4, "", ""},
};

static void test_lines(apr_pool_t *pool)
{
    size_t i;
    apr_size_t k;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        log_record_t r = {0};

        /* Cut anywhere, a line is still a line. */
        for (k = 0; k <= strlen(lines[i].line); k++) {
            log_parse(&r, lines[i].line, k, pool);
        }
        is_int(r.level, lines[i].level, lines[i].name);
        is_int(r.facility, lines[i].facility, "facility");
        is_str(r.program, lines[i].program, "program");
        is_str(r.text, lines[i].text, "text");
    }
}

static const struct {
    const char *name;
    int number;
} levels[] = {
    {"emergencies", 0}, {"alerts", 1},   {"critical", 2}, {"error", 3},
    {"errors", 3},      {"warnings", 4}, {"notices", 5},  {"informational", 6},
    {"debugging", 7},   {"emerg", 0},    {"crit", 2},     {"err", 3},
    {"warning", 4},     {"notice", 5},   {"info", 6},     {"debug", 7},
    {"0", 0},           {"7", 7},        {"8", -1},       {"", -1},
    {"frog", -1},       {"07", 7},       {"-1", -1},
};

static void test_levels(void)
{
    size_t i;

    for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        is_int(log_level_of(levels[i].name), levels[i].number, levels[i].name);
    }
    is_int(log_facility_of("local7"), 23, "local7");
    is_int(log_facility_of("23"), 23, "23");
    is_int(log_facility_of("24"), -1, "24");
}

/* ---- the filters against a naive matcher ---- */

static const char *const programs[] = {NULL, "auth", "dhcp"};
static const char *const texts[] = {NULL, "pool", "Pool"};

static int naive_fits(const log_filter_t *f, const log_record_t *r)
{
    int fits = 1;

    if (f->level != -1 && !(r->level <= f->level)) {
        fits = 0;
    }
    if (f->facility != -1 && f->facility != r->facility) {
        fits = 0;
    }
    if (f->program != NULL && strcmp(f->program, r->program)) {
        fits = 0;
    }
    if (f->text != NULL) {
        const char *record = r->text, *wanted = f->text;
        int found = f->nocase ? strcasestr(record, wanted) != NULL
                              : strstr(record, wanted) != NULL;

        fits = fits && found;
    }
    return fits;
}

static int naive_takes(const log_target_t *t, const log_record_t *r)
{
    int i, taken = 0, excluded = 0;

    for (i = 0; i < t->filters->nelts; i++) {
        const log_filter_t *f = &APR_ARRAY_IDX(t->filters, i, log_filter_t);

        if (naive_fits(f, r) && f->exclude) {
            excluded = 1;
        }
        else if (naive_fits(f, r)) {
            taken = 1;
        }
    }
    return taken && !excluded;
}

static log_filter_t any_filter(void)
{
    log_filter_t f = {rand() % 4 == 0,      rand() % 9 - 1,    rand() % 4 - 1,
                      programs[rand() % 3], texts[rand() % 3], rand() % 2};

    return f;
}

static void test_property(apr_pool_t *pool)
{
    int i, wrong = 0, takes = 0;

    srand(1);
    for (i = 0; i < 20000; i++) {
        log_target_t target = {"a@b.c", 0, 0, NULL};
        log_record_t record = {rand() % 8, rand() % 3, programs[1 + rand() % 2],
                               rand() % 2 ? "the pool is empty" : "Pool!"};
        int k;

        target.filters = apr_array_make(pool, 4, sizeof(log_filter_t));
        for (k = rand() % 5; k > 0; k--) {
            APR_ARRAY_PUSH(target.filters, log_filter_t) = any_filter();
        }
        takes += naive_takes(&target, &record);
        wrong += (log_target_takes(&target, &record) > 0) !=
                 naive_takes(&target, &record);
        if (i % 1000 == 0) {
            apr_pool_clear(pool);
        }
    }
    is_int(wrong, 0, "S53 S54 S55: 20000 targets against a naive matcher");
    ok(takes > 1000 && takes < 15000, "%d of them take the record", takes);
}

int main(void)
{
    apr_pool_t *pool, *other;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&other, NULL);
    test_lines(pool);
    test_levels();
    test_property(other);
    apr_pool_destroy(other);
    apr_pool_destroy(pool);
    return done_testing();
}
