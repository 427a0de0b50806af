/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_TOKEN_H
#define POSTERN_TOKEN_H

/* The value of an Authorization header (RFC 9110 section 11.4), and of the
 * challenge that goes back (RFC 4559 section 4 by analogy).  Pure; any
 * thread. */

#include <apr_pools.h>

typedef enum token_scheme_e {
    TOKEN_NONE,  /* no header at all */
    TOKEN_NTLM,  /* "NTLM base64" */
    TOKEN_BASIC, /* "Basic ..." */
    TOKEN_OTHER  /* anything else */
} token_scheme_t;

/* The scheme of `header`, which may be NULL. */
token_scheme_t token_scheme(const char *header);

/* Decodes the token behind the scheme of `header` into `pool`, at most `max`
 * bytes.  APR_EINVAL or APR_ENOSPC with a static reason in *why. */
apr_status_t token_decode(const unsigned char **token, apr_size_t *len,
                          const char *header, apr_size_t max, const char **why,
                          apr_pool_t *pool);

/* "NTLM base64" of the `len` bytes at `token`, in `pool`. */
const char *token_encode(const unsigned char *token, apr_size_t len,
                         apr_pool_t *pool);

#endif
