/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Zones of every origin beside the C library's reading of the same zone. */

#include "mod_freebusy/datetime.h"
#include "mod_freebusy/timezone.h"
#include "mod_freebusy/tzif.h"
#include "mod_freebusy/windows_zones.h"
#include "t/unit/tap.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <time.h>

static void judge_in(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

/* The C library's offset at `utc` in the zone of judge_in(). */
static int judged(apr_int64_t utc)
{
    time_t t = (time_t)utc;
    struct tm tm;

    localtime_r(&t, &tm);
    return (int)tm.tm_gmtoff;
}

/* How often `tz` differs between two years, every `step` seconds and at both
 * sides of each hour. */
static int differences(const timezone_t *tz, int from, int to, int step)
{
    apr_int64_t t, end = datetime_days(to, 1, 1) * DATETIME_DAY;
    int wrong = 0;

    for (t = datetime_days(from, 1, 1) * DATETIME_DAY; t < end; t += step) {
        wrong += timezone_offset(tz, t) != judged(t);
        wrong += timezone_offset(tz, t - 1) != judged(t - 1);
    }
    return wrong;
}

/* Every zone that Windows has a name for. */
static void test_windows_zones(apr_pool_t *pool)
{
    int i, wrong = 0;

    for (i = 0; i < windows_zones_count(); i++) {
        timezone_t *tz;

        if (tzif_load(&tz, windows_zones[i].windows, pool) != APR_SUCCESS) {
            ok(0, "%s is there", windows_zones[i].windows);
            continue;
        }
        judge_in(windows_zones[i].iana);
        if (differences(tz, 1970, 2050, 86400 * 5 + 1800) != 0) {
            ok(0, "%s (%s) differs", windows_zones[i].windows,
               windows_zones[i].iana);
            wrong++;
        }
    }
    ok(i > 130 && wrong == 0, "%d zones of Windows agree with the C library",
       i);
}

/* Half an hour of daylight saving, clocks that went back in 2022, both
 * hemispheres, odd offsets: each hour. */
static const char *const places[] = {
    "Europe/Berlin",     "Europe/Dublin",    "America/New_York",
    "America/Sao_Paulo", "Australia/Sydney", "Australia/Lord_Howe",
    "Asia/Tehran",       "Asia/Kolkata",     "Asia/Kathmandu",
    "Pacific/Chatham",   "Pacific/Apia",     "Africa/Casablanca",
    "America/St_Johns",  "America/Santiago", "Antarctica/Troll",
    "Etc/UTC",
};

static void test_places(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        timezone_t *tz;

        if (!ok(tzif_load(&tz, places[i], pool) == APR_SUCCESS, "%s loads",
                places[i])) {
            continue;
        }
        judge_in(places[i]);
        is_int(differences(tz, 2021, 2031, 1800), 0, places[i]);
    }
}

/* Rules as EWS sends them: Bias in minutes, west positive. */
static const struct {
    const char *place;
    int standard_bias, daylight_bias;
    timezone_rule_t standard, daylight; /* month, order, weekday, -, seconds */
} rules[] = {
    {"Europe/Berlin",
     -60,
     -120,
     {10, 5, 0, 0, 10800, 0},
     {3, 5, 0, 0, 7200, 0}},
    {"America/New_York",
     300,
     240,
     {11, 1, 0, 0, 7200, 0},
     {3, 2, 0, 0, 7200, 0}},
    {"Australia/Sydney",
     -600,
     -660,
     {4, 1, 0, 0, 10800, 0},
     {10, 1, 0, 0, 7200, 0}},
    {"Australia/Lord_Howe",
     -630,
     -660,
     {4, 1, 0, 0, 7200, 0},
     {10, 1, 0, 0, 7200, 0}},
    {"Asia/Kolkata", -330, -330, {10, 5, 0, 0, 0, 0}, {3, 5, 0, 0, 0, 0}},
    {"Etc/UTC", 0, 0, {12, 5, 0, 0, 0, 0}, {12, 5, 0, 0, 0, 0}},
};

static void test_rules(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        timezone_rule_t pair[2] = {rules[i].standard, rules[i].daylight};
        timezone_t *tz = timezone_create(pool);

        pair[0].offset = -60 * rules[i].standard_bias;
        pair[1].offset = -60 * rules[i].daylight_bias;
        timezone_add_rules(tz, APR_INT64_MIN, pair, 2);
        judge_in(rules[i].place);
        is_int(differences(tz, 2016, 2032, 1800), 0, rules[i].place);
    }
}

