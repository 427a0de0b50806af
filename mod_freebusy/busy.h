/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_BUSY_H
#define POSTERN_BUSY_H

/* What is known about one mailbox in one window of time: a list of periods.
 * Time that no source knows about is a period too, of type BUSY_NO_DATA: what is
 * not known is never shown as free.  Pure; any thread. */

#include "hours.h"

/* In the order of the digits of MergedFreeBusy, the highest wins; what has no
 * digit comes behind. */
typedef enum busy_type_e {
    BUSY_FREE = 0,
    BUSY_TENTATIVE = 1,
    BUSY_BUSY = 2,
    BUSY_OOF = 3,
    BUSY_NO_DATA = 4,
    BUSY_ELSEWHERE = 5 /* working elsewhere: counts as free in the digits */
} busy_type_e;

typedef struct busy_period_t {
    apr_int64_t start, end; /* UTC, end exclusive, start < end */
    busy_type_e type;
    /* Details, only from sources that know them. */
    const char *id, *subject, *location; /* or NULL */
    unsigned meeting : 1, recurring : 1, exception : 1, reminder : 1,
        private_ : 1;
} busy_period_t;

typedef struct busy_window_t {
    apr_int64_t start, end; /* UTC, end exclusive */
} busy_window_t;

typedef struct busy_set_t {
    busy_window_t window;
    apr_array_header_t *periods; /* busy_period_t, all overlap the window */
    int has_details;
    const hours_t *hours; /* of the owner, where his calendar says; or NULL */
} busy_set_t;

/* Most periods that one mailbox may have in a window. */
#define BUSY_PERIODS_MAX 10000

busy_set_t *busy_create(busy_window_t window, apr_pool_t *pool);

/* Adds a copy of `period` when it overlaps the window.  APR_ENOSPC when the set
 * is full. */
apr_status_t busy_add(busy_set_t *set, const busy_period_t *period);

/* Adds BUSY_NO_DATA for each part of the window that none of the
 * busy_window_t in `covered` covers (which it sorts). */
void busy_add_uncovered(busy_set_t *set, apr_array_header_t *covered);

/* Sorts the periods by start, then end. */
void busy_sort(busy_set_t *set);

/* The MergedFreeBusy string: a digit for each `interval` minutes from the start
 * of the window, the last one cut off by its end; in each the highest type that
 * touches it. */
char *busy_merge(const busy_set_t *set, int interval, apr_pool_t *pool);

/* How many digits that are: ceil(window / interval). */
apr_size_t busy_slots(busy_window_t window, int interval);

#endif
