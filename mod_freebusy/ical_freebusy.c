/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* VFREEBUSY (RFC 5545 section 3.6.4) in whatever form; most come in that of
 * ical_published.c. */

#include "ical_reader.h"

/* FBTYPE (RFC 5545 section 3.2.9): unknown ones count as BUSY. */
static busy_type_e fbtype(icalproperty *p)
{
    icalparameter *type =
        icalproperty_get_first_parameter(p, ICAL_FBTYPE_PARAMETER);

    switch (type ? icalparameter_get_fbtype(type) : ICAL_FBTYPE_BUSY) {
    case ICAL_FBTYPE_FREE:
        return BUSY_FREE;
    case ICAL_FBTYPE_BUSYTENTATIVE:
        return BUSY_TENTATIVE;
    case ICAL_FBTYPE_BUSYUNAVAILABLE:
        return BUSY_OOF;
    default:
        return BUSY_BUSY;
    }
}

static apr_status_t add_freebusy(ical_reader_t *reader, icalproperty *p)
{
    struct icalperiodtype value = icalproperty_get_freebusy(p);
    busy_period_t period = {.type = fbtype(p)};
    ical_moment_t start, end;

    if (period.type == BUSY_FREE ||
        !ical_time_moment(reader, p, value.start, &start)) {
        return APR_SUCCESS;
    }
    period.start = start.utc;
    if (icaltime_is_null_time(value.end)) {
        period.end = start.utc + icaldurationtype_as_int(value.duration);
    }
    else if (ical_time_moment(reader, p, value.end, &end)) {
        period.end = end.utc;
    }
    return ical_add(reader, &period);
}

/* One VFREEBUSY: what it covers, and its periods. */
apr_status_t ical_freebusy_read(ical_reader_t *reader, icalcomponent *c,
                                apr_array_header_t *covered)
{
    busy_window_t window = {APR_INT64_MIN, APR_INT64_MAX};
    icalproperty *p;
    apr_status_t rv = APR_SUCCESS;
    ical_moment_t m;

    p = icalcomponent_get_first_property(c, ICAL_DTSTART_PROPERTY);
    if (p && ical_time_moment(reader, p, icalproperty_get_dtstart(p), &m)) {
        window.start = m.utc;
    }
    p = icalcomponent_get_first_property(c, ICAL_DTEND_PROPERTY);
    if (p && ical_time_moment(reader, p, icalproperty_get_dtend(p), &m)) {
        window.end = m.utc;
    }
    APR_ARRAY_PUSH(covered, busy_window_t) = window;
    p = icalcomponent_get_first_property(c, ICAL_FREEBUSY_PROPERTY);
    reader->report->empty |= p == NULL;
    for (; p && rv == APR_SUCCESS;
         p = icalcomponent_get_next_property(c, ICAL_FREEBUSY_PROPERTY)) {
        rv = add_freebusy(reader, p);
    }
    return rv;
}
