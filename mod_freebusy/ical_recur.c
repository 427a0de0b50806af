/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The second fence: recurrence rules.  libical walks them on the clock of the
 * event's zone, one by one from DTSTART.  A single step of some rules takes
 * minutes (FREQ=SECONDLY with days that never come), so that no limit of ours
 * would be reached: those are not expanded at all.  Steps of the others take
 * microseconds, a quarter of a second at worst, and the clock is looked at
 * between. */

#include "ical_reader.h"
#include "datetime.h"
#include "ical_plain.h"

static int has(const short *list)
{
    return list[0] != ICAL_RECURRENCE_ARRAY_MAX;
}

int ical_recur_is_expandable(const struct icalrecurrencetype *rule)
{
    if (rule->rscale) {
        return 0;
    }
    switch (rule->freq) {
    case ICAL_SECONDLY_RECURRENCE:
    case ICAL_MINUTELY_RECURRENCE:
    case ICAL_NO_RECURRENCE:
        return 0;
    case ICAL_HOURLY_RECURRENCE:
        return !has(rule->by_second) && !has(rule->by_minute) &&
               !has(rule->by_hour) && !has(rule->by_day) &&
               !has(rule->by_month_day) && !has(rule->by_year_day) &&
               !has(rule->by_week_no) && !has(rule->by_month) &&
               !has(rule->by_set_pos);
    default:
        return 1;
    }
}

/* UNTIL on the clock of the event: RFC 5545 section 3.3.10 wants it in UTC when
 * DTSTART has a zone. */
static void until_on_clock(struct icalrecurrencetype *rule,
                           const ical_moment_t *start)
{
    struct icaltimetype *until = &rule->until;

    if (icaltime_is_null_time(*until)) {
        return;
    }
    if (icaltime_is_utc(*until) && start->zone && !start->clock.is_date) {
        icaltime_adjust(until, 0, 0, 0,
                        timezone_offset(start->zone, ical_time_clock(*until)));
    }
    until->zone = NULL;
    if (start->clock.is_date) {
        until->is_date = 1;
        until->hour = until->minute = until->second = 0;
    }
    else if (until->is_date) {
        until->is_date = 0;
        until->hour = 23;
        until->minute = until->second = 59;
    }
}

apr_int64_t ical_recur_end(const ical_reader_t *reader,
                           const struct icalrecurrencetype *rule,
                           const ical_moment_t *start)
{
    struct icalrecurrencetype copy = *rule;

    until_on_clock(&copy, start);
    if (icaltime_is_null_time(copy.until) ||
        copy.until.year < DATETIME_YEAR_MIN ||
        copy.until.year > DATETIME_YEAR_MAX || copy.until.month < 1 ||
        copy.until.month > 12) {
        return reader->query->window.end;
    }
    return ical_time_utc(copy.until, start->zone) + 1;
}

/* Seconds of a step, 0 where it has no fixed length (months, years): of those
 * there are few. */
static apr_int64_t step_of(const struct icalrecurrencetype *rule)
{
    apr_int64_t step = rule->interval > 0 ? rule->interval : 1;

    switch (rule->freq) {
    case ICAL_HOURLY_RECURRENCE:
        return step * DATETIME_HOUR;
    case ICAL_DAILY_RECURRENCE:
        return step * DATETIME_DAY;
    case ICAL_WEEKLY_RECURRENCE:
        return step * 7 * DATETIME_DAY;
    default:
        return 0;
    }
}

/* Moves a start that lies far before the window closer by whole steps of the
 * rule, which keep its phase; COUNT loses what is passed over. */
static struct icaltimetype closer(const ical_reader_t *reader,
                                  struct icalrecurrencetype *rule,
                                  const ical_moment_t *start,
                                  apr_int64_t duration)
{
    struct icaltimetype clock = start->clock;
    apr_int64_t step = step_of(rule), steps, days;
    int each = ical_plain_is(rule) ? ical_plain_instances(rule) : 0;

    if (step == 0 || (rule->count != 0 && each == 0)) {
        return clock;
    }
    steps = (reader->query->window.start - duration - 3 * DATETIME_DAY -
             start->utc) /
                step -
            2;
    if (rule->count != 0 && steps > (rule->count - 1) / each) {
        steps = (rule->count - 1) / each;
    }
    if (steps > 0) {
        rule->count -= rule->count ? (int)steps * each : 0;
        days = steps * step / DATETIME_DAY;
        icaltime_adjust(&clock, (int)days, 0, 0,
                        (int)(steps * step - days * DATETIME_DAY));
    }
    return clock;
}

/* An event on its way through the instances of its rule. */
typedef struct walk_t {
    ical_reader_t *reader;
    const timezone_t *zone;
    apr_int64_t duration;
    ical_recur_each_fn *each;
    void *data;
} walk_t;

/* Hands on an instance that may touch the window.  APR_EOF: no later one does.
 */
static apr_status_t hand_on(void *data, struct icaltimetype t)
{
    const walk_t *w = data;
    const busy_window_t *window = &w->reader->query->window;
    apr_status_t rv = APR_SUCCESS;
    apr_int64_t utc;

    if (t.year > DATETIME_YEAR_MAX) {
        return APR_EOF;
    }
    utc = ical_time_utc(t, w->zone);
    if (utc >= window->end) {
        return APR_EOF;
    }
    if (utc + w->duration > window->start) {
        rv = w->each(w->data, t);
    }
    if (rv == APR_SUCCESS && apr_time_now() > w->reader->deadline) {
        w->reader->why = "recurrences of the calendar take too long";
        rv = APR_TIMEUP;
    }
    return rv;
}

/* Any rule, by libical. */
static apr_status_t run_any(struct icalrecurrencetype rule,
                            struct icaltimetype first, walk_t *walk)
{
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, first);
    apr_status_t rv = APR_SUCCESS;

    if (!iterator) {
        return APR_SUCCESS; /* a rule without meaning recurs never */
    }
    while (rv == APR_SUCCESS) {
        struct icaltimetype t = icalrecur_iterator_next(iterator);

        rv = icaltime_is_null_time(t) ? APR_EOF : hand_on(walk, t);
    }
    icalrecur_iterator_free(iterator);
    return rv;
}

apr_status_t ical_recur_run(ical_reader_t *reader,
                            struct icalrecurrencetype rule,
                            const ical_moment_t *start, apr_int64_t duration,
                            ical_recur_each_fn *each, void *data)
{
    walk_t walk = {reader, start->zone, duration, each, data};
    struct icaltimetype first;
    apr_status_t rv;

    until_on_clock(&rule, start);
    first = closer(reader, &rule, start, duration);
    rv = ical_plain_is(&rule) ? ical_plain_run(&rule, first, hand_on, &walk)
                              : run_any(rule, first, &walk);
    return rv == APR_EOF ? APR_SUCCESS : rv;
}
