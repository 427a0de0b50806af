/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_PAIRS_H
#define POSTERN_PAIRS_H

/* Which process holds which virtual connection: a table of fixed size in memory
 * that all processes share.  What a process that died has left in it counts as
 * free, so there is nothing to sweep.
 *
 * Any thread of any process; a mutex that survives the death of its owner is
 * held while one row of the table is looked at. */

#include <apr_errno.h>
#include <sys/types.h>

#include "rts.h"

#define PAIRS_MEMBERS 4096 /* processes, of all generations */
#define PAIRS_BUCKETS 1024
#define PAIRS_WAYS 64 /* virtual connections in each bucket */

typedef struct pairs_t pairs_t;

typedef enum pairs_result_e {
    PAIRS_MINE,
    PAIRS_OTHER, /* *owner holds it */
    PAIRS_NONE,  /* nobody does, and it was not claimed */
    PAIRS_GONE,  /* its process has ended: nobody ever will */
    PAIRS_FULL
} pairs_result_e;

/* Bytes of a table. */
apr_size_t pairs_size(void);

/* Makes a table of zeroed memory.  An error of pthread. */
apr_status_t pairs_init(pairs_t *pairs);

/* A process comes (its number, or -1 when there are too many), and goes; the
 * latter may be said by anybody, also twice, without the mutex. */
int pairs_enter(pairs_t *pairs, pid_t pid);
void pairs_leave(pairs_t *pairs, pid_t pid);

/* Who holds the virtual connection?  When nobody does and `claim` is set,
 * `member` does from now on. */
pairs_result_e pairs_find(pairs_t *pairs, const rts_cookie_t *cookie,
                          int member, int claim, pid_t *owner);

/* `member` holds it no longer.  With `gone`, who asks later is told so as long
 * as there is room. */
void pairs_release(pairs_t *pairs, const rts_cookie_t *cookie, int member,
                   int gone);

/* How many are held. */
unsigned int pairs_count(pairs_t *pairs);

#endif
