/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Suggestions: rows by hand, and random calendars against a search that looks at
 * every minute. */

#include "mod_freebusy/suggest.h"
#include "mod_freebusy/datetime.h"
#include "mod_freebusy/tzif.h"
#include "t/unit/freebusy/random.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <strings.h>

#define H DATETIME_HOUR

static const hours_t office = {NULL, 1, {{0x3e, 480, 1020}}};
static timezone_t *berlin;

/* One day in Berlin, Monday 2 March 2026, with what Outlook asks for. */
static suggest_options_t monday(void)
{
    suggest_options_t o = {{0, 0}, 25, 48,           48,
                           60,     30, SUGGEST_POOR, {NULL, 0, 0, 0}};

    o.window.start =
        timezone_to_utc(berlin, datetime_days(2026, 3, 2) * DATETIME_DAY);
    o.window.end = o.window.start + 24 * H;
    return o;
}

static busy_set_t *calendar(const suggest_options_t *o, apr_pool_t *pool)
{
    return busy_create(suggest_window(o), pool);
}

static void busy(busy_set_t *set, apr_int64_t from, int start, int end,
                 busy_type_e type)
{
    busy_period_t p = {.type = type,
                       .start = from + start * DATETIME_MINUTE,
                       .end = from + end * DATETIME_MINUTE};

    busy_add(set, &p);
}

static const suggest_day_t *day(const apr_array_header_t *days, int i)
{
    return &APR_ARRAY_IDX(days, i, suggest_day_t);
}

/* "09:00E 09:30G ...", off hours in brackets. */
static const char *show(const suggest_day_t *d, apr_pool_t *pool)
{
    const char *shown = "";
    int i;

    for (i = 0; i < d->times->nelts; i++) {
        const suggest_time_t *t = &APR_ARRAY_IDX(d->times, i, suggest_time_t);
        const char *clock =
            datetime_print(timezone_to_local(berlin, t->start), pool);

        shown = apr_psprintf(
            pool, t->is_work_time ? "%s%s%.5s%c" : "%s%s(%.5s%c)", shown,
            i ? " " : "", clock + 11, *suggest_quality_name(t->quality));
    }
    return shown;
}

static void test_rows(apr_pool_t *pool)
{
    suggest_options_t o = monday();
    suggest_attendee_t a[3];
    busy_set_t *first = calendar(&o, pool), *second = calendar(&o, pool);
    apr_array_header_t *days;

    memset(a, 0, sizeof(a));
    o.max_other = 0;
    o.max = 4;
    busy(first, o.window.start, 8 * 60, 10 * 60, BUSY_BUSY);
    busy(second, o.window.start, 10 * 60, 16 * 60 + 5, BUSY_TENTATIVE);
    a[0].busy = first;
    a[1].busy = second;
    days = suggest_days(&o, a, 2, berlin, &office, pool);
    is_int(days->nelts, 1, "one day");
    is_str(show(day(days, 0), pool), "08:00F 08:30F 09:00F 10:00F",
           "one of two is free: fair, the earliest first");
    is_int(APR_ARRAY_IDX(day(days, 0)->times, 0, suggest_time_t).conflicts[0],
           BUSY_BUSY, "the first cannot");
    is_int(APR_ARRAY_IDX(day(days, 0)->times, 3, suggest_time_t).conflicts[1],
           BUSY_TENTATIVE, "later the second may not");
    o.duration = 30;
    days = suggest_days(&o, a, 2, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "16:30E 08:00F 08:30F 09:00F",
           "a shorter meeting has a time for both, which comes first");
    is_int(day(days, 0)->quality, SUGGEST_EXCELLENT, "so the day is excellent");
    o.minimum = SUGGEST_EXCELLENT;
    days = suggest_days(&o, a, 2, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "16:30E", "what is worse is left out");
    o.minimum = SUGGEST_POOR;
    a[1].exclude_conflicts = 1;
    days = suggest_days(&o, a, 2, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "16:30E 08:00F 08:30F 09:00F",
           "the second must be free");
    a[1].role = AVAILABILITY_ROLE_OPTIONAL;
    a[1].exclude_conflicts = 0;
    days = suggest_days(&o, a, 2, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "16:30E 10:00E 10:30E 11:00E",
           "an optional attendee does not count, but what suits him is first");
    a[1].role = AVAILABILITY_ROLE_REQUIRED;
    days = suggest_days(&o, a, 3, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "16:30F 08:00P 08:30P 09:00P",
           "one who is not known is not free");
    o.good_threshold = 10;
    days = suggest_days(&o, a, 3, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "16:30G 08:00P 08:30P 09:00P",
           "two of three are good by a low threshold");
    o.max = 0;
    days = suggest_days(&o, a, 2, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "", "none wanted");
    is_int(day(days, 0)->quality, SUGGEST_POOR, "none found: a poor day");
}

