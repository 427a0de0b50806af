/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_VCONN_STATES_H
#define POSTERN_VCONN_STATES_H

/* Every state that a virtual connection can come to, by every sequence of
 * events of any length: from the first state on, each letter is tried in each
 * state that was not seen before, until there is none.
 *
 * Two states are the same when no event can tell them apart.  So that there are
 * finitely many, times are kept as distances from now, counters that are only
 * compared with each other as their difference, and cookies by which channel
 * they are of.  A state is remembered by 128 bits of a hash. */

#include <stdint.h>
#include <stdlib.h>

#include "t/unit/rpcproxy/vconn_model.h"

#define STATES_NOW 1000000000

typedef struct states_t {
    uint64_t (*seen)[2]; /* a hash table; all zero is a free place */
    size_t count, room;
    model_t *last, *next; /* states of the last depth, and of the next one */
    size_t last_count, next_count, next_room;
    int depth;
    long events;
    const char *wrong; /* the first violation */
} states_t;

static inline void states_move(apr_time_t *t, apr_time_t now)
{
    if (*t) {
        *t += STATES_NOW - now;
    }
}

static inline void states_name(rts_cookie_t *cookie, int name)
{
    memset(cookie, 0, sizeof(*cookie));
    cookie->bytes[0] = (unsigned char)name;
}

/* Makes states that behave alike the same bytes. */
static inline void states_normalise(model_t *m)
{
    vconn_t *v = &m->v;
    int in_next = v->in == VCONN_IN_A5W, out_next = v->out > VCONN_OUT_A3W;

    states_move(&v->setup_at, m->now);
    states_move(&v->silent_at, m->now);
    states_move(&v->in_recycle_at, m->now);
    states_move(&v->out_recycle_at, m->now);
    states_move(&v->last_out, m->now);
    states_move(&v->last_in, m->now);
    if (!v->options.idle) {
        v->last_in = 0; /* nobody asks */
    }
    m->now = STATES_NOW;
    memset(&v->counts, 0, sizeof(v->counts)); /* compared after each event */
    m->up = m->down = 0;
    v->receiver.received = 0; /* told, and not compared */
    v->sender.sent -= v->sender.received;
    v->sender.received = 0;
    states_name(&v->in_cookie, v->in_cookie.bytes[0] ? 1 : 0);
    states_name(&v->in_next_cookie, in_next ? 2 : 0);
    states_name(&v->out_cookie, v->out_cookie.bytes[0] ? 3 : 0);
    states_name(&v->out_next_cookie, out_next ? 4 : 0);
    v->out_next_window = out_next ? v->out_next_window : 0;
    m->cookies = 10; /* those to come are others */
}

static inline void states_hash(uint64_t hash[2], const model_t *m)
{
    const unsigned char *bytes = (const unsigned char *)m;
    uint64_t word;
    size_t i;

    hash[0] = UINT64_C(0x243f6a8885a308d3);
    hash[1] = UINT64_C(0x13198a2e03707344);
    for (i = 0; i + sizeof(word) <= sizeof(*m); i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word));
        hash[0] = (hash[0] ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash[0] ^= hash[0] >> 29;
        hash[1] = (hash[1] + word) * UINT64_C(0xd6e8feb86659fd93);
        hash[1] ^= hash[1] >> 32;
    }
    hash[0] |= 1; /* not a free place */
}

/* 1 when `hash` was not in the table. */
static inline int states_put(uint64_t (*seen)[2], size_t room,
                             const uint64_t hash[2])
{
    size_t at = (size_t)(hash[0] >> 1) & (room - 1);

    for (; seen[at][0]; at = (at + 1) & (room - 1)) {
        if (seen[at][0] == hash[0] && seen[at][1] == hash[1]) {
            return 0;
        }
    }
    seen[at][0] = hash[0];
    seen[at][1] = hash[1];
    return 1;
}

static inline void *states_memory(void *old, size_t count, size_t size)
{
    void *memory = old ? realloc(old, count * size) : calloc(count, size);

    if (!memory) {
        abort();
    }
    return memory;
}

static inline void states_grow(states_t *s)
{
    size_t room = s->room ? 2 * s->room : 65536, i;
    uint64_t(*seen)[2] = states_memory(NULL, room, sizeof(*seen));

    for (i = 0; i < s->room; i++) {
        if (s->seen[i][0]) {
            states_put(seen, room, s->seen[i]);
        }
    }
    free(s->seen);
    s->seen = seen;
    s->room = room;
}

/* Keeps the state for the next depth unless it was seen before. */
static inline void states_meet(states_t *s, model_t *m)
{
    uint64_t hash[2];

    if (2 * s->count >= s->room) {
        states_grow(s);
    }
    states_normalise(m);
    states_hash(hash, m);
    if (!states_put(s->seen, s->room, hash)) {
        return;
    }
    s->count++;
    if (s->next_count == s->next_room) {
        s->next_room = s->next_room ? 2 * s->next_room : 1024;
        s->next = states_memory(s->next, s->next_room, sizeof(*s->next));
    }
    memcpy(&s->next[s->next_count++], m, sizeof(*m));
}

/* One more event after every state of the last depth; 0 when that leads to no
 * new state. */
static inline int states_go_deeper(states_t *s)
{
    size_t i;
    int letter;

    free(s->last);
    s->last = s->next;
    s->last_count = s->next_count;
    s->next = NULL;
    s->next_count = s->next_room = 0;
    for (i = 0; i < s->last_count && !s->wrong; i++) {
        for (letter = 0; letter < MODEL_LETTERS && !s->wrong; letter++) {
            model_t m;

            memcpy(&m, &s->last[i], sizeof(m));
            model_step(&m, (model_letter_e)letter);
            s->events++;
            s->wrong = m.wrong;
            if (m.v.state != VCONN_ENDED) {
                states_meet(s, &m);
            }
        }
    }
    s->depth++;
    return s->next_count > 0;
}

/* All of them, or those up to `most` events deep. */
static inline void states_explore(states_t *s, const model_options_t *options,
                                  int most)
{
    model_t first;

    memset(s, 0, sizeof(*s));
    model_init_as(&first, options);
    states_meet(s, &first);
    while (!s->wrong && s->depth < most && states_go_deeper(s)) {
    }
}

static inline void states_free(states_t *s)
{
    free(s->seen);
    free(s->last);
    free(s->next);
}

#endif
