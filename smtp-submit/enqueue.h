/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_ENQUEUE_H
#define SUBMIT_ENQUEUE_H

/* A mail into the queue: no network, no secret.  When enqueue_mail() yields 0,
 * the mail is on disk and will be tried until it is delivered, given up or
 * deleted.  Several threads may enqueue at once, each with its own pool. */

#include "config.h"
#include "progress.h"
#include "spool.h"

/* What the program ends with (sysexits.h). */
enum {
    ENQUEUE_OK = 0,
    ENQUEUE_USAGE = 64,
    ENQUEUE_DATA = 65,  /* an address, the subject */
    ENQUEUE_INPUT = 66, /* a file that cannot be read */
    ENQUEUE_IO = 74,    /* the queue cannot take it */
    ENQUEUE_CONFIG = 78
};

typedef struct enqueue_request_t {
    const submit_config_t *config;
    const spool_t *spool;
    const char *from;             /* NULL: the configured sender */
    const apr_array_header_t *to; /* of const char *: addresses, aliases, */
    const apr_array_header_t *cc; /* lists of them with commas */
    const apr_array_header_t *bcc;
    const char *subject;              /* before substitution; NULL: empty */
    const apr_array_header_t *attach; /* of const char *, file names */
    int body; /* descriptor to read to its end and to close, or -1 */
    const char *notify, *returns; /* RFC 3461, or NULL */
    int notice;
    progress_t *progress; /* for a person who waits, or NULL */
    int verbatim;         /* nothing is replaced in the subject */
} enqueue_request_t;

/* The addresses of `list` into `addresses` (const char *), each once.
 * ENQUEUE_DATA with a sentence when one is wrong. */
int enqueue_addresses(const submit_config_t *config,
                      const apr_array_header_t *list,
                      apr_array_header_t *addresses, const char **why,
                      apr_pool_t *pool);

/* The subject of `config`'s machine, now. */
const char *enqueue_subject(const submit_config_t *config, const char *subject,
                            apr_pool_t *pool);

/* A Message-ID, without brackets, for the mail `id`. */
const char *enqueue_message_id(const submit_config_t *config, const char *id,
                               apr_pool_t *pool);

/* Opens a file that holds a message body: below the configured file-root,
 * without leaving it, or anywhere.  -1 with a sentence in *why. */
int enqueue_open_file(const submit_config_t *config, const char *name,
                      const char **why, apr_pool_t *pool);

/* Queues the mail; *id is its mail-id. */
int enqueue_mail(const enqueue_request_t *request, const char **id,
                 const char **why, apr_pool_t *pool);

#endif
