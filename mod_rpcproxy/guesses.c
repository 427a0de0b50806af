/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "guesses.h"

/* Rows that a user can be in. */
#define WAYS 4

static apr_uint32_t hash_of(const char *user)
{
    apr_uint32_t hash = 2166136261u;

    for (; *user; user++) {
        hash = (hash ^ (unsigned char)*user) * 16777619u;
    }
    return hash;
}

/* The number of the user's row, or -1. */
static int find(const guesses_t *g, apr_uint32_t user, apr_time_t now)
{
    apr_uint32_t i;

    for (i = 0; i < WAYS; i++) {
        apr_uint32_t n = (user + i) % GUESSES_ROWS;

        if (g->row[n].until > now && g->row[n].user == user) {
            return (int)n;
        }
    }
    return -1;
}

/* The one that matters least. */
static int room_for(const guesses_t *g, apr_uint32_t user, apr_time_t now)
{
    apr_uint32_t i, best = user % GUESSES_ROWS;

    for (i = 0; i < WAYS; i++) {
        apr_uint32_t n = (user + i) % GUESSES_ROWS;

        if (g->row[n].until <= now) {
            return (int)n;
        }
        if (g->row[n].wrong < g->row[best].wrong) {
            best = n;
        }
    }
    return (int)best;
}

int guesses_allowed(const guesses_t *g, const char *user, apr_time_t now)
{
    int n = find(g, hash_of(user), now);

    return n < 0 || g->row[n].wrong < GUESSES_MOST;
}

void guesses_wrong(guesses_t *g, const char *user, apr_time_t now)
{
    apr_uint32_t hash = hash_of(user);
    int n = find(g, hash, now);

    if (n < 0) {
        n = room_for(g, hash, now);
        g->row[n].user = hash;
        g->row[n].wrong = 0;
        g->row[n].until = now + GUESSES_TIME;
    }
    g->row[n].wrong++;
}
