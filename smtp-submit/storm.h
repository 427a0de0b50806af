/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_STORM_H
#define SUBMIT_STORM_H

/* Keeps a flood of messages to one address from becoming a flood of mails: the
 * first message goes at once, what follows within the window goes together,
 * equal ones counted, and after so many mails in an hour the rest waits for the
 * next hour.  Pure: the caller brings the time. */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#define STORM_LINES_MAX 200 /* different messages in one mail */

typedef struct storm_line_t {
    const char *text;
    apr_time_t first;
    apr_uint64_t count;
} storm_line_t;

typedef struct storm_t {
    apr_time_t window; /* length */
    int limit;         /* mails an hour */
    apr_time_t open_until;
    apr_time_t hour;           /* when the first mail of this hour went */
    int mails;                 /* in this hour */
    apr_array_header_t *lines; /* of storm_line_t */
    apr_uint64_t more;         /* messages beyond STORM_LINES_MAX */
    apr_pool_t *all, *pool;
} storm_t;

void storm_init(storm_t *storm, int window_seconds, int limit,
                apr_pool_t *pool);

/* Takes one message. */
void storm_add(storm_t *storm, apr_time_t now, const char *text);

/* 1 when a mail is to be sent now; with `last`, the window is not waited for. */
int storm_due(storm_t *storm, apr_time_t now, int last);

/* When storm_due() may be 1 although no message comes; 0: never. */
apr_time_t storm_next(const storm_t *storm);

/* 1 when the mail to be sent now is the last one of the hour. */
int storm_silences(const storm_t *storm);

/* The mail has been made: forgets the messages. */
void storm_sent(storm_t *storm, apr_time_t now);

#endif
