/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The answer of a CalDAV scheduling outbox. */

#include "mod_freebusy/source_outbox.h"

#include "lib/xml.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    source_calendar_t list[2] = {
        {{"alice", "alice@example.test", "example.test", "a"},
         0,
         NULL,
         NULL,
         0},
        {{"bob", "bob@example.test", "example.test", "b"}, 0, NULL, NULL, 0}};
    apr_pool_t *pool;
    const char *why = NULL;
    int i;

    if (!global) {
        apr_initialize();
        xml_init();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    if (source_outbox_read((const char *)data, size, list, 2, &why, pool) ==
        APR_SUCCESS) {
        for (i = 0; i < 2; i++) {
            if (list[i].rv == APR_SUCCESS ? !list[i].data : !list[i].why) {
                abort();
            }
        }
    }
    else if (!why) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
