/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Bytes from a shared cache: what is read is packed again and read as the
 * same. */

#include "mod_mailbox/packed.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    unsigned char bytes[PACKED_MAX];
    const record_t *record, *again;
    apr_pool_t *pool;
    apr_size_t len;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&pool, root);
    if (packed_read(data, size, &record, pool) == APR_SUCCESS) {
        len = packed_write(bytes, record);
        if (len > 0 && (packed_read(bytes, len, &again, pool) != APR_SUCCESS ||
                        strcmp(record->user, again->user) != 0 ||
                        record->addresses->nelts != again->addresses->nelts)) {
            abort();
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
