/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* MergedFreeBusy, against a model that looks at every minute. */

#include "mod_freebusy/busy.h"
#include "t/unit/freebusy/random.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#define MINUTE 60
#define RUNS 10000

/* The slow truth: for each slot, each second-precise period that touches one of
 * its minutes. */
static char *model(const busy_set_t *set, int interval, apr_pool_t *pool)
{
    apr_int64_t minutes = (set->window.end - set->window.start) / MINUTE, m;
    apr_size_t slots = 0;
    char *digits;
    int i;

    for (m = 0; m < minutes; m += interval) {
        slots++;
    }
    digits = apr_palloc(pool, slots + 1);
    memset(digits, '0', slots);
    digits[slots] = '\0';
    for (m = 0; m < minutes; m++) {
        apr_int64_t from = set->window.start + m * MINUTE, to = from + MINUTE;
        char *digit = &digits[m / interval];

        for (i = 0; i < set->periods->nelts; i++) {
            const busy_period_t *p =
                &APR_ARRAY_IDX(set->periods, i, busy_period_t);
            char c = p->type == BUSY_ELSEWHERE ? '0' : (char)('0' + p->type);

            if (p->start < to && p->end > from && c > *digit) {
                *digit = c;
            }
        }
    }
    return digits;
}

static void test_property(apr_pool_t *pool)
{
    static const int intervals[] = {5, 6, 10, 15, 30, 60, 37, 720, 1440};
    int run, wrong = 0, with_gaps = 0;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    for (run = 0; run < RUNS; run++) {
        busy_window_t window;
        busy_set_t *set;
        apr_array_header_t *covered;
        int i, interval = intervals[random_below(9)];
        char *got, *expected;

        apr_pool_clear(scratch);
        window.start = 1772400000 + random_below(100000);
        window.end = window.start + (1 + random_below(3 * 1440)) * MINUTE;
        set = busy_create(window, scratch);
        for (i = random_below(12); i > 0; i--) {
            busy_period_t p = {.type = (busy_type_e)random_below(6)};

            p.start = window.start + random_below(4 * 86400) - 86400;
            p.end = p.start + random_below(20000);
            busy_add(set, &p);
        }
        covered = apr_array_make(scratch, 2, sizeof(busy_window_t));
        for (i = random_below(4); i > 0; i--) {
            busy_window_t *w = apr_array_push(covered);

            w->start = window.start + random_below(200000) - 20000;
            w->end = w->start + random_below(200000);
        }
        busy_add_uncovered(set, covered);
        got = busy_merge(set, interval, scratch);
        expected = model(set, interval, scratch);
        wrong += strcmp(got, expected) != 0 ||
                 strlen(got) != busy_slots(window, interval);
        with_gaps += strchr(got, '4') != NULL;
    }
    is_int(wrong, 0, "10000 random calendars agree with the model");
    ok(with_gaps > RUNS / 4, "%d of them have time without data", with_gaps);
}

/* The model above trusts busy_add_uncovered(); here it is held to it, second
 * by second. */
static void test_uncovered(apr_pool_t *pool)
{
    int run, wrong = 0;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    for (run = 0; run < 2000; run++) {
        busy_window_t window = {1000, 1000 + 1 + random_below(60)};
        apr_array_header_t *covered, *copy;
        busy_set_t *set;
        apr_int64_t t;
        int i;

        apr_pool_clear(scratch);
        set = busy_create(window, scratch);
        covered = apr_array_make(scratch, 2, sizeof(busy_window_t));
        for (i = random_below(5); i > 0; i--) {
            busy_window_t *w = apr_array_push(covered);

            w->start = 990 + random_below(80);
            w->end = w->start + random_below(30);
        }
        copy = apr_array_copy(scratch, covered);
        busy_add_uncovered(set, covered);
        for (t = window.start; t < window.end; t++) {
            int known = 0, shown = 1;

            for (i = 0; i < copy->nelts; i++) {
                busy_window_t *w = &APR_ARRAY_IDX(copy, i, busy_window_t);

                known |= t >= w->start && t < w->end;
            }
            for (i = 0; i < set->periods->nelts; i++) {
                busy_period_t *p =
                    &APR_ARRAY_IDX(set->periods, i, busy_period_t);

                shown &= !(t >= p->start && t < p->end);
            }
            wrong += known != shown;
        }
    }
    is_int(wrong, 0, "what is not covered has no data, the rest has");
}

static void test_rows(apr_pool_t *pool)
{
    static const struct {
        const char *name;
        int minutes, interval;
        int from, to; /* minutes of one busy period */
        const char *digits;
    } rows[] = {
        {"inside a slot", 60, 30, 5, 10, "20"},
        {"up to the border", 60, 30, 0, 30, "20"},
        {"a minute more", 60, 30, 0, 31, "22"},
        {"begins before", 60, 30, -100, 1, "20"},
        {"ends after", 60, 30, 59, 500, "02"},
        {"window shorter than a slot", 10, 30, 9, 10, "2"},
        {"last slot cut off", 61, 30, 60, 70, "002"},
        {"outside", 60, 30, 60, 90, "00"},
        {"empty period", 60, 30, 30, 30, "00"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        busy_window_t window = {0, rows[i].minutes * MINUTE};
        busy_set_t *set = busy_create(window, pool);
        busy_period_t p = {.type = BUSY_BUSY,
                           .start = rows[i].from * MINUTE,
                           .end = rows[i].to * MINUTE};

        busy_add(set, &p);
        is_str(busy_merge(set, rows[i].interval, pool), rows[i].digits,
               rows[i].name);
    }
}

static void test_limit(apr_pool_t *pool)
{
    busy_window_t window = {0, 3600};
    busy_set_t *set = busy_create(window, pool);
    busy_period_t p = {.type = BUSY_BUSY, .start = 0, .end = 60};
    int i;

    for (i = 0; i < BUSY_PERIODS_MAX; i++) {
        busy_add(set, &p);
    }
    is_int(busy_add(set, &p), APR_ENOSPC, "one period too many");
}

int main(void)
{
    apr_pool_t *pool;

    random_state = 20261125;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_property(pool);
    test_uncovered(pool);
    test_limit(pool);
    apr_terminate();
    return done_testing();
}
