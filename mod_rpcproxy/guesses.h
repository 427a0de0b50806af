/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_GUESSES_H
#define POSTERN_GUESSES_H

/* Cookies stand for virtual connections, so a user who asks again and again for
 * some that do not exist is guessing.  Counts that for a bounded number of users
 * at a time, by a hash of their names.  Pure; one thread at a time. */

#include <apr_time.h>

#define GUESSES_ROWS 64
#define GUESSES_MOST 20 /* of one user within */
#define GUESSES_TIME apr_time_from_sec(60)

/* Zeroed, it is empty. */
typedef struct guesses_t {
    struct {
        apr_uint32_t user;
        int wrong;
        apr_time_t until; /* 0: free */
    } row[GUESSES_ROWS];
} guesses_t;

/* 1 unless `user` has guessed too often. */
int guesses_allowed(const guesses_t *g, const char *user, apr_time_t now);

/* `user` has asked for what does not exist. */
void guesses_wrong(guesses_t *g, const char *user, apr_time_t now);

#endif
