/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "password.h"

#include <apr_base64.h>
#include <apr_general.h>
#include <apr_md5.h>
#include <apr_sha1.h>
#include <apr_strings.h>
#include <string.h>

#define SALT_LENGTH 8

static const char sha_prefix[] = "{SHA}";
static const char ssha_prefix[] = "{SSHA}";

/* Hashes that apr_password_validate() knows by their beginning, and the least
 * length of a whole one. */
static const struct {
    const char *prefix;
    apr_size_t least;
} modular[] = {
    {"$2y$", 60},   {"$2a$", 60}, {"$2b$", 60}, /* bcrypt */
    {"$apr1$", 29},                             /* MD5, many times */
    {"$5$", 47},    {"$6$", 90}, /* SHA-256, SHA-512 of crypt(3) */
};

static int starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Decodes what follows `prefix` into `room` bytes at `to`; 0 when it is no
 * base64 or does not fit. */
static apr_size_t decode(unsigned char *to, apr_size_t room, const char *hash,
                         const char *prefix)
{
    const char *base64 = hash + strlen(prefix);
    apr_size_t digits = strspn(base64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk"
                                       "lmnopqrstuvwxyz0123456789+/");
    apr_size_t pad = strspn(base64 + digits, "=");

    if (base64[digits + pad] || (digits + pad) % 4 || pad > 2 ||
        (digits + pad) / 4 * 3 > room) {
        return 0;
    }
    return (apr_size_t)apr_base64_decode_binary(to, base64);
}

/* The bytes of a {SHA} or {SSHA} hash: a digest, then the salt. */
static apr_size_t decode_sha(unsigned char bytes[PASSWORD_HASH_MAX],
                             const char *hash)
{
    if (starts_with(hash, ssha_prefix)) {
        return decode(bytes, PASSWORD_HASH_MAX, hash, ssha_prefix);
    }
    if (starts_with(hash, sha_prefix)) {
        apr_size_t len = decode(bytes, PASSWORD_HASH_MAX, hash, sha_prefix);

        return len == APR_SHA1_DIGESTSIZE ? len : 0;
    }
    return 0;
}

const char *password_bad_hash(const char *hash)
{
    unsigned char bytes[PASSWORD_HASH_MAX];
    apr_size_t i, len = strlen(hash);

    if (len > PASSWORD_HASH_MAX) {
        return "password hash is longer than 256 bytes";
    }
    if (starts_with(hash, sha_prefix) || starts_with(hash, ssha_prefix)) {
        return decode_sha(bytes, hash) >= APR_SHA1_DIGESTSIZE
                   ? NULL
                   : "password hash is no base64 of a SHA1";
    }
    for (i = 0; i < sizeof(modular) / sizeof(modular[0]); i++) {
        if (starts_with(hash, modular[i].prefix)) {
            return len >= modular[i].least ? NULL : "password hash is cut off";
        }
    }
    return "password is no hash that htpasswd or slappasswd makes";
}

/* memcmp() that takes the same time whatever the bytes are. */
static int same_bytes(const unsigned char *a, const unsigned char *b,
                      apr_size_t len)
{
    unsigned char differing = 0;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        differing |= a[i] ^ b[i];
    }
    return differing == 0;
}

static int sha_matches(const char *hash, const char *password)
{
    unsigned char bytes[PASSWORD_HASH_MAX], digest[APR_SHA1_DIGESTSIZE];
    apr_size_t len = decode_sha(bytes, hash);
    apr_sha1_ctx_t sha1;

    if (len < APR_SHA1_DIGESTSIZE) {
        return 0;
    }
    apr_sha1_init(&sha1);
    apr_sha1_update_binary(&sha1, (const unsigned char *)password,
                           (unsigned int)strlen(password));
    apr_sha1_update_binary(&sha1, bytes + APR_SHA1_DIGESTSIZE,
                           (unsigned int)(len - APR_SHA1_DIGESTSIZE));
    apr_sha1_final(digest, &sha1);
    return same_bytes(digest, bytes, APR_SHA1_DIGESTSIZE);
}

int password_matches(const char *hash, const char *password)
{
    if (!*password || password_bad_hash(hash)) {
        return 0;
    }
    if (hash[0] == '{') {
        return sha_matches(hash, password);
    }
    return apr_password_validate(password, hash) == APR_SUCCESS;
}

void password_waste(const char *hash, const char *password)
{
    (void)password_matches(hash, password);
}

const char *password_hash(const char *password, apr_pool_t *pool)
{
    static const char letters[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz";
    unsigned char salt[SALT_LENGTH + 1];
    char hash[PASSWORD_HASH_MAX];
    int i;

    if (apr_generate_random_bytes(salt, SALT_LENGTH) != APR_SUCCESS) {
        return NULL;
    }
    for (i = 0; i < SALT_LENGTH; i++) {
        salt[i] = (unsigned char)letters[salt[i] % 64];
    }
    salt[SALT_LENGTH] = '\0';
    if (apr_md5_encode(password, (const char *)salt, hash, sizeof(hash)) !=
        APR_SUCCESS) {
        return NULL;
    }
    return apr_pstrdup(pool, hash);
}
