/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ERRAND_H
#define POSTERN_ERRAND_H

/* Calls that may hang, made by a thread of their own: who sends it on an
 * errand waits for so long and no longer.
 *
 * One thread runs one errand after the other.  While it is late with one, the
 * next are refused at once: whatever hangs holds this thread, and nobody else.
 * It is made when it is first needed, has all signals blocked, and lives as
 * long as the process. */

#include <apr_pools.h>
#include <apr_time.h>

/* All zero at first; may lie in memory that was there before a fork.  Any
 * thread. */
typedef struct errand_t {
    struct errand_runner_t *runner;
} errand_t;

/* Makes the pool in which the caller puts the arguments and results of one
 * errand. */
apr_status_t errand_pool(apr_pool_t **pool);

/* Runs `call(job)`, where `job` and all that it needs lies in `pool` or lives
 * as long as the process.  APR_SUCCESS when it has returned within `limit`: the
 * caller reads the results and destroys `pool`.  Otherwise `pool` is no longer
 * the caller's: APR_TIMEUP when it did not return in time (it still may, and
 * nobody looks at the results), APR_EBUSY when it was not begun because the
 * thread is late or has too much to do, another status when there is no
 * thread. */
apr_status_t errand_run(errand_t *errand, void (*call)(void *job), void *job,
                        apr_pool_t *pool, apr_interval_time_t limit);

#endif
