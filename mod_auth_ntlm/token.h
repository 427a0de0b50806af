/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_TOKEN_H
#define POSTERN_TOKEN_H

/* The value of an Authorization header (RFC 9110 section 11.4), and of the
 * challenge that goes back (RFC 4559 section 4 by analogy).  Pure; any
 * thread. */

#include <apr_pools.h>

typedef enum token_scheme_e {
    TOKEN_NONE,      /* no header at all */
    TOKEN_NTLM,      /* "NTLM base64" */
    TOKEN_NEGOTIATE, /* "Negotiate base64" of an NTLM message as it is */
    TOKEN_BASIC,     /* "Basic ..." */
    TOKEN_OTHER      /* anything else */
} token_scheme_t;

/* The scheme of `header`, which may be NULL. */
token_scheme_t token_scheme(const char *header);

/* Decodes the token behind the scheme of `header` into `pool`, at most `max`
 * bytes.  APR_EINVAL or APR_ENOSPC with a static reason in *why. */
apr_status_t token_decode(const unsigned char **token, apr_size_t *len,
                          const char *header, apr_size_t max, const char **why,
                          apr_pool_t *pool);

/* 1 when a server's `header` is "Negotiate" with nothing that a client could
 * continue: no token, or the SPNEGO states accept-completed and reject (RFC
 * 4178 section 4.2.2). */
int token_ends_negotiation(const char *header, apr_pool_t *pool);

/* The `len` bytes at `token` with the name of `scheme`, NTLM or NEGOTIATE, in
 * front; in `pool`. */
const char *token_encode(token_scheme_t scheme, const unsigned char *token,
                         apr_size_t len, apr_pool_t *pool);

#endif
