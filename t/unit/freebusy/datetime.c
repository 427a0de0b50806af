/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/datetime.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <time.h>

#define NONE APR_INT64_MIN

static const struct {
    const char *text;
    apr_int64_t seconds; /* NONE: refused */
    int has_offset, offset;
} moments[] = {
    {"1970-01-01T00:00:00", 0, 0, 0},
    {"1970-01-01T00:00:00Z", 0, 1, 0},
    {"2026-03-02T09:30:15+01:00", 1772443815, 1, 3600},
    {"2026-03-02T09:30:15-09:30", 1772443815, 1, -34200},
    {"2026-03-02T09:30:15.1234567Z", 1772443815, 1, 0},
    {"2024-02-29T24:00:00", 1709251200, 0, 0},
    {"1969-12-31T23:59:59", -1, 0, 0},
    {"2006-02-30T00:00:00", NONE, 0, 0},
    {"2026-02-29T00:00:00", NONE, 0, 0},
    {"1900-02-29T00:00:00", NONE, 0, 0},
    {"2026-13-01T00:00:00", NONE, 0, 0},
    {"2026-00-01T00:00:00", NONE, 0, 0},
    {"2026-01-00T00:00:00", NONE, 0, 0},
    {"2026-01-01T24:00:01", NONE, 0, 0},
    {"2026-01-01T23:60:00", NONE, 0, 0},
    {"2026-01-01T23:00:60", NONE, 0, 0},
    {"2026-01-01T23:00", NONE, 0, 0},
    {"2026-01-01T23:00:00.", NONE, 0, 0},
    {"2026-01-01T23:00:00+0100", NONE, 0, 0},
    {"2026-01-01T23:00:00+15:00", NONE, 0, 0},
    {"2026-01-01T23:00:00Zx", NONE, 0, 0},
    {"2026-01-01 23:00:00", NONE, 0, 0},
    {"99999-01-01T00:00:00", NONE, 0, 0},
    {"0001-01-01T00:00:00", NONE, 0, 0},
    {"-2026-01-01T00:00:00", NONE, 0, 0},
    {"", NONE, 0, 0},
};

static void test_moments(void)
{
    size_t i;

    for (i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        datetime_t t = {0, 0, 0};
        apr_status_t rv = datetime_parse(&t, moments[i].text);

        ok((rv == APR_SUCCESS) == (moments[i].seconds != NONE) &&
               (rv != APR_SUCCESS || (t.seconds == moments[i].seconds &&
                                      t.has_offset == moments[i].has_offset &&
                                      t.offset == moments[i].offset)),
           "\"%s\"", moments[i].text);
    }
}

static const struct {
    const char *text;
    int seconds; /* -1000000: refused */
} durations[] = {
    {"PT1H", 3600},
    {"-PT1H", -3600},
    {"PT0S", 0},
    {"P1D", 86400},
    {"P1DT2H3M4S", 93784},
    {"-PT5H30M", -19800},
    {"P", -1000000},
    {"PT", -1000000},
    {"", -1000000},
    {"1H", -1000000},
    {"PT1H1H", -1000000},
    {"PT1M1H", -1000000},
    {"P1H", -1000000},
    {"PT1D", -1000000},
    {"PT99999999999999999999H", -1000000},
    {"P1Y", -1000000},
    {"PT1", -1000000},
    {"PT-1H", -1000000},
    {"PT1.5S", -1000000},
    {"P101D", -1000000},
};

static void test_durations(void)
{
    size_t i;

    for (i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        int seconds = -1000000;
        apr_status_t rv = datetime_parse_duration(&seconds, durations[i].text);

        ok(rv == APR_SUCCESS ? seconds == durations[i].seconds
                             : durations[i].seconds == -1000000,
           "duration \"%s\"", durations[i].text);
    }
}

/* The calendar, day by day, beside that of the C library. */
static void test_calendar(apr_pool_t *pool)
{
    apr_int64_t day;
    int wrong = 0;

    for (day = datetime_days(1890, 1, 1); day < datetime_days(2410, 1, 1);
         day++) {
        time_t t = (time_t)(day * DATETIME_DAY + 3661);
        struct tm tm;
        int y, m, d;

        gmtime_r(&t, &tm);
        datetime_civil(day, &y, &m, &d);
        wrong += y != tm.tm_year + 1900 || m != tm.tm_mon + 1 ||
                 d != tm.tm_mday || datetime_days(y, m, d) != day ||
                 datetime_weekday(day) != tm.tm_wday ||
                 datetime_day_of(t) != day || datetime_year_of(t) != y;
    }
    is_int(wrong, 0, "520 years agree with gmtime()");
    is_str(datetime_print_utc(-1, pool), "1969-12-31T23:59:59Z", "before 1970");
    is_str(datetime_print(1772443815, pool), "2026-03-02T09:30:15", "after");
}

static void test_numbers(void)
{
    int n = 0;

    ok(datetime_parse_int(&n, " 30\n", 5, 1440) == APR_SUCCESS && n == 30,
       "a number with blanks");
    ok(datetime_parse_int(&n, "4", 5, 1440) == APR_EINVAL, "too small");
    ok(datetime_parse_int(&n, "1441", 5, 1440) == APR_EINVAL, "too large");
    ok(datetime_parse_int(&n, "4294967326", 5, 1440) == APR_EINVAL, "wraps");
    ok(datetime_parse_int(&n, "3x", 0, 9) == APR_EINVAL, "rubbish behind");
    ok(datetime_parse_int(&n, "", 0, 9) == APR_EINVAL, "empty");
    ok(datetime_parse_int(&n, "-", -9, 9) == APR_EINVAL, "a sign alone");
    ok(datetime_parse_int(&n, "0x5", 0, 9) == APR_EINVAL, "hexadecimal");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_moments();
    test_durations();
    test_calendar(pool);
    test_numbers();
    apr_terminate();
    return done_testing();
}
