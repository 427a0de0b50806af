/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_TIMERS_H
#define POSTERN_TIMERS_H

/* Many timers of one thread: a binary heap of pointers to timers that live
 * inside what they time.  Setting and taking cost O(log n), and setting one to
 * a later time costs nothing: it moves when it comes to the top. */

#include <apr_time.h>

typedef struct timers_timer_t {
    apr_time_t due;  /* 0: not running */
    apr_time_t key;  /* where it stands in the heap, never after `due` */
    apr_size_t slot; /* 1 + its place in the heap, 0 when not there */
} timers_timer_t;

typedef struct timers_t {
    timers_timer_t **heap;
    apr_size_t count, room;
} timers_t;

/* An empty set; timers_destroy() frees what it took. */
void timers_init(timers_t *t);
void timers_destroy(timers_t *t);

/* Runs `timer` out at `due`, or stops it when `due` is 0.  APR_ENOMEM leaves it
 * stopped. */
int timers_set(timers_t *t, timers_timer_t *timer, apr_time_t due);

/* The next timer that is due at `now`, stopped and taken out; NULL when there
 * is none. */
timers_timer_t *timers_take(timers_t *t, apr_time_t now);

/* No timer is due before this; 0 when none runs. */
apr_time_t timers_next(const timers_t *t);

#endif
