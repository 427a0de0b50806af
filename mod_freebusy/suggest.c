/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "suggest.h"
#include "datetime.h"

#include <stdlib.h>
#include <string.h>

typedef struct search_t {
    const suggest_options_t *options;
    const suggest_attendee_t *attendees;
    int count;
    const timezone_t *zone;
    const hours_t *hours;
    apr_array_header_t *starts; /* apr_int64_t: the times to try, in order */
    unsigned char **worst;      /* of each attendee, a busy_type_e a start */
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

static void add_start(const search_t *s, apr_int64_t start)
{
    if (start >= s->options->window.start && start < s->options->window.end) {
        APR_ARRAY_PUSH(s->starts, apr_int64_t) = start;
    }
}

/* The times of one day, and that of the meeting that is to be moved.  A time
 * that the clock skips is none. */
static void add_starts(const search_t *s, apr_int64_t date)
{
    const meeting_t *moved = &s->options->moved;
    const apr_int64_t step = s->options->step * DATETIME_MINUTE;
    apr_int64_t clock, start;
    int waits = moved->has_time &&
                timezone_to_local(s->zone, moved->start) >= date &&
                timezone_to_local(s->zone, moved->start) < date + DATETIME_DAY;

    for (clock = date; clock < date + DATETIME_DAY; clock += step) {
        start = timezone_to_utc(s->zone, clock);
        if (timezone_to_local(s->zone, start) != clock) {
            continue;
        }
        if (waits && moved->start <= start) {
            if (moved->start < start) {
                add_start(s, moved->start);
            }
            waits = 0;
        }
        add_start(s, start);
    }
    if (waits) {
        add_start(s, moved->start);
    }
}

/* The first of the times that is later than `after`. */
static int first_later(const apr_array_header_t *starts, apr_int64_t after)
{
    int low = 0, high = starts->nelts;

    while (low < high) {
        int middle = (low + high) / 2;

        if (APR_ARRAY_IDX(starts, middle, apr_int64_t) > after) {
            high = middle;
        }
        else {
            low = middle + 1;
        }
    }
    return low;
}

/* The worst of what one attendee has in a meeting at each of the times: a
 * meeting touches a period when it starts before its end and ends behind its
 * start.  The meeting that is moved is not in its own way. */
static unsigned char *worst_of(const search_t *s, const busy_set_t *busy)
{
    const apr_array_header_t *starts = s->starts;
    const apr_int64_t lasts = s->options->duration * DATETIME_MINUTE;
    unsigned char *worst = apr_palloc(s->pool, (apr_size_t)starts->nelts + 1);
    int i, k;

    memset(worst, busy ? BUSY_FREE : BUSY_NO_DATA, (size_t)starts->nelts);
    for (i = 0; busy && i < busy->periods->nelts; i++) {
        const busy_period_t *p =
            &APR_ARRAY_IDX(busy->periods, i, busy_period_t);

        if (p->type == BUSY_ELSEWHERE || meeting_is(&s->options->moved, p)) {
            continue;
        }
        for (k = first_later(starts, p->start - lasts);
             k < starts->nelts &&
             APR_ARRAY_IDX(starts, k, apr_int64_t) < p->end;
             k++) {
            if (worst[k] < p->type) {
                worst[k] = (unsigned char)p->type;
            }
        }
    }
    return worst;
}

/* Who is free at a time, of how many. */
typedef struct tally_t {
    int free, all; /* of those who must come */
    int rooms, free_rooms;
    int optional; /* free */
} tally_t;

static suggest_quality_e quality(const suggest_options_t *options,
                                 const tally_t *tally)
{
    if (tally->rooms > 0 && tally->free_rooms == 0) {
        return SUGGEST_POOR;
    }
    if (tally->free == tally->all) {
        return SUGGEST_EXCELLENT;
    }
    if (tally->free * 100 >= (options->good_threshold + 50) * tally->all) {
        return SUGGEST_GOOD;
    }
    return tally->free * 2 >= tally->all ? SUGGEST_FAIR : SUGGEST_POOR;
}

static void count_in(tally_t *tally, availability_role_e role, int is_free)
{
    switch (role) {
    case AVAILABILITY_ROLE_OPTIONAL:
        tally->optional += is_free;
        break;
    case AVAILABILITY_ROLE_ROOM:
        tally->rooms++;
        tally->free_rooms += is_free;
        break;
    default:
        tally->all++;
        tally->free += is_free;
        break;
    }
}

/* Rates time `k`.  0 when it is not to be suggested. */
static int rate(const search_t *s, int k, suggest_time_t *t)
{
    tally_t tally = {0, 0, 0, 0, 0};
    int i;

    for (i = 0; i < s->count; i++) {
        int is_free = s->worst[i][k] == BUSY_FREE;

        if (!is_free && s->attendees[i].exclude_conflicts) {
            return 0;
        }
        count_in(&tally, s->attendees[i].role, is_free);
    }
    t->optional = tally.optional;
    t->quality = quality(s->options, &tally);
    return t->quality <= s->options->minimum;
}

static int is_work_time(const search_t *s, apr_int64_t start)
{
    const timezone_t *zone = s->hours->zone ? s->hours->zone : s->zone;

    return hours_contain(s->hours, timezone_to_local(zone, start),
                         s->options->duration);
}

static int better(const void *a, const void *b)
{
    const suggest_time_t *x = a, *y = b;

    if (x->quality != y->quality) {
        return x->quality < y->quality ? -1 : 1;
    }
    if (x->optional != y->optional) {
        return x->optional > y->optional ? -1 : 1;
    }
    return (x->start > y->start) - (x->start < y->start);
}

static const busy_type_e *conflicts_at(const search_t *s, apr_int64_t start)
{
    busy_type_e *list =
        apr_palloc(s->pool, sizeof(*list) * (apr_size_t)s->count);
    int i, k = first_later(s->starts, start - 1);

    for (i = 0; i < s->count; i++) {
        list[i] = (busy_type_e)s->worst[i][k];
    }
    return list;
}

/* Keeps the best, as many as were asked for. */
static void choose(const search_t *s, suggest_day_t *day)
{
    suggest_time_t *times = (suggest_time_t *)day->times->elts;
    int i, kept = 0, other = s->options->max_other;

    if (day->times->nelts) {
        qsort(times, (size_t)day->times->nelts, sizeof(*times), better);
    }
    for (i = 0; i < day->times->nelts && kept < s->options->max; i++) {
        if (times[i].is_work_time || other-- > 0) {
            times[kept] = times[i];
            times[kept].conflicts = conflicts_at(s, times[i].start);
            kept++;
        }
    }
    day->times->nelts = kept;
    day->quality = kept ? times[0].quality : SUGGEST_POOR;
}

/* Takes the times of the day from number *k on. */
static void try_day(const search_t *s, suggest_day_t *day, int *k)
{
    day->times = apr_array_make(s->pool, 8, sizeof(suggest_time_t));
    for (; *k < s->starts->nelts; ++*k) {
        suggest_time_t t = {.start = APR_ARRAY_IDX(s->starts, *k, apr_int64_t)};

        if (timezone_to_local(s->zone, t.start) >= day->date + DATETIME_DAY) {
            break;
        }
        t.is_work_time = is_work_time(s, t.start);
        if ((t.is_work_time || s->options->max_other > 0) && rate(s, *k, &t)) {
            APR_ARRAY_PUSH(day->times, suggest_time_t) = t;
        }
    }
    choose(s, day);
}

apr_array_header_t *suggest_days(const suggest_options_t *options,
                                 const suggest_attendee_t *attendees, int count,
                                 const timezone_t *zone, const hours_t *hours,
                                 apr_pool_t *pool)
{
    search_t s = {options, attendees, count, zone, hours, NULL, NULL, pool};
    apr_array_header_t *days = apr_array_make(pool, 8, sizeof(suggest_day_t));
    const apr_int64_t end = timezone_to_local(zone, options->window.end);
    const apr_int64_t first =
        datetime_day_of(timezone_to_local(zone, options->window.start)) *
        DATETIME_DAY;
    apr_int64_t date;
    int i, k = 0;

    s.starts = apr_array_make(pool, 48, sizeof(apr_int64_t));
    for (date = first; date < end; date += DATETIME_DAY) {
        add_starts(&s, date);
    }
    s.worst = apr_palloc(pool, sizeof(*s.worst) * (apr_size_t)count);
    for (i = 0; i < count; i++) {
        s.worst[i] = worst_of(&s, attendees[i].busy);
    }
    for (date = first; date < end; date += DATETIME_DAY) {
        suggest_day_t *day = apr_array_push(days);

        day->date = date;
        try_day(&s, day, &k);
    }
    return days;
}
