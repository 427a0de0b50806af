/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SIGNER_H
#define POSTERN_SIGNER_H

/* Signs a document with a certificate: PKCS #7, content inside, DER, as Apple
 * wants its configuration profiles.  Over OpenSSL; a signer may be used by any
 * thread. */

#include <apr_pools.h>

typedef struct discover_signer_t discover_signer_t;

/* Reads a certificate, and behind it those that it was signed by, from
 * `certificate`, and its private key without passphrase from `key`: files in
 * PEM.  On success *signer lives as long as `pool`; otherwise APR_EINVAL, or
 * APR_ENOENT for a file that cannot be opened, with a static *why. */
apr_status_t discover_signer_load(discover_signer_t **signer,
                                  const char *certificate, const char *key,
                                  const char **why, apr_pool_t *pool);

/* 1 when the certificate is valid now. */
int discover_signer_is_current(const discover_signer_t *signer);

/* Signs `len` bytes; the result lives as long as `pool`.  APR_EGENERAL when
 * OpenSSL cannot. */
apr_status_t discover_signer_sign(const discover_signer_t *signer,
                                  const char *bytes, apr_size_t len,
                                  const char **out, apr_size_t *out_len,
                                  apr_pool_t *pool);

#endif
