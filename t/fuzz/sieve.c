/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A script that may be ours: what is read from it is written and read again
 * without loss. */

#include "mod_freebusy/sieve.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const oof_t *oof, apr_pool_t *pool)
{
    sieve_context_t context = {.include = "own", .subject = "Away"};
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(char *));
    const char *script, *why, *include;
    oof_t back;

    APR_ARRAY_PUSH(list, const char *) = "example.test";
    context.addresses = context.domains = list;
    script = sieve_write(oof, &context, pool);
    if (sieve_read(&back, &include, script, strlen(script), &why, pool) !=
            APR_SUCCESS ||
        strcmp(back.internal.message, oof->internal.message) != 0 ||
        strcmp(back.external.message, oof->external.message) != 0 ||
        back.state != oof->state || back.audience != oof->audience ||
        back.start != oof->start || back.end != oof->end) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    const char *why = NULL, *include;
    oof_t oof;

    if (!global) {
        apr_initialize();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    if (sieve_read(&oof, &include, (const char *)data, size, &why, pool) ==
        APR_SUCCESS) {
        again(&oof, pool);
    }
    else if (!why) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
