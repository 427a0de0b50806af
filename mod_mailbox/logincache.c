/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "logincache.h"

#include <apr_general.h>
#include <apr_thread_mutex.h>
#include <string.h>

#define SETS 1024 /* a power of two: the key's first bytes choose */
#define WAYS 4
#define BLOCK 64 /* bytes of a SHA1 block, and of the key (RFC 2104) */

typedef struct slot_t {
    logincache_key_t key;
    apr_time_t expires; /* 0: empty */
} slot_t;

struct logincache_t {
    apr_sha1_ctx_t inner, outer; /* HMAC, with the key taken in */
    apr_thread_mutex_t *mutex;   /* guards the slots */
    slot_t slots[SETS][WAYS];
};

/* Starts a SHA1 with the key, each byte changed by `pad`. */
static void start(apr_sha1_ctx_t *sha1, const unsigned char secret[BLOCK],
                  unsigned char pad)
{
    unsigned char block[BLOCK];
    int i;

    for (i = 0; i < BLOCK; i++) {
        block[i] = secret[i] ^ pad;
    }
    apr_sha1_init(sha1);
    apr_sha1_update_binary(sha1, block, BLOCK);
}

logincache_t *logincache_create(apr_pool_t *pool)
{
    logincache_t *cache = apr_pcalloc(pool, sizeof(*cache));
    unsigned char secret[BLOCK];

    if (apr_generate_random_bytes(secret, BLOCK) != APR_SUCCESS ||
        apr_thread_mutex_create(&cache->mutex, APR_THREAD_MUTEX_DEFAULT,
                                pool) != APR_SUCCESS) {
        return NULL;
    }
    start(&cache->inner, secret, 0x36);
    start(&cache->outer, secret, 0x5c);
    return cache;
}

/* With its final NUL, so that no two triples read the same. */
static void take(apr_sha1_ctx_t *sha1, const char *text)
{
    apr_sha1_update_binary(sha1, (const unsigned char *)text,
                           (unsigned int)strlen(text) + 1);
}

void logincache_key(const logincache_t *cache, logincache_key_t *key,
                    const char *source, const char *user, const char *password)
{
    apr_sha1_ctx_t inner = cache->inner, outer = cache->outer;
    unsigned char digest[APR_SHA1_DIGESTSIZE];

    take(&inner, source);
    take(&inner, user);
    take(&inner, password);
    apr_sha1_final(digest, &inner);
    apr_sha1_update_binary(&outer, digest, APR_SHA1_DIGESTSIZE);
    apr_sha1_final(key->bytes, &outer);
}

static slot_t *set_of(logincache_t *cache, const logincache_key_t *key)
{
    unsigned int set = (unsigned int)key->bytes[0] << 8 | key->bytes[1];

    return cache->slots[set % SETS];
}

/* The slot that holds `key`, or the one that expires first. */
static slot_t *slot_for(slot_t *set, const logincache_key_t *key)
{
    slot_t *oldest = set;
    int i;

    for (i = 0; i < WAYS; i++) {
        if (memcmp(&set[i].key, key, sizeof(*key)) == 0) {
            return &set[i];
        }
        if (set[i].expires < oldest->expires) {
            oldest = &set[i];
        }
    }
    return oldest;
}

int logincache_knows(logincache_t *cache, const logincache_key_t *key,
                     apr_time_t now)
{
    const slot_t *slot;
    int known;

    apr_thread_mutex_lock(cache->mutex);
    slot = slot_for(set_of(cache, key), key);
    known = memcmp(&slot->key, key, sizeof(*key)) == 0 && slot->expires > now;
    apr_thread_mutex_unlock(cache->mutex);
    return known;
}

void logincache_remember(logincache_t *cache, const logincache_key_t *key,
                         apr_time_t expires)
{
    slot_t *slot;

    apr_thread_mutex_lock(cache->mutex);
    slot = slot_for(set_of(cache, key), key);
    slot->key = *key;
    slot->expires = expires;
    apr_thread_mutex_unlock(cache->mutex);
}
