/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/secret.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const char *const passwords[] = {
    "uniquePassword", "", "a b", "#=:\"\\", "\xc3\xa9\xff", "8",
};

static void test_round_trip(apr_pool_t *pool)
{
    unsigned char key[SECRET_KEY_BYTES] = "01234567890123456789012345678901";
    const char *blob, *again, *why;
    size_t i;

    for (i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
        is_int(secret_seal(&blob, key, passwords[i], pool), APR_SUCCESS,
               "sealed");
        is_int(secret_open(&again, key, blob, &why, pool), APR_SUCCESS,
               "opened");
        is_str(again, passwords[i], "the same");
    }
}

/* Every changed or cut blob is refused. */
static void test_damage(apr_pool_t *pool)
{
    unsigned char key[SECRET_KEY_BYTES] = "01234567890123456789012345678901";
    const char *blob, *again, *why;
    char *copy;
    apr_size_t i, len;

    secret_seal(&blob, key, "uniquePassword", pool);
    len = strlen(blob);
    for (i = 0; i < len; i++) {
        copy = apr_pstrmemdup(pool, blob, i);
        ok(secret_open(&again, key, copy, &why, pool) != APR_SUCCESS,
           "cut at %d", (int)i);
    }
    for (i = 0; i + 4 < len; i++) {
        copy = apr_pstrdup(pool, blob);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        ok(secret_open(&again, key, copy, &why, pool) != APR_SUCCESS,
           "changed at %d", (int)i);
    }
    ok(secret_open(&again, key, "!!", &why, pool) != APR_SUCCESS, "no base64");
    key[0] ^= 1;
    ok(secret_open(&again, key, blob, &why, pool) != APR_SUCCESS,
       "another key");
}

static void test_long(apr_pool_t *pool)
{
    unsigned char key[SECRET_KEY_BYTES] = "01234567890123456789012345678901";
    char *text = apr_palloc(pool, SECRET_MAX + 2);
    const char *blob, *again, *why;

    memset(text, 'x', SECRET_MAX + 1);
    text[SECRET_MAX + 1] = '\0';
    ok(secret_seal(&blob, key, text, pool) != APR_SUCCESS, "too long");
    text[SECRET_MAX] = '\0';
    ok(secret_seal(&blob, key, text, pool) == APR_SUCCESS, "longest");
    ok(secret_open(&again, key, blob, &why, pool) == APR_SUCCESS, "opened");
    is_str(again, text, "the same");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_round_trip(pool);
    test_damage(pool);
    test_long(pool);
    apr_pool_destroy(pool);
    return done_testing();
}
