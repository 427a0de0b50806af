/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Login names and the filters made of them: what a client sends must never
 * become part of a filter's structure. */

#include "mod_mailbox/ldaprole.h"
#include "mod_mailbox/login.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ldaproles_t roles = {
    {"uid", "upn", "mail", "alias", "cn", "ldn", "guid"}};

/* The characters that make a filter, counted. */
static size_t structure(const char *filter)
{
    size_t count = 0;

    for (; *filter; filter++) {
        count += strchr("()*", *filter) != NULL;
    }
    return count;
}

static void check_filters(const char *value, apr_pool_t *pool)
{
    const char *user = ldaprole_user_filter(&roles, value, "", pool);
    const char *upn = ldaprole_upn_filter(&roles, value, "", pool);
    const char *address = ldaprole_address_filter(&roles, value, "", pool);
    const char *dn = ldaprole_legacy_dn_filter(&roles, value, "(a=b)", pool);

    if (structure(user) != 2 || structure(upn) != 2 ||
        structure(address) != 8 || structure(dn) != 10) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    const char *why = NULL, *text;
    login_t login;

    if (!global) {
        apr_initialize();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    check_filters(text, pool);
    if (login_parse(&login, text, &why, pool) == APR_SUCCESS) {
        if (!*login.user || strcmp(login.text, text) != 0 ||
            (login.domain == NULL) != (login.form == LOGIN_BARE) ||
            (login.domain && !*login.domain)) {
            abort();
        }
    }
    else if (!why) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
