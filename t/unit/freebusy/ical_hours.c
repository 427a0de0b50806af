/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/datetime.h"
#include "mod_freebusy/ical.h"
#include "mod_freebusy/tzif.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#define CALENDAR(text) "BEGIN:VCALENDAR\r\n" text "END:VCALENDAR\r\n"
#define AVAILABILITY(text)                                                     \
    CALENDAR("BEGIN:VAVAILABILITY\r\n" text "END:VAVAILABILITY\r\n")
#define AVAILABLE(start, end, rule)                                            \
    "BEGIN:AVAILABLE\r\nUID:x\r\nDTSTART;TZID=Europe/Berlin:" start            \
    "\r\nDTEND;TZID=Europe/Berlin:" end "\r\nRRULE:" rule                      \
    "\r\nEND:AVAILABLE\r\n"

/* The window: 27 March 2026, four days. */
static const struct {
    const char *name, *text;
    const char *hours;  /* days from-to ..., "" for none */
    const char *digits; /* one for each 12 hours */
} rows[] = {
    {"office hours",
     AVAILABILITY(AVAILABLE("20250106T083000", "20250106T170000",
                            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")),
     "3e 510-1020", "00000000"},
    {"two kinds of days",
     AVAILABILITY(AVAILABLE("20250106T080000", "20250106T120000",
                            "FREQ=WEEKLY;BYDAY=MO,WE")
                      AVAILABLE("20250107T080000", "20250107T180000",
                                "FREQ=WEEKLY;BYDAY=TU,TH")
                          AVAILABLE("20250103T080000", "20250103T120000",
                                    "FREQ=WEEKLY")),
     "2a 480-720 14 480-1080", "00000000"},
    {"every day",
     AVAILABILITY(
         AVAILABLE("20250106T000000", "20250107T000000", "FREQ=DAILY")),
     "7f 0-1440", "00000000"},
    {"since a day of 23 hours",
     AVAILABILITY(AVAILABLE("20250330T000000", "20250330T170000",
                            "FREQ=WEEKLY;BYDAY=SU,MO")),
     "03 0-1020", "00000000"},
    {"hours that are over",
     AVAILABILITY(AVAILABLE("20250106T083000", "20250106T170000",
                            "FREQ=WEEKLY;UNTIL=20260101T000000Z")),
     "", "00000000"},
    {"hours that come later",
     AVAILABILITY(AVAILABLE("20270106T083000", "20270106T170000",
                            "FREQ=WEEKLY;BYDAY=MO")),
     "", "00000000"},
    {"every other week is none that Exchange knows",
     AVAILABILITY(AVAILABLE("20250106T083000", "20250106T170000",
                            "FREQ=WEEKLY;INTERVAL=2")),
     "", "00000000"},
    {"over midnight",
     AVAILABILITY(AVAILABLE("20250106T220000", "20250107T060000",
                            "FREQ=WEEKLY;BYDAY=MO")),
     "", "00000000"},
    {"of another year",
     AVAILABILITY(
         "DTSTART:20200101T000000Z\r\nDTEND:20210101T000000Z\r\n" AVAILABLE(
             "20200106T083000", "20200106T170000", "FREQ=WEEKLY;BYDAY=MO")),
     "", "00000000"},
    {"away",
     AVAILABILITY("DTSTART:20260328T000000Z\r\nDTEND:20260329T120000Z\r\n"), "",
     "00333000"},
    {"away, and how",
     AVAILABILITY("BUSYTYPE:BUSY-TENTATIVE\r\nDTSTART:20260328T000000Z\r\n"
                  "DURATION:P1D\r\n"),
     "", "00110000"},
    {"busy for ever",
     AVAILABILITY("BUSYTYPE:BUSY\r\nDTSTART:20260330T000000Z\r\n"), "",
     "00000022"},
    {"ends before it starts",
     AVAILABILITY("DTSTART:20260330T000000Z\r\nDTEND:20260329T000000Z\r\n"), "",
     "00000000"},
    {"in a year that is none", AVAILABILITY("DTSTART:00000000T000000Z\r\n"), "",
     "00000000"},
};

static const char *show(const hours_t *hours, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; hours && i < hours->count; i++) {
        text = apr_psprintf(pool, "%s%s%02x %d-%d", text, i ? " " : "",
                            hours->periods[i].days, hours->periods[i].from,
                            hours->periods[i].to);
    }
    return text;
}

/* 1 when all periods end at times that can be written. */
static int have_ends(const busy_set_t *set)
{
    int i;

    for (i = 0; i < set->periods->nelts; i++) {
        if (APR_ARRAY_IDX(set->periods, i, busy_period_t).end >
            datetime_days(DATETIME_YEAR_MAX, 12, 31) * DATETIME_DAY) {
            return 0;
        }
    }
    return 1;
}

static void test_contain(void)
{
    hours_t hours = {NULL, 0, {{0, 0, 0}}};
    apr_int64_t monday = datetime_days(2026, 3, 2) * DATETIME_DAY;
    int i;

    hours_add(&hours, 1u << 1, 8 * 60, 12 * 60);
    hours_add(&hours, 1u << 1, 13 * 60, 17 * 60);
    ok(hours_contain(&hours, monday + 8 * DATETIME_HOUR, 240), "a morning");
    ok(!hours_contain(&hours, monday + 8 * DATETIME_HOUR, 241), "and lunch");
    ok(hours_contain(&hours, monday + 13 * DATETIME_HOUR, 60), "an afternoon");
    ok(!hours_contain(&hours, monday + 37 * DATETIME_HOUR, 60), "of Tuesday");
    ok(!hours_contain(&hours, monday + 17 * DATETIME_HOUR, 1), "after work");
    for (i = 0; i < 100; i++) {
        hours_add(&hours, 1, i, 100 + i);
    }
    is_int(hours.count, HOURS_PERIODS_MAX, "there is an end");
}

int main(void)
{
    ical_query_t query = {{0, 0}, NULL, NULL, apr_time_from_sec(1), NULL, 0};
    ical_report_t report;
    apr_pool_t *pool;
    timezone_t *berlin;
    const char *why;
    busy_set_t *set;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    ical_init();
    tzif_load(&berlin, "Europe/Berlin", pool);
    query.floating = berlin;
    query.window.start = datetime_days(2026, 3, 27) * DATETIME_DAY;
    query.window.end = query.window.start + 4 * DATETIME_DAY;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(ical_read(&set, rows[i].text, strlen(rows[i].text), &query,
                         &report, &why, pool),
               APR_SUCCESS, rows[i].name);
        is_str(show(set->hours, pool), rows[i].hours, "  hours");
        is_str(busy_merge(set, 720, pool), rows[i].digits, "  digits");
        ok(have_ends(set), "  ends");
    }
    test_contain();
    apr_terminate();
    return done_testing();
}
