/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* From the times of a calendar to UTC, by zones of our own model: those of
 * libical are global and expand without bound. */

#include "ical_reader.h"
#include "datetime.h"
#include "tzif.h"
#include "vtimezone.h"

#include <apr_strings.h>
#include <string.h>

#define ZONES_MAX 200

apr_int64_t ical_time_clock(struct icaltimetype t)
{
    apr_int64_t day =
        datetime_days(t.year, t.month, t.day) * (apr_int64_t)DATETIME_DAY;

    if (t.is_date) {
        return day;
    }
    return day + t.hour * DATETIME_HOUR + t.minute * DATETIME_MINUTE + t.second;
}

apr_int64_t ical_time_utc(struct icaltimetype t, const timezone_t *zone)
{
    apr_int64_t clock = ical_time_clock(t);

    return zone ? timezone_to_utc(zone, clock) : clock;
}

static icalcomponent *find_vtimezone(icalcomponent *calendar, const char *tzid)
{
    icalcomponent *c;

    for (c = icalcomponent_get_first_component(calendar,
                                               ICAL_VTIMEZONE_COMPONENT);
         c; c = icalcomponent_get_next_component(calendar,
                                                 ICAL_VTIMEZONE_COMPONENT)) {
        icalproperty *p =
            icalcomponent_get_first_property(c, ICAL_TZID_PROPERTY);

        if (p && icalproperty_get_tzid(p) &&
            strcmp(icalproperty_get_tzid(p), tzid) == 0) {
            return c;
        }
    }
    return NULL;
}

/* "/mozilla.org/20070129_1/Europe/Berlin": tries what stands behind each
 * slash. */
static timezone_t *load_by_name(const char *tzid, apr_pool_t *pool)
{
    timezone_t *tz;

    while (tzid && *tzid) {
        if (tzif_load(&tz, tzid, pool) == APR_SUCCESS) {
            return tz;
        }
        tzid = strchr(tzid, '/');
        tzid = tzid ? tzid + 1 : NULL;
    }
    return NULL;
}

/* The zone of the system, kept for other calendars when the caller wants it. */
static timezone_t *system_zone(ical_reader_t *reader, const char *tzid)
{
    apr_hash_t *kept = reader->query->zones;
    timezone_t *tz;
    apr_pool_t *pool;

    if (!kept) {
        return load_by_name(tzid, reader->pool);
    }
    tz = apr_hash_get(kept, tzid, APR_HASH_KEY_STRING);
    if (!tz && apr_hash_count(kept) < ZONES_MAX) {
        pool = apr_hash_pool_get(kept);
        tz = load_by_name(tzid, pool);
        apr_hash_set(kept, apr_pstrdup(pool, tzid), APR_HASH_KEY_STRING, tz);
    }
    return tz ? tz : load_by_name(tzid, reader->pool);
}

/* The zone that the calendar defines; kept for other calendars by its text, for
 * those of one server define it in the same words. */
static timezone_t *own_zone(ical_reader_t *reader, const char *tzid)
{
    icalcomponent *vtimezone = find_vtimezone(reader->calendar, tzid);
    apr_hash_t *kept = reader->query->zones;
    const busy_window_t *window = &reader->query->window;
    apr_pool_t *pool = kept ? apr_hash_pool_get(kept) : reader->pool;
    timezone_t *tz = NULL;
    const char *key = NULL, *why;

    if (!vtimezone) {
        return NULL;
    }
    if (kept) {
        key = apr_psprintf(reader->pool,
                           "%" APR_INT64_T_FMT " %" APR_INT64_T_FMT " %s",
                           window->start, window->end,
                           icalcomponent_as_ical_string(vtimezone));
        tz = apr_hash_get(kept, key, APR_HASH_KEY_STRING);
    }
    if (tz ||
        vtimezone_read(&tz, vtimezone, *window, &why, pool) != APR_SUCCESS) {
        return tz;
    }
    if (kept && apr_hash_count(kept) < ZONES_MAX) {
        apr_hash_set(kept, apr_pstrdup(pool, key), APR_HASH_KEY_STRING, tz);
    }
    return tz;
}

const timezone_t *ical_time_zone(ical_reader_t *reader, const char *tzid)
{
    timezone_t *tz = apr_hash_get(reader->zones, tzid, APR_HASH_KEY_STRING);

    if (tz) {
        return tz;
    }
    if (apr_hash_count(reader->zones) >= ZONES_MAX) {
        reader->report->unknown_zones++;
        return reader->floating;
    }
    tz = own_zone(reader, tzid);
    if (!tz) {
        tz = system_zone(reader, tzid);
    }
    if (!tz) {
        reader->report->unknown_zones++;
        tz = (timezone_t *)reader->floating;
    }
    apr_hash_set(reader->zones, apr_pstrdup(reader->pool, tzid),
                 APR_HASH_KEY_STRING, tz);
    return tz;
}

static int clock_is_sound(struct icaltimetype t)
{
    return !icaltime_is_null_time(t) && t.year >= DATETIME_YEAR_MIN &&
           t.year <= DATETIME_YEAR_MAX && t.month >= 1 && t.month <= 12 &&
           t.day >= 1 && t.day <= datetime_days_in_month(t.year, t.month) &&
           (t.is_date || (t.hour >= 0 && t.hour < 24 && t.minute >= 0 &&
                          t.minute < 60 && t.second >= 0 && t.second <= 60));
}

int ical_time_moment(ical_reader_t *reader, icalproperty *property,
                     struct icaltimetype t, ical_moment_t *out)
{
    icalparameter *tzid =
        icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);

    if (!clock_is_sound(t)) {
        return 0;
    }
    if (icaltime_is_utc(t)) {
        out->zone = NULL;
    }
    else if (tzid && !t.is_date && icalparameter_get_tzid(tzid)) {
        out->zone = ical_time_zone(reader, icalparameter_get_tzid(tzid));
    }
    else {
        out->zone = reader->floating;
    }
    t.zone = NULL;
    out->clock = t;
    out->utc = ical_time_utc(t, out->zone);
    return 1;
}
