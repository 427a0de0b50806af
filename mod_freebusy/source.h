/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SOURCE_H
#define POSTERN_SOURCE_H

/* Where calendars come from.  A source yields the bytes of many mailboxes'
 * calendars at once; what is in them is ical.h's business.  Pure; any thread,
 * after fetch_init(). */

#include "busy.h"
#include "placeholder.h"

#include <apr_tables.h>
#include <apr_time.h>

typedef enum source_kind_e {
    SOURCE_FILE,   /* file:/path/%{user}.ics */
    SOURCE_HTTP,   /* http(s)://host/%{user}/freebusy.ifb */
    SOURCE_REPORT, /* report:http(s)://host/%{user}/calendar/ */
    SOURCE_OUTBOX  /* outbox:http(s)://host/%{user}/outbox/ of the caller */
} source_kind_e;

typedef struct source_t {
    source_kind_e kind;
    const char *where;                 /* path or URL, with placeholders */
    const char *user, *password;       /* for Basic, or NULL */
    const apr_array_header_t *headers; /* const char *, "Name: value" with
                                          placeholders */
    const char *ca_file;               /* or NULL */
} source_t;

/* For an outbox, which is asked once for all, and for reports. */
typedef struct source_question_t {
    busy_window_t window;
    const placeholder_values_t *caller; /* of an outbox; NULL: a login without a
                                           mailbox */
} source_question_t;

typedef struct source_limits_t {
    apr_interval_time_t total;
    apr_size_t max_bytes;
} source_limits_t;

typedef struct source_calendar_t {
    placeholder_values_t values; /* of the mailbox */
    apr_status_t rv; /* APR_SUCCESS, APR_NOTFOUND no such calendar, APR_EACCES
                        not for us, APR_TIMEUP, APR_ENOSPC too long, or other */
    const char *why; /* with any other than APR_SUCCESS */
    const char *data;
    apr_size_t len;
} source_calendar_t;

/* Reads "file:...", "http(s)://...", "outbox:http(s)://..." or
 * "report:http(s)://..." into *source.  NULL, or what is wrong. */
const char *source_parse(source_t *source, const char *text, apr_pool_t *pool);

/* 1 when a password may be sent there: https, or to this machine. */
int source_is_secret(const source_t *source);

/* 1 when the host is localhost or a literal address of a private network: a
 * server that believes a header is nowhere else. */
int source_is_private(const source_t *source, apr_pool_t *pool);

/* 1 when what it yields depends on the window of the question. */
int source_has_window(const source_t *source);

/* Reads the `count` calendars; each has its own outcome. */
void source_read(const source_t *source, const source_question_t *question,
                 source_calendar_t *calendars, int count,
                 const source_limits_t *limits, apr_pool_t *pool);

#endif
