/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* VEVENT (RFC 5545 section 3.6.1) to busy periods: what it is worth, its
 * recurrences, and the instances that have a component of their own. */

#include "ical_reader.h"
#include "datetime.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

typedef struct event_t {
    ical_reader_t *reader;
    icalcomponent *component;
    ical_moment_t start;
    apr_int64_t duration; /* seconds; of whole days for dates */
    busy_period_t period; /* all but start and end */
    const char *uid;
    const apr_array_header_t *overrides; /* apr_int64_t, or NULL */
    apr_array_header_t *excluded;        /* ical_moment_t */
} event_t;

static icalproperty *property(icalcomponent *c, icalproperty_kind kind)
{
    return icalcomponent_get_first_property(c, kind);
}

static const char *uid_of(icalcomponent *c)
{
    icalproperty *p = property(c, ICAL_UID_PROPERTY);
    const char *uid = p ? icalproperty_get_uid(p) : NULL;

    return uid && *uid ? uid : NULL;
}

/* X-MICROSOFT-CDO-BUSYSTATUS, Outlook's own word for it. */
static const struct {
    const char *value;
    busy_type_e type;
} cdo[] = {
    {"FREE", BUSY_FREE},
    {"TENTATIVE", BUSY_TENTATIVE},
    {"BUSY", BUSY_BUSY},
    {"OOF", BUSY_OOF},
    {"WORKINGELSEWHERE", BUSY_ELSEWHERE},
};

static int cdo_status(icalcomponent *c, busy_type_e *type)
{
    icalproperty *p;
    size_t i;

    for (p = icalcomponent_get_first_property(c, ICAL_X_PROPERTY); p;
         p = icalcomponent_get_next_property(c, ICAL_X_PROPERTY)) {
        const char *name = icalproperty_get_x_name(p);
        const char *value = icalproperty_get_x(p);

        if (!name || !value ||
            apr_cstr_casecmp(name, "X-MICROSOFT-CDO-BUSYSTATUS") != 0) {
            continue;
        }
        for (i = 0; i < sizeof(cdo) / sizeof(cdo[0]); i++) {
            if (apr_cstr_casecmp(value, cdo[i].value) == 0) {
                *type = cdo[i].type;
                return 1;
            }
        }
    }
    return 0;
}

