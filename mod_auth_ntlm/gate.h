/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_GATE_H
#define POSTERN_GATE_H

/* How many verifications one process keeps open at once.
 *
 * Each holds a connection to the verifier while the client thinks about the
 * challenge.  When all places are taken, the one whose client has thought the
 * longest, and for longer than the gate has patience, loses its place:
 * somebody who only begins logins does not keep others from ending theirs.
 * Any thread. */

#include <apr_pools.h>
#include <apr_time.h>

#include "verifier.h"

typedef struct gate_t gate_t;
typedef struct gate_place_t gate_place_t;

/* A gate with `places` places (at least 1).  It lives as long as `pool`, which
 * must outlive every place. */
apr_status_t gate_create(gate_t **gate, int places,
                         apr_interval_time_t patience, apr_pool_t *pool);

/* Takes a place, in `pool`, or yields NULL when there is none.  The place
 * belongs to the caller until gate_leave(). */
gate_place_t *gate_enter(gate_t *gate, apr_pool_t *pool);

/* The client has the challenge of `verifier` from now on: the place may be
 * lost, and `verifier` with it aborted. */
void gate_wait(gate_place_t *place, verifier_t *verifier);

/* The client has answered.  1 when the place is still there, and cannot be
 * lost any more; 0 when it went to somebody else. */
int gate_resume(gate_place_t *place);

/* Gives the place back; `place` may be NULL.  To be called before the verifier
 * given to gate_wait() is closed. */
void gate_leave(gate_place_t *place);

#endif
