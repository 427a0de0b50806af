/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "timers.h"

#include <apr_errno.h>
#include <stdlib.h>

#define FIRST_ROOM 64

void timers_init(timers_t *t)
{
    t->heap = NULL;
    t->count = t->room = 0;
}

void timers_destroy(timers_t *t)
{
    free(t->heap);
    timers_init(t);
}

static void put(timers_t *t, apr_size_t i, timers_timer_t *timer)
{
    t->heap[i] = timer;
    timer->slot = i + 1;
}

static void sift_up(timers_t *t, apr_size_t i, timers_timer_t *timer)
{
    while (i > 0 && t->heap[(i - 1) / 2]->key > timer->key) {
        put(t, i, t->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(t, i, timer);
}

static void sift_down(timers_t *t, apr_size_t i, timers_timer_t *timer)
{
    apr_size_t child;

    while ((child = 2 * i + 1) < t->count) {
        if (child + 1 < t->count &&
            t->heap[child + 1]->key < t->heap[child]->key) {
            child++;
        }
        if (t->heap[child]->key >= timer->key) {
            break;
        }
        put(t, i, t->heap[child]);
        i = child;
    }
    put(t, i, timer);
}

static void take_out(timers_t *t, timers_timer_t *timer)
{
    apr_size_t i = timer->slot - 1;
    timers_timer_t *last = t->heap[--t->count];

    timer->slot = 0;
    if (last == timer) {
        return;
    }
    if (last->key < timer->key) {
        sift_up(t, i, last);
    }
    else {
        sift_down(t, i, last);
    }
}

static int grow(timers_t *t)
{
    apr_size_t room = t->room ? 2 * t->room : FIRST_ROOM;
    timers_timer_t **heap = realloc(t->heap, room * sizeof(*heap));

    if (!heap) {
        return 0;
    }
    t->heap = heap;
    t->room = room;
    return 1;
}

int timers_set(timers_t *t, timers_timer_t *timer, apr_time_t due)
{
    timer->due = due;
    if (timer->slot) {
        if (!due) {
            take_out(t, timer);
        }
        else if (due < timer->key) {
            timer->key = due;
            sift_up(t, timer->slot - 1, timer);
        }
        return APR_SUCCESS;
    }
    if (!due) {
        return APR_SUCCESS;
    }
    if (t->count == t->room && !grow(t)) {
        timer->due = 0;
        return APR_ENOMEM;
    }
    timer->key = due;
    t->count++;
    sift_up(t, t->count - 1, timer);
    return APR_SUCCESS;
}

timers_timer_t *timers_take(timers_t *t, apr_time_t now)
{
    while (t->count && t->heap[0]->key <= now) {
        timers_timer_t *timer = t->heap[0];

        if (timer->due > now) {
            timer->key = timer->due;
            sift_down(t, 0, timer);
            continue;
        }
        take_out(t, timer);
        timer->due = 0;
        return timer;
    }
    return NULL;
}

apr_time_t timers_next(const timers_t *t)
{
    return t->count ? t->heap[0]->key : 0;
}
