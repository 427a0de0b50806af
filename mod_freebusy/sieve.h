/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SIEVE_H
#define POSTERN_SIEVE_H

/* Out-of-office settings as a Sieve script (RFC 5228, vacation of RFC 5230,
 * currentdate of RFC 5260), and back.  The script is the only place where the
 * settings are kept, so it holds them all, also those that do not act now.
 * Pure; any thread. */

#include "oof.h"

#include <apr_tables.h>

#define SIEVE_MAX (1024 * 1024) /* bytes of a script */

typedef struct sieve_context_t {
    const apr_array_header_t *addresses; /* const char *: of the mailbox */
    const apr_array_header_t *domains;   /* const char *: whose senders get the
                                            internal reply */
    const char *include; /* the user's own personal script, run after ours, or
                            NULL */
    const char *subject; /* of the replies */
} sieve_context_t;

/* The script for `oof`, in `pool`. */
const char *sieve_write(const oof_t *oof, const sieve_context_t *context,
                        apr_pool_t *pool);

/* Reads back what sieve_write() wrote, and the name of the script that it
 * includes (or NULL).  APR_EMISMATCH when the script is not ours (its first line
 * tells), APR_EINVAL with a static reason in *why when it was but is broken. */
apr_status_t sieve_read(oof_t *oof, const char **include, const char *script,
                        apr_size_t len, const char **why, apr_pool_t *pool);

/* A Sieve quoted string: " and \ escaped, quotes around. */
const char *sieve_quote(const char *text, apr_pool_t *pool);

#endif
