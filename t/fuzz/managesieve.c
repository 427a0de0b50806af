/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Answers of a ManageSieve server, one after the other. */

#include "mod_freebusy/managesieve.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    const char *bytes = (const char *)data;
    apr_pool_t *pool;
    managesieve_answer_t answer;
    apr_size_t used;

    if (!global) {
        apr_initialize();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    while (managesieve_read(&answer, bytes, size, &used, pool) == APR_SUCCESS) {
        if (used == 0 || used > size) {
            abort();
        }
        managesieve_has(&answer, "SASL", "PLAIN");
        bytes += used;
        size -= used;
    }
    apr_pool_destroy(pool);
    return 0;
}
