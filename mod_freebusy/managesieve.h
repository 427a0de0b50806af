/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MANAGESIEVE_H
#define POSTERN_MANAGESIEVE_H

/* The words of ManageSieve (RFC 5804): answers read, commands written.  Pure;
 * any thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#define MANAGESIEVE_ANSWER_MAX (2 * 1024 * 1024) /* bytes of one answer */
#define MANAGESIEVE_LINES_MAX 1000

typedef enum managesieve_status_e {
    MANAGESIEVE_OK,
    MANAGESIEVE_NO,
    MANAGESIEVE_BYE
} managesieve_status_e;

typedef struct managesieve_answer_t {
    managesieve_status_e status;
    const char *code; /* NONEXISTENT, or NULL */
    const char *text; /* for people, or NULL */
    apr_array_header_t
        *lines; /* apr_array_header_t *, each of const char *: the
                                  words of the lines before the status */
} managesieve_answer_t;

/* Reads one whole answer from the `len` bytes at `bytes`; *used are its bytes.
 * APR_INCOMPLETE when more must come, APR_EINVAL when it is none, APR_ENOSPC when
 * it is too long. */
apr_status_t managesieve_read(managesieve_answer_t *answer, const char *bytes,
                              apr_size_t len, apr_size_t *used,
                              apr_pool_t *pool);

/* 1 when a line of the answer has the words `name` and, unless NULL, `value`
 * among the blank-separated ones behind it; without regard to case. */
int managesieve_has(const managesieve_answer_t *answer, const char *name,
                    const char *value);

/* A command line: the verb, each argument as a string (a NULL ends the list),
 * CR LF. */
const char *managesieve_command(apr_pool_t *pool, const char *verb, ...);

#endif
