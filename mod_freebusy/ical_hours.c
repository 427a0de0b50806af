/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* VAVAILABILITY (RFC 7953).  The weekly AVAILABLEs in it are hours of work, as
 * Exchange knows them: what is outside is shown as such, not as busy.  One
 * without any says that its owner is away. */

#include "ical_reader.h"
#include "datetime.h"
#include "ical_plain.h"

#include <string.h>

#define EVERY_DAY 0x7f

static icalproperty *property(icalcomponent *c, icalproperty_kind kind)
{
    return icalcomponent_get_first_property(c, kind);
}

/* From when until when `c` is; what it leaves out has no end.  0 when it makes no
 * sense. */
static int window_of(ical_reader_t *reader, icalcomponent *c,
                     busy_window_t *window, ical_moment_t *start)
{
    icalproperty *from = property(c, ICAL_DTSTART_PROPERTY);
    icalproperty *to = property(c, ICAL_DTEND_PROPERTY);
    icalproperty *lasts = property(c, ICAL_DURATION_PROPERTY);
    ical_moment_t end;

    memset(start, 0, sizeof(*start));
    window->start = APR_INT64_MIN;
    window->end = APR_INT64_MAX;
    if (from) {
        if (!ical_time_moment(reader, from, icalproperty_get_dtstart(from),
                              start)) {
            return 0;
        }
        window->start = start->utc;
    }
    if (to) {
        if (!ical_time_moment(reader, to, icalproperty_get_dtend(to), &end)) {
            return 0;
        }
        window->end = end.utc;
    }
    else if (lasts && from) {
        window->end = start->utc +
                      icaldurationtype_as_int(icalproperty_get_duration(lasts));
    }
    return window->start < window->end;
}

static int overlap(const busy_window_t *a, const busy_window_t *b)
{
    return a->start < b->end && b->start < a->end;
}

/* BUSYTYPE (section 3.2). */
static busy_type_e busytype(icalcomponent *c)
{
    icalproperty *p = property(c, ICAL_BUSYTYPE_PROPERTY);

    switch (p ? icalproperty_get_busytype(p) : ICAL_BUSYTYPE_BUSYUNAVAILABLE) {
    case ICAL_BUSYTYPE_BUSY:
        return BUSY_BUSY;
    case ICAL_BUSYTYPE_BUSYTENTATIVE:
        return BUSY_TENTATIVE;
    default:
        return BUSY_OOF;
    }
}

/* The days of a rule that comes back every week as long as the window lasts; 0
 * for any other. */
static unsigned days_of(const ical_reader_t *reader,
                        struct icalrecurrencetype *rule,
                        const ical_moment_t *start)
{
    if (!ical_plain_is(rule) || rule->interval != 1 || rule->count != 0 ||
        ical_recur_end(reader, rule, start) < reader->query->window.end) {
        return 0;
    }
    return rule->freq == ICAL_DAILY_RECURRENCE
               ? EVERY_DAY
               : ical_plain_days(rule, start->clock);
}

/* One AVAILABLE. */
static void read_available(ical_reader_t *reader, icalcomponent *c,
                           hours_t *hours)
{
    icalproperty *p = property(c, ICAL_RRULE_PROPERTY);
    struct icalrecurrencetype rule;
    busy_window_t first;
    ical_moment_t start;
    const timezone_t *zone;
    apr_int64_t minutes;
    int from;
    unsigned days;

    if (!p || !window_of(reader, c, &first, &start) ||
        first.start == APR_INT64_MIN || first.end == APR_INT64_MAX ||
        first.start >= reader->query->window.end) {
        return;
    }
    rule = icalproperty_get_rrule(p);
    days = days_of(reader, &rule, &start);
    zone = start.zone ? start.zone : timezone_fixed(0, reader->pool);
    /* On the clock: the first day may be one of 23 hours. */
    minutes = (timezone_to_local(zone, first.end) -
               timezone_to_local(zone, first.start)) /
              DATETIME_MINUTE;
    from = start.clock.hour * 60 + start.clock.minute;
    if (days && minutes > 0 && from + minutes <= 24 * 60) {
        hours_add(hours, days, from, from + (int)minutes);
        hours->zone = zone;
    }
}

static apr_status_t read_availability(ical_reader_t *reader, icalcomponent *c)
{
    busy_period_t away = {.type = busytype(c)};
    hours_t *hours = apr_pcalloc(reader->pool, sizeof(*hours));
    busy_window_t window;
    ical_moment_t start;
    icalcompiter at;
    icalcomponent *available;

    if (!window_of(reader, c, &window, &start) ||
        !overlap(&window, &reader->query->window)) {
        return APR_SUCCESS;
    }
    at = icalcomponent_begin_component(c, ICAL_XAVAILABLE_COMPONENT);
    available = icalcompiter_deref(&at);
    if (!available && !property(c, ICAL_DTSTART_PROPERTY)) {
        return APR_SUCCESS; /* away since ever is a mistake */
    }
    if (!available) {
        away.start = window.start;
        /* Without an end it lasts as long as anybody asks. */
        away.end =
            window.end < APR_INT64_MAX ? window.end : reader->query->window.end;
        return ical_add(reader, &away);
    }
    for (; available; available = icalcompiter_next(&at)) {
        read_available(reader, available, hours);
    }
    if (hours->count > 0) {
        reader->set->hours = hours;
    }
    return APR_SUCCESS;
}

apr_status_t ical_hours_read(ical_reader_t *reader)
{
    apr_status_t rv = APR_SUCCESS;
    icalcompiter at = icalcomponent_begin_component(
        reader->calendar, ICAL_VAVAILABILITY_COMPONENT);
    icalcomponent *c;

    for (c = icalcompiter_deref(&at); c && rv == APR_SUCCESS;
         c = icalcompiter_next(&at)) {
        rv = read_availability(reader, c);
    }
    return rv;
}
