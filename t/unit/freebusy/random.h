/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_RANDOM_H
#define POSTERN_RANDOM_H

/* Numbers that look like chance and are the same in each run of a test, which
 * sets the state first. */

#include <apr.h>

static apr_uint64_t random_state;

/* 0 to `n` - 1. */
static inline int random_below(int n)
{
    random_state =
        random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (apr_uint64_t)n);
}

#endif
