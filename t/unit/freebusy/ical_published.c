/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The short way through a VFREEBUSY says what libical says: the same text with
 * its first line in small letters takes the long way. */

#include "mod_freebusy/ical_reader.h"
#include "mod_freebusy/datetime.h"
#include "mod_freebusy/tzif.h"
#include "t/unit/freebusy/random.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define BEGIN "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VFREEBUSY\r\n"
#define END "END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
#define BODY "FREEBUSY:20260327T090000Z/PT1H\r\n"

static busy_window_t window;

/* What is in neither the long way's business nor in the short one's. */
static const struct {
    const char *name, *text;
    int taken;
} rows[] = {
    {"as SOGo writes it",
     BEGIN "ATTENDEE:mailto:a@b\r\nDTSTAMP:20260101T000000Z\r\n"
           "DTSTART:20260301T000000Z\r\nDTEND:20260401T000000Z\r\n"
           "FREEBUSY;FBTYPE=BUSY:20260327T090000Z/20260327T100000Z\r\n" END,
     1},
    {"no line break at the end", BEGIN BODY "END:VFREEBUSY\r\nEND:VCALENDAR",
     1},
    {"line feeds alone",
     "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\n" BODY "END:VFREEBUSY\nEND:VCALENDAR\n",
     1},
    {"a long line that nobody reads",
     BEGIN "COMMENT:a\r\n b\r\n\tc\r\n" BODY END, 1},
    {"two calendars", BEGIN BODY END BEGIN BODY END, 1},
    {"nothing in it", BEGIN END, 1},
    {"a folded period", BEGIN "FREEBUSY:20260327T0900\r\n 00Z/PT1H\r\n" END, 0},
    {"small letters", BEGIN "freebusy:20260327T090000Z/PT1H\r\n" END, 0},
    {"mixed letters", BEGIN "DTstart:20260327T090000Z\r\n" BODY END, 0},
    {"a zone", BEGIN "FREEBUSY;TZID=UTC:20260327T090000Z/PT1H\r\n" END, 0},
    {"a floating time", BEGIN "FREEBUSY:20260327T090000/PT1H\r\n" END, 0},
    {"a day", BEGIN "DTSTART;VALUE=DATE:20260327\r\n" BODY END, 0},
    {"a type of one's own",
     BEGIN "FREEBUSY;FBTYPE=X-GYM:20260327T090000Z/PT1H\r\n" END, 0},
    {"30 February", BEGIN "FREEBUSY:20260230T090000Z/PT1H\r\n" END, 0},
    {"an hour too many", BEGIN "FREEBUSY:20260327T240000Z/PT1H\r\n" END, 0},
    {"no end", BEGIN "FREEBUSY:20260327T090000Z/\r\n" END, 0},
    {"no slash", BEGIN "FREEBUSY:20260327T090000Z\r\n" END, 0},
    {"a comma too many", BEGIN "FREEBUSY:20260327T090000Z/PT1H,\r\n" END, 0},
    {"an event beside it",
     "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nBEGIN:VFREEBUSY\r\n" END,
     0},
    {"a calendar without any", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", 0},
    {"one of two without any",
     BEGIN "END:VFREEBUSY\r\nBEGIN:VFREEBUSY\r\n" END
           "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
     0},
    {"text in front", "hello\r\n" BEGIN END, 0},
    {"text behind", BEGIN END "hello\r\n", 0},
    {"cut off", BEGIN BODY "END:VFREEBUSY\r\n", 0},
    {"ended twice", BEGIN BODY END "END:VCALENDAR\r\n", 0},
    {"nothing", "", 0},
};

static void test_rows(apr_pool_t *pool)
{
    ical_report_t report;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(ical_published_read(rows[i].text, strlen(rows[i].text), window,
                                   &report, pool) != NULL,
               rows[i].taken, rows[i].name);
    }
    ok(!ical_published_read(BEGIN "X:\0\r\n" END, sizeof(BEGIN END) + 4, window,
                            &report, pool),
       "a NUL");
}

static const char *moment(apr_pool_t *pool)
{
    return datetime_print_basic(
        window.start + (random_below(12 * 1440) - 4 * 1440) * 60, pool);
}

static const char *period(apr_pool_t *pool)
{
    const char *lasts =
        random_below(2) ? moment(pool)
                        : apr_psprintf(pool, "P%dDT%dH%dM", random_below(2),
                                       random_below(9), 1 + random_below(59));

    return apr_pstrcat(pool, moment(pool), "/", lasts, NULL);
}

static const char *random_freebusy(apr_pool_t *pool)
{
    static const char *const heads[] = {
        "FREEBUSY:", "FREEBUSY;FBTYPE=BUSY:", "FREEBUSY;FBTYPE=FREE:",
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:", "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:"};
    const char *text = "BEGIN:VFREEBUSY\r\n";
    int i, j;

    if (random_below(3)) {
        text = apr_pstrcat(pool, text, "DTSTART:", moment(pool), "\r\n", NULL);
    }
    if (random_below(3)) {
        text = apr_pstrcat(pool, text, "DTEND:", moment(pool), "\r\n", NULL);
    }
    for (i = random_below(6); i > 0; i--) {
        text =
            apr_pstrcat(pool, text, heads[random_below(5)], period(pool), NULL);
        for (j = random_below(3); j > 0; j--) {
            text = apr_pstrcat(pool, text, ",", period(pool), NULL);
        }
        text = apr_pstrcat(pool, text, "\r\n", NULL);
    }
    return apr_pstrcat(pool, text, "END:VFREEBUSY\r\n", NULL);
}

static void test_random(const timezone_t *zone, apr_pool_t *pool)
{
    const ical_query_t query = {window, zone, NULL, apr_time_from_sec(1),
                                NULL,   0};
    int run, wrong = 0, busy = 0;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    for (run = 0; run < 10000; run++) {
        ical_report_t report, report_long;
        const char *text, *why, *digits;
        busy_set_t *set, *set_long;

        apr_pool_clear(scratch);
        text = apr_pstrcat(scratch, "BEGIN:VCALENDAR\r\n",
                           random_freebusy(scratch),
                           random_below(4) ? "" : random_freebusy(scratch),
                           "END:VCALENDAR\r\n", NULL);
        set = ical_published_read(text, strlen(text), window, &report, scratch);
        if (!set ||
            ical_read(&set_long, apr_pstrcat(scratch, "b", text + 1, NULL),
                      strlen(text), &query, &report_long, &why,
                      scratch) != APR_SUCCESS) {
            wrong++;
            continue;
        }
        digits = busy_merge(set, 5, scratch);
        wrong += strcmp(digits, busy_merge(set_long, 5, scratch)) != 0 ||
                 set->periods->nelts != set_long->periods->nelts ||
                 set->has_details != set_long->has_details ||
                 report.empty != report_long.empty;
        busy += strchr(digits, '2') != NULL;
    }
    is_int(wrong, 0, "10000 random ones are what libical makes of them");
    ok(busy > 1000, "%d of them busy", busy);
}

int main(void)
{
    apr_pool_t *pool;
    timezone_t *zone;

    random_state = 5;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    ical_init();
    tzif_load(&zone, "Europe/Berlin", pool);
    window.start = datetime_days(2026, 3, 27) * DATETIME_DAY;
    window.end = window.start + 4 * DATETIME_DAY;
    test_rows(pool);
    test_random(zone, pool);
    apr_terminate();
    return done_testing();
}
