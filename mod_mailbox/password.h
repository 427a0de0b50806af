/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_PASSWORD_H
#define POSTERN_PASSWORD_H

/* Password hashes of the file source: what htpasswd(1) makes (bcrypt, apr1,
 * {SHA}), SHA-256 and SHA-512 of crypt(3), and {SSHA} of slappasswd(8).
 * Plain text and DES are refused.  Pure; any thread. */

#include <apr_pools.h>

#define PASSWORD_HASH_MAX 256 /* bytes of a hash */

/* NULL when `hash` is of a kind that password_matches() can check; else a
 * static reason. */
const char *password_bad_hash(const char *hash);

/* 1 when `password` is right.  An empty password never is. */
int password_matches(const char *hash, const char *password);

/* A new salted hash of `password`, quick to check (apr1), for caches that keep
 * it for minutes.  NULL when the system has no random bytes. */
const char *password_hash(const char *password, apr_pool_t *pool);

/* Takes as long as checking against `hash`: an unknown name must not be told
 * from a known one by the clock. */
void password_waste(const char *hash, const char *password);

#endif
