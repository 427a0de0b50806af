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

/* Moves a start that lies far before the window closer by whole steps of the
 * rule, which keep its phase.  Where steps have no fixed length (months, years)
 * they are few.  Never with COUNT. */
static struct icaltimetype closer(const ical_reader_t *reader,
                                  const struct icalrecurrencetype *rule,
                                  const ical_moment_t *start,
                                  apr_int64_t duration)
{
    struct icaltimetype clock = start->clock;
    apr_int64_t step = rule->interval > 0 ? rule->interval : 1, steps;

    switch (rule->freq) {
    case ICAL_HOURLY_RECURRENCE:
        step *= DATETIME_HOUR;
        break;
    case ICAL_DAILY_RECURRENCE:
        step *= DATETIME_DAY;
        break;
    case ICAL_WEEKLY_RECURRENCE:
        step *= 7 * DATETIME_DAY;
        break;
    default:
        return clock;
    }
    steps = (reader->query->window.start - duration - 3 * DATETIME_DAY -
             start->utc) /
                step -
            2;
    if (steps > 0 && rule->count == 0) {
        apr_int64_t days = steps * step / DATETIME_DAY;

        icaltime_adjust(&clock, (int)days, 0, 0,
                        (int)(steps * step - days * DATETIME_DAY));
    }
    return clock;
}

apr_status_t ical_recur_run(ical_reader_t *reader,
                            struct icalrecurrencetype rule,
                            const ical_moment_t *start, apr_int64_t duration,
                            ical_recur_each_fn *each, void *data)
{
    icalrecur_iterator *iterator;
    struct icaltimetype t;
    apr_int64_t utc;
    apr_status_t rv = APR_SUCCESS;

    until_on_clock(&rule, start);
    iterator =
        icalrecur_iterator_new(rule, closer(reader, &rule, start, duration));
    if (!iterator) {
        return APR_SUCCESS; /* a rule without meaning recurs never */
    }
    while (rv == APR_SUCCESS) {
        t = icalrecur_iterator_next(iterator);
        if (icaltime_is_null_time(t) || t.year > DATETIME_YEAR_MAX) {
            break;
        }
        utc = ical_time_utc(t, start->zone);
        if (utc >= reader->query->window.end) {
            break;
        }
        if (utc + duration > reader->query->window.start) {
            rv = each(data, t);
        }
        if (apr_time_now() > reader->deadline) {
            reader->why = "recurrences of the calendar take too long";
            rv = APR_TIMEUP;
        }
    }
    icalrecur_iterator_free(iterator);
    return rv;
}
