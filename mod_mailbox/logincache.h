/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_LOGINCACHE_H
#define POSTERN_LOGINCACHE_H

/* Logins that were right a moment ago.
 *
 * Mail clients send the password with every request.  What is kept is an HMAC
 * of source, user and password under a random key of this process, never the
 * password, and of right passwords only: so a new password works at once, and
 * a wrong one is asked of the source each time.  The size is fixed; the oldest
 * of a few entries gives way.  Any thread. */

#include <apr_pools.h>
#include <apr_sha1.h>
#include <apr_time.h>

typedef struct logincache_t logincache_t;

/* The name of one login within the cache. */
typedef struct logincache_key_t {
    unsigned char bytes[APR_SHA1_DIGESTSIZE];
} logincache_key_t;

/* An empty cache in `pool`, or NULL when the system has no random bytes. */
logincache_t *logincache_create(apr_pool_t *pool);

void logincache_key(const logincache_t *cache, logincache_key_t *key,
                    const char *source, const char *user, const char *password);

/* 1 when this login was remembered and its time is not over. */
int logincache_knows(logincache_t *cache, const logincache_key_t *key,
                     apr_time_t now);

void logincache_remember(logincache_t *cache, const logincache_key_t *key,
                         apr_time_t expires);

#endif
