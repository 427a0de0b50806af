/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_BREAKER_H
#define POSTERN_BREAKER_H

/* Fewer threads for a server that is silent.  Each request that asks it waits
 * until its time is over; a hundred clients would hold a hundred threads.  So
 * when an attempt has failed slowly, others fail at once for a second, and
 * then one of them tries while the others still fail; the first success ends
 * it.  A failure that cost no time (connection refused) changes nothing.
 *
 * One breaker per server and process, all zero at first; any thread. */

#include <apr.h>
#include <apr_time.h>

typedef struct breaker_t {
    apr_uint64_t retry_at; /* 0: no trouble; else when to try again */
} breaker_t;

/* 1 when the caller may ask the server, and must then tell the outcome; 0 when
 * it shall fail at once. */
int breaker_may_try(breaker_t *breaker, apr_time_t now);

/* Tells the outcome of an attempt that began at `began`. */
void breaker_tell(breaker_t *breaker, apr_time_t began, apr_time_t now,
                  int succeeded);

#endif
