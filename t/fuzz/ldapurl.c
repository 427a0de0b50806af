/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* An LDAP URL: hosts that libldap can take and a balanced filter, or a
 * reason. */

#include "mod_mailbox/ldapurl.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_url(const ldapurl_t *url)
{
    const char *p;
    int depth = 0;

    for (p = url->filter; *p; p++) {
        depth += (*p == '(') - (*p == ')');
        if (depth < 0) {
            abort();
        }
    }
    if (depth || !*url->base || !*url->hosts || url->port < 1 ||
        url->port > 65535 || strpbrk(url->hosts, "/?@\\\"'") ||
        url->hosts[0] == ' ') {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    const char *why = NULL;
    ldapurl_t url;

    if (!global) {
        apr_initialize();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    if (ldapurl_parse(&url, apr_pstrmemdup(pool, (const char *)data, size),
                      &why, pool) == APR_SUCCESS) {
        check_url(&url);
    }
    else if (!why) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
