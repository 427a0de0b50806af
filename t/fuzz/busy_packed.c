/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Bytes from a shared cache: what is read is packed again and read as the
 * same. */

#include "mod_freebusy/busy_packed.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const busy_window_t window = {1774652400, 1774821600};
    static unsigned char bytes[ROOM];
    static apr_pool_t *root;
    busy_set_t *set, *again;
    apr_pool_t *pool;
    apr_size_t len;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&pool, root);
    set = busy_packed_read(data, size, window, pool);
    if (set) {
        len = busy_packed_write(bytes, sizeof(bytes), set);
        again = busy_packed_read(bytes, len, window, pool);
        if (len > 0 &&
            (!again || again->periods->nelts != set->periods->nelts ||
             strcmp(busy_merge(set, 30, pool), busy_merge(again, 30, pool)) !=
                 0)) {
            abort();
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