/* From the clock to UTC and back, also where the clock jumps. */
static void test_clock(apr_pool_t *pool)
{
    static const struct {
        const char *clock, *utc, *name;
    } rows[] = {
        {"2026-01-15T12:00:00", "2026-01-15T11:00:00", "winter"},
        {"2026-07-15T12:00:00", "2026-07-15T10:00:00", "summer"},
        {"2026-03-29T01:59:59", "2026-03-29T00:59:59", "before the gap"},
        {"2026-03-29T02:30:00", "2026-03-29T01:30:00", "in the gap"},
        {"2026-03-29T03:00:00", "2026-03-29T01:00:00", "behind the gap"},
        {"2026-10-25T02:30:00", "2026-10-25T00:30:00", "the first of two"},
        {"2026-10-25T03:00:00", "2026-10-25T02:00:00", "behind both"},
    };
    timezone_t *tz;
    size_t i;

    tzif_load(&tz, "W. Europe Standard Time", pool);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        datetime_t clock;

        datetime_parse(&clock, rows[i].clock);
        is_str(datetime_print(timezone_to_utc(tz, clock.seconds), pool),
               rows[i].utc, rows[i].name);
    }
}

/* Days of a kind rather than of a name (as [MS-OXWAVLS] allows), by hand. */
static void test_kinds_of_day(void)
{
    static const struct {
        timezone_rule_t rule;
        int year, month, day;
        const char *name;
    } rows[] = {
        {{3, 1, TIMEZONE_ANY_DAY, 0, 0, 0}, 2026, 3, 1, "first day of March"},
        {{2, 5, TIMEZONE_ANY_DAY, 0, 0, 0}, 2026, 2, 28, "last day"},
        {{3, 1, TIMEZONE_WEEKDAY, 0, 0, 0}, 2026, 3, 2, "first weekday"},
        {{5, 2, TIMEZONE_WEEKEND_DAY, 0, 0, 0},
         2026,
         5,
         3,
         "second of a weekend"},
        {{2, 5, 0, 0, 0, 0}, 2026, 2, 22, "last Sunday of February"},
        {{3, 4, 0, 0, 0, 0}, 2026, 3, 22, "fourth Sunday"},
        {{2, 0, 0, 30, 0, 0}, 2026, 2, 28, "30 February is the last day"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(timezone_rule_day(&rows[i].rule, rows[i].year),
               datetime_days(rows[i].year, rows[i].month, rows[i].day),
               rows[i].name);
    }
}

static void test_rules_of(apr_pool_t *pool)
{
    const timezone_rule_t *r;
    timezone_t *tz;

    tzif_load(&tz, "Europe/Berlin", pool);
    is_int(timezone_rules(tz, 1772443815, &r), 2,
           "Berlin has two rules in 2026");
    ok(r[0].month == 3 && r[0].order == 5 && r[0].weekday == 0 &&
           r[0].seconds == 7200 && r[0].offset == 7200 && r[1].month == 10,
       "those of the European Union");
    tzif_load(&tz, "Asia/Kolkata", pool);
    is_int(timezone_rules(tz, 1772443815, &r), 0, "Kolkata has none");
}

static void test_names(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "",
        "/etc/passwd",
        "../../../etc/passwd",
        "Europe/../Europe/Berlin",
        "Europe//Berlin",
        "Europe/",
        "Europe",
        "posix rules",
        "W. Europe",
        "Europe/Berlin%00",
        "zone.tab",
    };
    timezone_t *tz;
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(tzif_load(&tz, bad[i], pool) == APR_NOTFOUND, "no zone \"%s\"",
           bad[i]);
    }
    ok(tzif_load(&tz, "w. eUROPE standard time", pool) == APR_SUCCESS,
       "Windows names in any case");
    is_str(windows_zones_find("Lord Howe Standard Time")->iana,
           "Australia/Lord_Howe", "Lord Howe");
}

/* A zone file cut off anywhere, or with any byte changed, is refused or read,
 * nothing else. */
static void test_broken_files(apr_pool_t *pool)
{
    unsigned char *bytes = apr_palloc(pool, 65536);
    apr_size_t len = 65536, i;
    apr_pool_t *scratch;
    apr_file_t *file;
    const char *why;
    timezone_t *tz;
    int refused = 0;

    apr_file_open(&file, "/usr/share/zoneinfo/Europe/Berlin", APR_FOPEN_READ, 0,
                  pool);
    apr_file_read(file, bytes, &len);
    apr_pool_create(&scratch, pool);
    for (i = 0; i < len; i++) {
        unsigned char *copy;

        apr_pool_clear(scratch);
        copy = apr_pmemdup(scratch, bytes, i ? i : 1);
        refused +=
            tzif_decode(&tz, copy, i, &why, scratch) == APR_EINVAL && why;
        copy = apr_pmemdup(scratch, bytes, len);
        copy[i] ^= 0xff;
        if (tzif_decode(&tz, copy, len, &why, scratch) == APR_SUCCESS) {
            timezone_to_utc(tz, 1772443815);
        }
    }
    is_int(refused, (long long)len, "each cut is refused");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_windows_zones(pool);
    test_places(pool);
    test_rules(pool);
    test_clock(pool);
    test_kinds_of_day();
    test_rules_of(pool);
    test_names(pool);
    test_broken_files(pool);
    apr_terminate();
    return done_testing();
}
