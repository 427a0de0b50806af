/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "gate.h"

#include <apr_thread_mutex.h>

typedef enum place_state_e {
    PLACE_BUSY,    /* its thread talks to the verifier */
    PLACE_WAITING, /* for the client; may be lost */
    PLACE_LOST     /* no place any more */
} place_state_t;

struct gate_place_t {
    gate_t *gate;
    place_state_t state;
    verifier_t *verifier; /* set while WAITING */
    apr_time_t since;     /* of WAITING */
};

struct gate_t {
    apr_thread_mutex_t *mutex;
    apr_interval_time_t patience;
    int places;
    int taken;              /* places BUSY or WAITING */
    gate_place_t **waiting; /* array of `places` entries, NULL where empty */
};

apr_status_t gate_create(gate_t **gate, int places,
                         apr_interval_time_t patience, apr_pool_t *pool)
{
    gate_t *g = apr_pcalloc(pool, sizeof(*g));

    g->patience = patience;
    g->places = places;
    g->waiting = apr_pcalloc(pool, sizeof(*g->waiting) * (apr_size_t)places);
    *gate = g;
    return apr_thread_mutex_create(&g->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
}

/* The entry that holds `place`, or an empty one for NULL. */
static gate_place_t **entry(gate_t *g, const gate_place_t *place)
{
    int i;

    for (i = 0; i < g->places; i++) {
        if (g->waiting[i] == place) {
            return &g->waiting[i];
        }
    }
    return NULL;
}

/* Ends the longest wait, if it is long enough.  Under the mutex. */
static void evict(gate_t *g)
{
    gate_place_t **oldest = NULL;
    int i;

    for (i = 0; i < g->places; i++) {
        gate_place_t *place = g->waiting[i];

        if (place && (!oldest || place->since < (*oldest)->since)) {
            oldest = &g->waiting[i];
        }
    }
    if (oldest && apr_time_now() - (*oldest)->since > g->patience) {
        verifier_abort((*oldest)->verifier);
        (*oldest)->state = PLACE_LOST;
        *oldest = NULL;
        g->taken--;
    }
}

gate_place_t *gate_enter(gate_t *g, apr_pool_t *pool)
{
    gate_place_t *place = NULL;

    apr_thread_mutex_lock(g->mutex);
    if (g->taken >= g->places) {
        evict(g);
    }
    if (g->taken < g->places) {
        place = apr_pcalloc(pool, sizeof(*place));
        place->gate = g;
        place->state = PLACE_BUSY;
        g->taken++;
    }
    apr_thread_mutex_unlock(g->mutex);
    return place;
}

void gate_wait(gate_place_t *place, verifier_t *verifier)
{
    gate_t *g = place->gate;

    apr_thread_mutex_lock(g->mutex);
    *entry(g, NULL) = place;
    place->state = PLACE_WAITING;
    place->verifier = verifier;
    place->since = apr_time_now();
    apr_thread_mutex_unlock(g->mutex);
}

/* Takes `place` out of the waiting ones, if it is there. */
static void stop_waiting(gate_place_t *place)
{
    if (place->state == PLACE_WAITING) {
        *entry(place->gate, place) = NULL;
        place->state = PLACE_BUSY;
    }
}

int gate_resume(gate_place_t *place)
{
    int here;

    apr_thread_mutex_lock(place->gate->mutex);
    stop_waiting(place);
    here = place->state == PLACE_BUSY;
    apr_thread_mutex_unlock(place->gate->mutex);
    return here;
}

void gate_leave(gate_place_t *place)
{
    gate_t *g;

    if (!place) {
        return;
    }
    g = place->gate;
    apr_thread_mutex_lock(g->mutex);
    stop_waiting(place);
    if (place->state == PLACE_BUSY) {
        g->taken--;
    }
    place->state = PLACE_LOST;
    apr_thread_mutex_unlock(g->mutex);
}