static void test_rooms(apr_pool_t *pool)
{
    suggest_options_t o = monday();
    suggest_attendee_t a[3];
    apr_array_header_t *days;

    memset(a, 0, sizeof(a));
    o.max_other = 0;
    o.max = 3;
    o.minimum = SUGGEST_FAIR;
    a[0].busy = calendar(&o, pool);
    a[1].busy = calendar(&o, pool);
    a[2].busy = calendar(&o, pool);
    a[1].role = a[2].role = AVAILABILITY_ROLE_ROOM;
    busy((busy_set_t *)a[1].busy, o.window.start, 8 * 60, 12 * 60, BUSY_BUSY);
    busy((busy_set_t *)a[2].busy, o.window.start, 0, 10 * 60, BUSY_BUSY);
    days = suggest_days(&o, a, 3, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "10:00E 10:30E 11:00E",
           "one room of two is enough, none is poor");
    a[2].role = AVAILABILITY_ROLE_REQUIRED;
    a[1].role = AVAILABILITY_ROLE_REQUIRED;
    days = suggest_days(&o, a, 3, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "12:00E 12:30E 13:00E",
           "resources are needed, all of them");
}

static void test_limits(apr_pool_t *pool)
{
    suggest_options_t o = monday();
    suggest_attendee_t a = {NULL, AVAILABILITY_ROLE_REQUIRED, 0};
    apr_array_header_t *days;

    a.busy = calendar(&o, pool);
    o.max = 4;
    o.max_other = 2;
    days = suggest_days(&o, &a, 1, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "(00:00E) (00:30E) 08:00E 08:30E",
           "four a day, two of them off hours");
    o.max_other = 0;
    o.step = 90;
    days = suggest_days(&o, &a, 1, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "09:00E 10:30E 12:00E 13:30E",
           "times every 90 minutes");
}

/* The meeting is at 09:10 now, in two calendars; the second one does not tell
 * UIDs. */
static void test_moved(apr_pool_t *pool)
{
    suggest_options_t o = monday();
    suggest_attendee_t a[2];
    busy_period_t meeting = {.type = BUSY_BUSY, .id = "Meeting-1"};
    busy_set_t *first = calendar(&o, pool), *second = calendar(&o, pool);
    apr_array_header_t *days;

    memset(a, 0, sizeof(a));
    a[0].busy = first;
    a[1].busy = second;
    o.max_other = 0;
    o.max = 5;
    o.minimum = SUGGEST_EXCELLENT;
    meeting.start = o.window.start + 9 * H + 10 * DATETIME_MINUTE;
    meeting.end = meeting.start + H;
    busy_add(first, &meeting);
    meeting.id = NULL;
    busy_add(second, &meeting);
    busy(second, o.window.start, 10 * 60 + 10, 11 * 60, BUSY_BUSY);
    days = suggest_days(&o, a, 2, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "08:00E 11:00E 11:30E 12:00E 12:30E",
           "a meeting is in the way of another");
    o.moved.uid = "MEETING-1";
    o.moved.has_time = 1;
    o.moved.start = meeting.start;
    o.moved.end = meeting.end;
    days = suggest_days(&o, a, 2, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "08:00E 08:30E 09:00E 09:10E 11:00E",
           "but not of itself; where it is now is tried as well");
    o.moved.uid = "another";
    days = suggest_days(&o, a, 2, berlin, &office, pool);
    is_str(show(day(days, 0), pool), "08:00E 11:00E 11:30E 12:00E 12:30E",
           "another meeting at its time is one");
}

static const char hex_id[] =
    "040000008200E00074C5B7101A82E00807EA0302000000000000000000000000000000000"
    "000000010000000000102030405060708090A0B0C0D0E0F";
static const char foreign_id[] = "BAAAAIIA4AB0xbcQGoLgCAAAAAAAAAAAAAAAAAAAAAAAA"
                                 "AAAFAAAAHZDYWwtVWlkAQAAAGFAYi5j";

