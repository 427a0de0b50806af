/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ICAL_READER_H
#define POSTERN_ICAL_READER_H

/* What the files behind ical.h share. */

#include "ical.h"

#include <apr_hash.h>
#include <libical/ical.h>

typedef struct ical_reader_t {
    const ical_query_t *query;
    ical_report_t *report;
    busy_set_t *set;
    icalcomponent *calendar;    /* the VCALENDAR being read */
    const timezone_t *floating; /* in it */
    apr_hash_t *zones;          /* TZID -> const timezone_t * */
    apr_hash_t *overrides;      /* UID -> array of apr_int64_t: the starts that
                                   have a component of their own */
    apr_time_t deadline;
    const char *why;
    apr_pool_t *pool;
} ical_reader_t;

/* A time of the calendar: on the clock, and in UTC. */
typedef struct ical_moment_t {
    struct icaltimetype clock;
    const timezone_t *zone;
    apr_int64_t utc;
} ical_moment_t;

/* ical.c: adds a copy of `period` to reader->set.  APR_ENOSPC, with reader->why,
 * when it is full. */
apr_status_t ical_add(ical_reader_t *reader, const busy_period_t *period);

/* ical_lines.c: the calendar unfolded, with only those lines that are read
 * here, and without events far from the window.  NULL, with *rv and *why, when
 * it is no calendar or passes a limit. */
char *ical_lines_thin(const char *bytes, apr_size_t len,
                      const ical_query_t *query, apr_status_t *rv,
                      const char **why, apr_pool_t *pool);

/* ical_time.c */
apr_int64_t ical_time_clock(struct icaltimetype t);
apr_int64_t ical_time_utc(struct icaltimetype t, const timezone_t *zone);
const timezone_t *ical_time_zone(ical_reader_t *reader, const char *tzid);
/* The moment that `property` with value `t` names.  0 when it is none. */
int ical_time_moment(ical_reader_t *reader, icalproperty *property,
                     struct icaltimetype t, ical_moment_t *out);

/* ical_published.c: what the `len` bytes say about `window`, sorted, when they
 * are plain VFREEBUSYs; NULL when they are anything else, and nothing is told in
 * `report`. */
busy_set_t *ical_published_read(const char *bytes, apr_size_t len,
                                busy_window_t window, ical_report_t *report,
                                apr_pool_t *pool);

/* ical_freebusy.c: VFREEBUSY `c`: its periods, and in `covered` (busy_window_t)
 * the time that it knows about. */
apr_status_t ical_freebusy_read(ical_reader_t *reader, icalcomponent *c,
                                apr_array_header_t *covered);

/* ical_hours.c: all VAVAILABILITYs of reader->calendar. */
apr_status_t ical_hours_read(ical_reader_t *reader);

/* ical_event.c: all VEVENTs of reader->calendar. */
apr_status_t ical_event_read_all(ical_reader_t *reader);

/* ical_recur.c: calls `each` for the starts of the recurrences of an event by
 * `rule` that may touch the window. */
typedef apr_status_t ical_recur_each_fn(void *data, struct icaltimetype clock);
/* 0 when the rule is one that is not expanded. */
int ical_recur_is_expandable(const struct icalrecurrencetype *rule);
apr_status_t ical_recur_run(ical_reader_t *reader,
                            struct icalrecurrencetype rule,
                            const ical_moment_t *start, apr_int64_t duration,
                            ical_recur_each_fn *each, void *data);
/* UNTIL in UTC, or the end of the window. */
apr_int64_t ical_recur_end(const ical_reader_t *reader,
                           const struct icalrecurrencetype *rule,
                           const ical_moment_t *start);

#endif