/* Whether ATTENDEE `p` is one of the owner's addresses. */
static int is_owner(const ical_query_t *query, icalproperty *p)
{
    const char *address = icalproperty_get_attendee(p);
    int i;

    if (!address || !query->addresses) {
        return 0;
    }
    if (apr_cstr_casecmpn(address, "mailto:", 7) == 0) {
        address += 7;
    }
    for (i = 0; i < query->addresses->nelts; i++) {
        if (apr_cstr_casecmp(address, APR_ARRAY_IDX(query->addresses, i,
                                                    const char *)) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The owner's answer to the invitation; ICAL_PARTSTAT_NONE when he is not among
 * the attendees. */
static icalparameter_partstat answer(const ical_query_t *query,
                                     icalcomponent *c)
{
    icalproperty *p;

    for (p = icalcomponent_get_first_property(c, ICAL_ATTENDEE_PROPERTY); p;
         p = icalcomponent_get_next_property(c, ICAL_ATTENDEE_PROPERTY)) {
        if (is_owner(query, p)) {
            icalparameter *status =
                icalproperty_get_first_parameter(p, ICAL_PARTSTAT_PARAMETER);

            return status ? icalparameter_get_partstat(status)
                          : ICAL_PARTSTAT_NEEDSACTION;
        }
    }
    return ICAL_PARTSTAT_NONE;
}

static int is_cancelled(icalcomponent *c)
{
    icalproperty *p = property(c, ICAL_STATUS_PROPERTY);

    return p && icalproperty_get_status(p) == ICAL_STATUS_CANCELLED;
}

/* What the event is worth.  BUSY_FREE: leave it out. */
static busy_type_e worth(const ical_query_t *query, icalcomponent *c)
{
    icalproperty *transp = property(c, ICAL_TRANSP_PROPERTY);
    icalproperty *status = property(c, ICAL_STATUS_PROPERTY);
    icalparameter_partstat partstat = answer(query, c);
    busy_type_e type = BUSY_BUSY;
    int said = cdo_status(c, &type);

    if (is_cancelled(c) || partstat == ICAL_PARTSTAT_DECLINED ||
        partstat == ICAL_PARTSTAT_DELEGATED) {
        return BUSY_FREE;
    }
    if (!said && transp &&
        icalproperty_get_transp(transp) != ICAL_TRANSP_OPAQUE &&
        icalproperty_get_transp(transp) != ICAL_TRANSP_OPAQUENOCONFLICT) {
        return BUSY_FREE;
    }
    if (type == BUSY_BUSY &&
        (partstat == ICAL_PARTSTAT_NEEDSACTION ||
         partstat == ICAL_PARTSTAT_TENTATIVE ||
         (!said && status &&
          icalproperty_get_status(status) == ICAL_STATUS_TENTATIVE))) {
        return BUSY_TENTATIVE;
    }
    return type;
}

static void details(event_t *e)
{
    icalproperty *summary = property(e->component, ICAL_SUMMARY_PROPERTY);
    icalproperty *location = property(e->component, ICAL_LOCATION_PROPERTY);
    icalproperty *class = property(e->component, ICAL_CLASS_PROPERTY);
    apr_pool_t *pool = e->reader->pool;

    e->period.id = e->uid ? apr_pstrdup(pool, e->uid) : NULL;
    e->period.subject =
        summary ? apr_pstrdup(pool, icalproperty_get_summary(summary)) : NULL;
    e->period.location =
        location ? apr_pstrdup(pool, icalproperty_get_location(location))
                 : NULL;
    e->period.meeting = property(e->component, ICAL_ATTENDEE_PROPERTY) != NULL;
    e->period.recurring = property(e->component, ICAL_RRULE_PROPERTY) ||
                          property(e->component, ICAL_RDATE_PROPERTY);
    e->period.reminder = icalcomponent_get_first_component(
                             e->component, ICAL_VALARM_COMPONENT) != NULL;
    e->period.private_ =
        class && icalproperty_get_class(class) != ICAL_CLASS_PUBLIC;
}

/* Start and length.  A day has no exact length: dates count in days. */
static int times(event_t *e)
{
    icalproperty *start = property(e->component, ICAL_DTSTART_PROPERTY);
    icalproperty *end = property(e->component, ICAL_DTEND_PROPERTY);
    icalproperty *length = property(e->component, ICAL_DURATION_PROPERTY);
    ical_moment_t until;

    if (!start ||
        !ical_time_moment(e->reader, start, icalproperty_get_dtstart(start),
                          &e->start)) {
        return 0;
    }
    e->duration = e->start.clock.is_date ? DATETIME_DAY : 0;
    if (end) {
        if (!ical_time_moment(e->reader, end, icalproperty_get_dtend(end),
                              &until)) {
            return 0;
        }
        e->duration =
            e->start.clock.is_date
                ? ical_time_clock(until.clock) - ical_time_clock(e->start.clock)
                : until.utc - e->start.utc;
    }
    else if (length) {
        e->duration =
            icaldurationtype_as_int(icalproperty_get_duration(length));
    }
    return e->duration >= 0 && e->duration < (apr_int64_t)DATETIME_DAY * 36600;
}

static apr_status_t add(event_t *e, struct icaltimetype clock)
{
    apr_int64_t start = ical_time_clock(clock);

    e->period.start = ical_time_utc(clock, e->start.zone);
    e->period.end = clock.is_date && e->start.zone
                        ? timezone_to_utc(e->start.zone, start + e->duration)
                        : e->period.start + e->duration;
    return ical_add(e->reader, &e->period);
}

static int is_excluded(const event_t *e, struct icaltimetype clock)
{
    apr_int64_t utc = ical_time_utc(clock, e->start.zone);
    int i;

    for (i = 0; e->overrides && i < e->overrides->nelts; i++) {
        if (APR_ARRAY_IDX(e->overrides, i, apr_int64_t) == utc) {
            return 1;
        }
    }
    for (i = 0; i < e->excluded->nelts; i++) {
        const ical_moment_t *m = &APR_ARRAY_IDX(e->excluded, i, ical_moment_t);
        int same_day = m->clock.year == clock.year &&
                       m->clock.month == clock.month &&
                       m->clock.day == clock.day;

        if (m->clock.is_date ? same_day : m->utc == utc) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t each(void *data, struct icaltimetype clock)
{
    event_t *e = data;

    return is_excluded(e, clock) ? APR_SUCCESS : add(e, clock);
}

static void read_excluded(event_t *e)
{
    icalproperty *p;
    ical_moment_t m;

    e->excluded = apr_array_make(e->reader->pool, 2, sizeof(ical_moment_t));
    for (p = property(e->component, ICAL_EXDATE_PROPERTY); p;
         p = icalcomponent_get_next_property(e->component,
                                             ICAL_EXDATE_PROPERTY)) {
        if (ical_time_moment(e->reader, p, icalproperty_get_exdate(p), &m)) {
            APR_ARRAY_PUSH(e->excluded, ical_moment_t) = m;
        }
    }
}

/* RDATE: further starts (its periods count by their start). */
static apr_status_t add_dates(event_t *e)
{
    apr_status_t rv = APR_SUCCESS;
    icalproperty *p;

    for (p = property(e->component, ICAL_RDATE_PROPERTY);
         p && rv == APR_SUCCESS; p = icalcomponent_get_next_property(
                                     e->component, ICAL_RDATE_PROPERTY)) {
        struct icaldatetimeperiodtype date = icalproperty_get_rdate(p);
        event_t once = *e;

        if (ical_time_moment(e->reader, p,
                             icaltime_is_null_time(date.time)
                                 ? date.period.start
                                 : date.time,
                             &once.start) &&
            !is_excluded(&once, once.start.clock)) {
            rv = add(&once, once.start.clock);
        }
    }
    return rv;
}

/* Rules that are not expanded: busy from the first to the last. */
static apr_status_t add_whole(event_t *e, const struct icalrecurrencetype *rule)
{
    e->reader->report->unexpandable++;
    e->period.start = e->start.utc;
    e->period.end = ical_recur_end(e->reader, rule, &e->start) + e->duration;
    return busy_add(e->reader->set, &e->period);
}

static apr_status_t add_recurrences(event_t *e)
{
    apr_status_t rv = add_dates(e);
    icalproperty *p = property(e->component, ICAL_RRULE_PROPERTY);

    /* DTSTART is the first instance even where the rule leaves it out. */
    if (rv == APR_SUCCESS && !p) {
        rv = each(e, e->start.clock);
    }
    for (; p && rv == APR_SUCCESS; p = icalcomponent_get_next_property(
                                       e->component, ICAL_RRULE_PROPERTY)) {
        struct icalrecurrencetype rule = icalproperty_get_rrule(p);

        rv = ical_recur_is_expandable(&rule)
                 ? ical_recur_run(e->reader, rule, &e->start,
                                  e->duration + DATETIME_DAY, each, e)
                 : add_whole(e, &rule);
    }
    return rv;
}

static apr_status_t read_event(ical_reader_t *reader, icalcomponent *c)
{
    event_t e = {.reader = reader, .component = c, .uid = uid_of(c)};

    e.period.type = worth(reader->query, c);
    if (e.period.type == BUSY_FREE || !times(&e)) {
        return APR_SUCCESS;
    }
    details(&e);
    if (property(c, ICAL_RECURRENCEID_PROPERTY)) {
        e.period.exception = e.period.recurring = 1;
        return add(&e, e.start.clock);
    }
    if (e.uid) {
        e.overrides =
            apr_hash_get(reader->overrides, e.uid, APR_HASH_KEY_STRING);
    }
    read_excluded(&e);
    return e.period.recurring ? add_recurrences(&e) : add(&e, e.start.clock);
}

/* Which starts of which UID have a component of their own. */
static void note_override(ical_reader_t *reader, icalcomponent *c)
{
    icalproperty *p = property(c, ICAL_RECURRENCEID_PROPERTY);
    const char *uid = uid_of(c);
    apr_array_header_t *list;
    ical_moment_t m;

    if (!p || !uid ||
        !ical_time_moment(reader, p, icalproperty_get_recurrenceid(p), &m)) {
        return;
    }
    list = apr_hash_get(reader->overrides, uid, APR_HASH_KEY_STRING);
    if (!list) {
        list = apr_array_make(reader->pool, 2, sizeof(apr_int64_t));
        apr_hash_set(reader->overrides, apr_pstrdup(reader->pool, uid),
                     APR_HASH_KEY_STRING, list);
    }
    APR_ARRAY_PUSH(list, apr_int64_t) = m.utc;
}

/* libical keeps the position of a plain walk in the component walked over, and
 * looking up a zone walks over the same one: walk by iterators of our own. */
apr_status_t ical_event_read_all(ical_reader_t *reader)
{
    icalcompiter at;
    icalcomponent *c;
    apr_status_t rv = APR_SUCCESS;

    at = icalcomponent_begin_component(reader->calendar, ICAL_VEVENT_COMPONENT);
    for (c = icalcompiter_deref(&at); c; c = icalcompiter_next(&at)) {
        note_override(reader, c);
    }
    at = icalcomponent_begin_component(reader->calendar, ICAL_VEVENT_COMPONENT);
    for (c = icalcompiter_deref(&at); c && rv == APR_SUCCESS;
         c = icalcompiter_next(&at)) {
        rv = read_event(reader, c);
    }
    return rv;
}