static void test_uid(apr_pool_t *pool)
{
    char *series = apr_pstrdup(pool, hex_id);

    memset(series + 32, '0', 8);
    ok(strcasecmp(meeting_uid(hex_id, pool), series) == 0,
       "an instance of Outlook's: the UID of the series");
    is_str(meeting_uid(foreign_id, pool), "a@b.c",
           "base64 with the UID of another system");
    is_str(meeting_uid("x@y", pool), "x@y", "a UID itself");
    is_str(meeting_uid("0400", pool), "0400", "hexadecimal, but too short");
    is_str(meeting_uid("", pool), "", "nothing");
}

/* A week with the change to summer time: 02:00 and 02:30 do not exist. */
static void test_clock(apr_pool_t *pool)
{
    suggest_options_t o = monday();
    suggest_attendee_t a = {NULL, AVAILABILITY_ROLE_REQUIRED, 0};
    apr_array_header_t *days;
    int i, weekend = 0;

    o.window.start =
        timezone_to_utc(berlin, datetime_days(2026, 3, 25) * DATETIME_DAY);
    o.window.end =
        timezone_to_utc(berlin, datetime_days(2026, 4, 1) * DATETIME_DAY);
    a.busy = calendar(&o, pool);
    days = suggest_days(&o, &a, 1, berlin, &office, pool);
    is_int(days->nelts, 7, "seven days");
    is_int(day(days, 0)->times->nelts, 48, "48 times on the first");
    is_int(day(days, 4)->times->nelts, 46, "46 on the day of 23 hours");
    for (i = 0; i < 46; i++) {
        weekend |=
            APR_ARRAY_IDX(day(days, 4)->times, i, suggest_time_t).is_work_time;
    }
    is_int(weekend, 0, "none of them is work time on a Sunday");
    o.window.start += 12 * H + 1;
    days = suggest_days(&o, &a, 1, berlin, &office, pool);
    is_int(day(days, 0)->times->nelts, 23, "only times within the window");
}

/* Whether nobody has anything in the meeting, minute by minute. */
static int all_free(const suggest_attendee_t *a, int count, apr_int64_t start,
                    int duration)
{
    int i, j;
    apr_int64_t end = start + duration * DATETIME_MINUTE;

    for (i = 0; i < count; i++) {
        for (j = 0; j < a[i].busy->periods->nelts; j++) {
            const busy_period_t *p =
                &APR_ARRAY_IDX(a[i].busy->periods, j, busy_period_t);

            if (p->type != BUSY_FREE && p->start < end && p->end > start) {
                return 0;
            }
        }
    }
    return 1;
}

static void test_random(apr_pool_t *pool)
{
    int run, wrong = 0, excellent = 0;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    for (run = 0; run < 1000; run++) {
        suggest_options_t o = monday();
        suggest_attendee_t a[4];
        apr_array_header_t *days;
        apr_int64_t t;
        int i, j, count = 1 + random_below(4), found = 0, expected = 0;

        apr_pool_clear(scratch);
        o.duration = 30 * (1 + random_below(6));
        for (i = 0; i < count; i++) {
            busy_set_t *set = calendar(&o, scratch);

            for (j = random_below(4); j > 0; j--) {
                int from = random_below(1440);

                busy(set, o.window.start, from, from + random_below(300),
                     (busy_type_e)random_below(5));
            }
            a[i].busy = set;
            a[i].role = AVAILABILITY_ROLE_REQUIRED;
            a[i].exclude_conflicts = 0;
        }
        days = suggest_days(&o, a, count, berlin, &office, scratch);
        for (i = 0; i < day(days, 0)->times->nelts; i++) {
            const suggest_time_t *s =
                &APR_ARRAY_IDX(day(days, 0)->times, i, suggest_time_t);

            found += s->quality == SUGGEST_EXCELLENT;
            wrong += (s->quality == SUGGEST_EXCELLENT) !=
                     all_free(a, count, s->start, o.duration);
        }
        for (t = o.window.start; t < o.window.end; t += 30 * DATETIME_MINUTE) {
            expected += all_free(a, count, t, o.duration);
        }
        wrong += found != expected;
        excellent += found;
    }
    is_int(wrong, 0, "1000 random days: excellent is when all are free");
    ok(excellent > 1000, "%d excellent times", excellent);
}

int main(void)
{
    apr_pool_t *pool;

    random_state = 7;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    tzif_load(&berlin, "Europe/Berlin", pool);
    test_rows(pool);
    test_rooms(pool);
    test_limits(pool);
    test_moved(pool);
    test_uid(pool);
    test_clock(pool);
    test_random(pool);
    apr_terminate();
    return done_testing();
}
