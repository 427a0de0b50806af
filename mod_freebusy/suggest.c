/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "suggest.h"
#include "datetime.h"

#include <stdlib.h>
#include <string.h>

#define FINE 5 /* minutes of one digit of what is known */

typedef struct search_t {
    const suggest_options_t *options;
    const suggest_attendee_t *attendees;
    int count;
    const timezone_t *zone;
    const availability_hours_t *hours;
    const char **digits; /* of each attendee, NULL when not known */
    busy_window_t known;
    apr_pool_t *pool;
} search_t;

static const char *const names[] = {"Excellent", "Good", "Fair", "Poor"};

const char *suggest_quality_name(suggest_quality_e quality)
{
    return names[quality];
}

int suggest_quality_read(suggest_quality_e *quality, const char *text)
{
    int i;

    for (i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            *quality = (suggest_quality_e)i;
            return 1;
        }
    }
    return 0;
}

busy_window_t suggest_window(const suggest_options_t *options)
{
    busy_window_t window = options->window;

    window.end += options->duration * DATETIME_MINUTE;
    return window;
}

/* The worst of what attendee `i` has in the meeting that starts at `start`. */
static busy_type_e conflict(const search_t *s, int i, apr_int64_t start)
{
    apr_int64_t fine = FINE * DATETIME_MINUTE;
    apr_int64_t at = (start - s->known.start) / fine;
    apr_int64_t end = start + s->options->duration * DATETIME_MINUTE;
    char worst = '0';

    if (!s->digits[i]) {
        return BUSY_NO_DATA;
    }
    for (; s->known.start + at * fine < end && s->digits[i][at]; at++) {
        if (s->digits[i][at] > worst) {
            worst = s->digits[i][at];
        }
    }
    return (busy_type_e)(worst - '0');
}

static suggest_quality_e quality(const suggest_options_t *options, int free,
                                 int all)
{
    if (free == all) {
        return SUGGEST_EXCELLENT;
    }
    if (free * 100 >= (options->good_threshold + 50) * all) {
        return SUGGEST_GOOD;
    }
    return free * 2 >= all ? SUGGEST_FAIR : SUGGEST_POOR;
}

/* Fills in conflicts and quality.  0 when the time is not to be suggested. */
static int rate(const search_t *s, suggest_time_t *t)
{
    busy_type_e *conflicts =
        apr_palloc(s->pool, sizeof(*conflicts) * (apr_size_t)s->count);
    int i, free = 0, all = 0;

    for (i = 0; i < s->count; i++) {
        conflicts[i] = conflict(s, i, t->start);
        if (conflicts[i] != BUSY_FREE && s->attendees[i].exclude_conflicts) {
            return 0;
        }
        if (s->attendees[i].counts) {
            all++;
            free += conflicts[i] == BUSY_FREE;
        }
    }
    t->conflicts = conflicts;
    t->quality = quality(s->options, free, all);
    return t->quality <= s->options->minimum;
}

/* The whole meeting is on one working day, within its hours. */
static int is_work_time(const search_t *s, apr_int64_t start)
{
    const timezone_t *zone = s->hours->zone ? s->hours->zone : s->zone;
    apr_int64_t clock = timezone_to_local(zone, start);
    apr_int64_t day = datetime_day_of(clock);
    int minute = (int)(clock - day * DATETIME_DAY) / DATETIME_MINUTE;

    return (s->hours->days & 1u << datetime_weekday(day)) != 0 &&
           minute >= s->hours->from &&
           minute + s->options->duration <= s->hours->to;
}

static int better(const void *a, const void *b)
{
    const suggest_time_t *x = a, *y = b;

    if (x->quality != y->quality) {
        return x->quality < y->quality ? -1 : 1;
    }
    return (x->start > y->start) - (x->start < y->start);
}

/* Keeps the best, as many as were asked for. */
static void choose(const search_t *s, suggest_day_t *day)
{
    suggest_time_t *times = (suggest_time_t *)day->times->elts;
    int i, kept = 0, work = s->options->max_work, other = s->options->max_other;

    if (day->times->nelts) {
        qsort(times, (size_t)day->times->nelts, sizeof(*times), better);
    }
    for (i = 0; i < day->times->nelts; i++) {
        int *left = times[i].is_work_time ? &work : &other;

        if ((*left)-- > 0) {
            times[kept++] = times[i];
        }
    }
    day->times->nelts = kept;
    day->quality = kept ? times[0].quality : SUGGEST_POOR;
}

static void try_day(const search_t *s, suggest_day_t *day)
{
    apr_int64_t clock;

    day->times = apr_array_make(s->pool, 8, sizeof(suggest_time_t));
    for (clock = day->date; clock < day->date + DATETIME_DAY;
         clock += SUGGEST_STEP * DATETIME_MINUTE) {
        suggest_time_t t = {.start = timezone_to_utc(s->zone, clock)};

        /* A time that the clock skips is none. */
        if (t.start < s->options->window.start ||
            t.start >= s->options->window.end ||
            timezone_to_local(s->zone, t.start) != clock) {
            continue;
        }
        t.is_work_time = is_work_time(s, t.start);
        if ((t.is_work_time ? s->options->max_work : s->options->max_other) >
                0 &&
            rate(s, &t)) {
            APR_ARRAY_PUSH(day->times, suggest_time_t) = t;
        }
    }
    choose(s, day);
}

apr_array_header_t *suggest_days(const suggest_options_t *options,
                                 const suggest_attendee_t *attendees, int count,
                                 const timezone_t *zone,
                                 const availability_hours_t *hours,
                                 apr_pool_t *pool)
{
    search_t s = {
        options, attendees, count, zone, hours, NULL, suggest_window(options),
        pool};
    apr_array_header_t *days = apr_array_make(pool, 8, sizeof(suggest_day_t));
    apr_int64_t end = timezone_to_local(zone, options->window.end), date;
    int i;

    s.digits = apr_palloc(pool, sizeof(*s.digits) * (apr_size_t)count);
    for (i = 0; i < count; i++) {
        s.digits[i] = attendees[i].busy
                          ? busy_merge(attendees[i].busy, FINE, pool)
                          : NULL;
    }
    date = datetime_day_of(timezone_to_local(zone, options->window.start)) *
           DATETIME_DAY;
    for (; date < end; date += DATETIME_DAY) {
        suggest_day_t *day = apr_array_push(days);

        day->date = date;
        try_day(&s, day);
    }
    return days;
}
