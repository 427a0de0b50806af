/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_PROGRESS_H
#define SUBMIT_PROGRESS_H

/* How far long work has come, for a person at a terminal: a few words behind
 * what was printed, replaced in place and taken away at the end.  They appear
 * when the work has taken half a second, and change ten times a second at most.
 * Anywhere but on a terminal nothing is printed.  Every function takes NULL,
 * too. */

#include <apr_time.h>

typedef struct progress_t {
    int on;
    int mail, mails; /* this one, of so many */
    apr_time_t next; /* nothing is printed before */
    int shown;       /* characters that are there */
} progress_t;

/* Begins; nothing will be shown when standard output is no terminal. */
void progress_begin(progress_t *progress);

/* Mail number `mail` of `mails` is next. */
void progress_mail(progress_t *progress, int mail, int mails);

/* Of its `all` bytes, `done` are through; all 0: nobody knows how many. */
void progress_bytes(progress_t *progress, apr_off_t done, apr_off_t all);

/* Takes the words away. */
void progress_end(progress_t *progress);

#endif
