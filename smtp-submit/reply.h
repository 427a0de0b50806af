/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_REPLY_H
#define SUBMIT_REPLY_H

/* Replies of an SMTP server (RFC 5321 section 4.2), read in pieces of any size.
 * Pure; any thread. */

#include <apr_pools.h>

#define REPLY_LINE_MAX 2048
#define REPLY_TEXT_MAX 512 /* what is kept of one reply */
#define REPLY_LINES_MAX 128

typedef struct reply_reader_t {
    char line[REPLY_LINE_MAX];
    apr_size_t len;
    int lines, code;
    char text[REPLY_TEXT_MAX];
    apr_size_t text_len;
} reply_reader_t;

typedef struct reply_t {
    int code;         /* 200..599 */
    const char *text; /* "550 5.1.1 No such user": code and all lines, blanks
                       * in between, printable characters only */
} reply_t;

void reply_reader_init(reply_reader_t *reader);

/* Takes bytes from *data; stops behind a whole reply.  APR_SUCCESS: *reply is
 * there, its text lives until the next call.  APR_INCOMPLETE: all bytes are
 * taken, the reply goes on.  APR_EINVAL: this is not SMTP; *why says. */
apr_status_t reply_read(reply_reader_t *reader, const char **data,
                        apr_size_t *len, reply_t *reply, const char **why);

/* What a server offers after EHLO. */
typedef struct reply_offers_t {
    int pipelining, eightbitmime, smtputf8, dsn, chunking, starttls, size;
    apr_int64_t max_size; /* 0: not said */
    const char *auth;     /* the mechanisms, NULL without AUTH */
} reply_offers_t;

/* Adds what one line after "250-" offers, such as "SIZE 1000". */
void reply_offer(reply_offers_t *offers, const char *line, apr_size_t len,
                 apr_pool_t *pool);

#endif
