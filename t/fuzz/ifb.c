/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A calendar from anywhere: read within its limits of time and size, and merged
 * into digits. */

#include "mod_freebusy/ical.h"
#include "mod_freebusy/tzif.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static apr_pool_t *global;
static apr_array_header_t *addresses;
static timezone_t *zone;

static void prepare(void)
{
    apr_initialize();
    apr_pool_create(&global, NULL);
    ical_init();
    addresses = apr_array_make(global, 1, sizeof(char *));
    APR_ARRAY_PUSH(addresses, const char *) = "alice@example.test";
    if (tzif_load(&zone, "Europe/Berlin", global) != APR_SUCCESS) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Two days of March 2026 with a change of the clock. */
    ical_query_t query = {.window = {1774652400, 1774821600},
                          .budget = apr_time_from_msec(50)};
    ical_report_t report;
    apr_pool_t *pool;
    const char *why = NULL;
    busy_set_t *set;

    if (!global) {
        prepare();
    }
    query.floating = zone;
    query.addresses = addresses;
    apr_pool_create(&pool, global);
    if (ical_read(&set, (const char *)data, size, &query, &report, &why,
                  pool) == APR_SUCCESS) {
        if (strlen(busy_merge(set, 30, pool)) != busy_slots(query.window, 30)) {
            abort();
        }
    }
    else if (!why) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
