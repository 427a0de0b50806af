/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MAILADDR_H
#define POSTERN_MAILADDR_H

/* One mail address, local@domain (RFC 5321 section 4.1.2, RFC 6531).
 *
 * What passes here is safe to put between angle brackets, into a header and
 * into a log line: no control character, no blank, no angle bracket, comma or
 * quote, valid UTF-8, lengths within RFC 5321 section 4.5.3.1.  Quoted local
 * parts and address literals are refused: no mailbox of ours has one. */

#include <apr_pools.h>

#define MAILADDR_MAX 254      /* whole address, bytes */
#define MAILADDR_LOCAL_MAX 64 /* before the @ */

typedef struct mailaddr_t {
    const char *text;   /* local@domain, domain in lower case */
    const char *local;  /* as given: plus-addresses and % are kept */
    const char *domain; /* lower case (ASCII letters only) */
} mailaddr_t;

/* Parses `len` bytes at `text`; blanks around the address are dropped, nothing
 * is decoded.  On success `addr` holds copies in `pool`.  APR_EINVAL with a
 * static reason in *why (never NULL then) for anything else. */
apr_status_t mailaddr_parse(mailaddr_t *addr, const char *text, apr_size_t len,
                            const char **why, apr_pool_t *pool);

/* 1 when both name one mailbox: ASCII letters compare without case. */
int mailaddr_same(const char *a, const char *b);

#endif
