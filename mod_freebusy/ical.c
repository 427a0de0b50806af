/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The entry: parse, then every VCALENDAR, in it VFREEBUSY and VEVENT. */

#include "ical_reader.h"

#include <apr_cstr.h>
#include <string.h>

void ical_init(void)
{
    icaltimezone_get_utc_timezone();
    icalerror_set_errors_are_fatal(0);
}

static apr_status_t free_component(void *data)
{
    icalcomponent_free(data);
    icalmemory_free_ring();
    return APR_SUCCESS;
}

apr_status_t ical_add(ical_reader_t *reader, const busy_period_t *period)
{
    apr_status_t rv = busy_add(reader->set, period);

    if (rv != APR_SUCCESS) {
        reader->why = "calendar has too many events in the window";
    }
    return rv;
}

/* X-WR-TIMEZONE names the zone in which floating times are meant. */
static void read_floating(ical_reader_t *reader)
{
    icalproperty *p;

    reader->floating = reader->query->floating;
    for (p = icalcomponent_get_first_property(reader->calendar,
                                              ICAL_X_PROPERTY);
         p; p = icalcomponent_get_next_property(reader->calendar,
                                                ICAL_X_PROPERTY)) {
        const char *name = icalproperty_get_x_name(p);
        const char *value = icalproperty_get_x(p);

        if (name && value && apr_cstr_casecmp(name, "X-WR-TIMEZONE") == 0) {
            reader->floating = ical_time_zone(reader, value);
        }
    }
}

static apr_status_t read_calendar(ical_reader_t *reader,
                                  icalcomponent *calendar,
                                  apr_array_header_t *covered)
{
    apr_status_t rv = APR_SUCCESS;
    int freebusy = 0;
    icalcompiter at;
    icalcomponent *c;

    reader->calendar = calendar;
    reader->zones = apr_hash_make(reader->pool);
    reader->overrides = apr_hash_make(reader->pool);
    read_floating(reader);
    at = icalcomponent_begin_component(calendar, ICAL_VFREEBUSY_COMPONENT);
    for (c = icalcompiter_deref(&at); c && rv == APR_SUCCESS;
         c = icalcompiter_next(&at)) {
        rv = ical_freebusy_read(reader, c, covered);
        freebusy = 1;
    }
    if (!freebusy) {
        busy_window_t always = {APR_INT64_MIN, APR_INT64_MAX};

        reader->set->has_details = 1;
        APR_ARRAY_PUSH(covered, busy_window_t) = always;
    }
    if (rv == APR_SUCCESS) {
        rv = ical_hours_read(reader);
    }
    return rv == APR_SUCCESS ? ical_event_read_all(reader) : rv;
}

/* All calendars of the stream: libical wraps more than one in an XROOT. */
static apr_status_t read_stream(ical_reader_t *reader, icalcomponent *root)
{
    apr_array_header_t *covered =
        apr_array_make(reader->pool, 1, sizeof(busy_window_t));
    apr_status_t rv = APR_SUCCESS;
    icalcompiter at;
    icalcomponent *c;

    if (icalcomponent_isa(root) == ICAL_VCALENDAR_COMPONENT) {
        rv = read_calendar(reader, root, covered);
    }
    at = icalcomponent_begin_component(root, ICAL_VCALENDAR_COMPONENT);
    for (c = icalcompiter_deref(&at); c && rv == APR_SUCCESS;
         c = icalcompiter_next(&at)) {
        rv = read_calendar(reader, c, covered);
    }
    if (rv == APR_SUCCESS && covered->nelts == 0) {
        reader->why = "no calendar";
        rv = APR_EINVAL;
    }
    if (rv == APR_SUCCESS) {
        busy_add_uncovered(reader->set, covered);
        busy_sort(reader->set);
    }
    return rv;
}

/* The bytes by libical, behind the fences. */
static apr_status_t read_any(ical_reader_t *reader, const char *bytes,
                             apr_size_t len)
{
    apr_pool_t *scratch;
    icalcomponent *root;
    apr_status_t rv;
    char *thin;

    apr_pool_create(&scratch, reader->pool);
    apr_pool_tag(scratch, "postern_ical");
    thin =
        ical_lines_thin(bytes, len, reader->query, &rv, &reader->why, scratch);
    root = thin ? icalparser_parse_string(thin) : NULL;
    if (root) {
        apr_pool_cleanup_register(scratch, root, free_component,
                                  apr_pool_cleanup_null);
        reader->deadline = apr_time_now() + reader->query->budget;
        rv = read_stream(reader, root);
    }
    else if (rv == APR_SUCCESS) {
        rv = APR_EINVAL;
        reader->why = "no calendar";
    }
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t ical_read(busy_set_t **set, const char *bytes, apr_size_t len,
                       const ical_query_t *query, ical_report_t *report,
                       const char **why, apr_pool_t *pool)
{
    ical_reader_t reader = {.query = query, .report = report, .pool = pool};
    apr_status_t rv = APR_SUCCESS;

    memset(report, 0, sizeof(*report));
    *set = ical_published_read(bytes, len, query->window, report, pool);
    if (!*set) {
        *set = reader.set = busy_create(query->window, pool);
        rv = read_any(&reader, bytes, len);
        *why = reader.why;
    }
    return rv;
}
