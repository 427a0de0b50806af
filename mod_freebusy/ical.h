/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ICAL_H
#define POSTERN_ICAL_H

/* Busy periods from the bytes of an iCalendar object (RFC 5545): a VFREEBUSY as
 * servers publish it, or a whole calendar of VEVENTs.  Recurrence is libical's
 * work, with fences: the bytes may come from anybody. */

#include "busy.h"
#include "timezone.h"

#include <apr_hash.h>

#define ICAL_COMPONENTS_MAX 20000
#define ICAL_DEPTH_MAX 6
#define ICAL_LINE_MAX 65536 /* of a property that we read, unfolded */

typedef struct ical_query_t {
    busy_window_t window;
    const timezone_t *floating;          /* where floating times and whole days
                                            are, unless the calendar says */
    const apr_array_header_t *addresses; /* const char *: the owner's, to find
                                            his answer to an invitation */
    apr_interval_time_t budget;          /* for all recurrences together */
    apr_hash_t *zones; /* zones of the system by their TZID and of calendars by
                          their text, for the next calendar; NULL: not kept */
    int times_only;    /* subjects, places and the like are not wanted */
} ical_query_t;

/* What the caller may want to tell the admin. */
typedef struct ical_report_t {
    int unexpandable;  /* events with rules that are not expanded: busy as a
                          whole */
    int unknown_zones; /* TZIDs that nobody knows: taken as floating */
    int empty;         /* a VFREEBUSY without any period */
} ical_report_t;

/* Prepares libical for threads; call once per process. */
void ical_init(void);

/* Reads the `len` bytes into *set (in `pool`, sorted).  APR_EINVAL when they
 * are no calendar, APR_ENOSPC when a limit is passed, APR_TIMEUP when the budget
 * is used up; *why is then a static text. */
apr_status_t ical_read(busy_set_t **set, const char *bytes, apr_size_t len,
                       const ical_query_t *query, ical_report_t *report,
                       const char **why, apr_pool_t *pool);

#endif
