/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* From calendar to digits against a model that knows no more than minutes and
 * the C library's clock: 10,000 random calendars, windows, intervals and zones. */

#include "mod_freebusy/datetime.h"
#include "mod_freebusy/ical.h"
#include "mod_freebusy/tzif.h"
#include "t/unit/freebusy/random.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <time.h>

#define RUNS 10000
#define MINUTES_MAX (62 * 1440)

static const char *const zones[] = {
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Asia/Tehran",
    "UTC",
    "America/St_Johns",
    "Pacific/Chatham",
    "America/Caracas",
    "Africa/Cairo",
    "Asia/Tokyo",
};

#define ZONES (sizeof(zones) / sizeof(zones[0]))

static const timezone_t *loaded[ZONES];

/* --- the model --- */

typedef struct model_t {
    apr_int64_t start; /* UTC */
    int minutes;
    char digits[MINUTES_MAX]; /* one a minute */
} model_t;

static model_t model;

/* Marks every minute of which some second is in the period. */
static void mark(apr_int64_t from, apr_int64_t to, int type)
{
    int i;

    for (i = 0; i < model.minutes; i++) {
        apr_int64_t minute = model.start + i * 60;

        if (from < minute + 60 && to > minute && model.digits[i] < '0' + type) {
            model.digits[i] = (char)('0' + type);
        }
    }
}

static apr_int64_t to_utc(int year, int month, int day, int hour, int minute)
{
    struct tm t = {.tm_year = year - 1900,
                   .tm_mon = month - 1,
                   .tm_mday = day,
                   .tm_hour = hour,
                   .tm_min = minute,
                   .tm_isdst = -1};

    return mktime(&t);
}

/* The highest digit of each slot. */
static char *slots(int interval, apr_pool_t *pool)
{
    int count = (model.minutes + interval - 1) / interval, i;
    char *out = apr_palloc(pool, (apr_size_t)count + 1);

    memset(out, '0', (size_t)count);
    out[count] = '\0';
    for (i = 0; i < model.minutes; i++) {
        if (out[i / interval] < model.digits[i]) {
            out[i / interval] = model.digits[i];
        }
    }
    return out;
}

/* --- the calendar, in both --- */

static const struct {
    const char *line;
    int type; /* the digit */
} kinds[] = {
    {"", 2},
    {"X-MICROSOFT-CDO-BUSYSTATUS:OOF\r\n", 3},
    {"STATUS:TENTATIVE\r\n", 1},
    {"TRANSP:TRANSPARENT\r\n", 0},
    {"STATUS:CANCELLED\r\n", 0},
    {"X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE\r\n", 0},
};

/* A series of `count` instances of every `step` days, or one event.  Hours are
 * such that no clock of the world is put on or back then. */
static const char *event(const char *zone, apr_pool_t *pool)
{
    apr_int64_t day = datetime_day_of(model.start) - 40 + random_below(120);
    int kind = random_below((int)(sizeof(kinds) / sizeof(kinds[0])));
    int hour = 5 + random_below(18), minute = random_below(60), i;
    int lasts = 1 + random_below(random_below(4) ? 120 : 4000);
    int count = random_below(2) ? 1 + random_below(20) : 1;
    int step = 1 + random_below(9), weekly = random_below(2);
    int year, month, date;
    const char *rule = "";

    datetime_civil(day, &year, &month, &date);
    if (count > 1) {
        rule = apr_psprintf(pool, "RRULE:FREQ=%s;INTERVAL=%d;COUNT=%d\r\n",
                            weekly ? "WEEKLY" : "DAILY", step, count);
    }
    for (i = 0; i < count; i++) {
        int y, m, d;
        apr_int64_t from;

        datetime_civil(day + i * step * (weekly ? 7 : 1), &y, &m, &d);
        from = to_utc(y, m, d, hour, minute);
        mark(from, from + lasts * 60, kinds[kind].type);
    }
    return apr_psprintf(pool,
                        "BEGIN:VEVENT\r\nUID:%d\r\nDTSTART;TZID=%s:%04d%02d%02d"
                        "T%02d%02d00\r\nDURATION:PT%dM\r\n%s%sEND:VEVENT\r\n",
                        random_below(1000000), zone, year, month, date, hour,
                        minute, lasts, rule, kinds[kind].line);
}

static int run(apr_pool_t *pool)
{
    int zone = random_below(ZONES), interval = 5 + random_below(1436), i;
    ical_query_t query = {{0, 0}, loaded[zone],   NULL, apr_time_from_sec(5),
                          NULL,   random_below(2)};
    const char *text = "BEGIN:VCALENDAR\r\n", *why, *digits, *expected;
    ical_report_t report;
    busy_set_t *set;

    setenv("TZ", zones[zone], 1);
    tzset();
    model.start =
        (datetime_days(2024, 1, 1) * 1440 + random_below(4 * 365 * 1440)) * 60;
    model.minutes = 1 + random_below(random_below(3) ? 7 * 1440 : MINUTES_MAX);
    memset(model.digits, '0', (size_t)model.minutes);
    for (i = random_below(6); i > 0; i--) {
        text = apr_pstrcat(pool, text, event(zones[zone], pool), NULL);
    }
    text = apr_pstrcat(pool, text, "END:VCALENDAR\r\n", NULL);
    query.window.start = model.start;
    query.window.end = model.start + model.minutes * 60;
    if (ical_read(&set, text, strlen(text), &query, &report, &why, pool) !=
        APR_SUCCESS) {
        return 0;
    }
    digits = busy_merge(set, interval, pool);
    expected = slots(interval, pool);
    if (strcmp(digits, expected) != 0) {
        printf("# %s, interval %d\n%s# %s\n# %s\n", zones[zone], interval, text,
               digits, expected);
        return 0;
    }
    return 1;
}

int main(void)
{
    apr_pool_t *pool, *scratch;
    int i, wrong = 0, runs = RUNS / tap_slower();

    random_state = 23;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&scratch, pool);
    ical_init();
    for (i = 0; i < (int)ZONES; i++) {
        timezone_t *tz;

        tzif_load(&tz, zones[i], pool);
        loaded[i] = tz;
    }
    for (i = 0; i < runs && wrong < 5; i++) {
        apr_pool_clear(scratch);
        wrong += !run(scratch);
    }
    is_int(wrong, 0, apr_psprintf(pool, "%d random calendars", i));
    is_int(i, runs, "all were run");
    apr_terminate();
    return done_testing();
}
