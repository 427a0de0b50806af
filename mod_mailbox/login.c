/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "login.h"

#include "lib/utf8.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

/* NULL, or why no part of `text` can be trusted. */
static const char *bad_text(const char *text)
{
    apr_size_t len = strlen(text);
    const char *p;

    if (len == 0) {
        return "login name is empty";
    }
    if (len > LOGIN_MAX) {
        return "login name is longer than 320 bytes";
    }
    if (!utf8_is_valid(text, len)) {
        return "login name is not UTF-8";
    }
    for (p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            return "login name holds a control character";
        }
    }
    return NULL;
}

/* Cuts `login->text` at `at`, where the one separator stands. */
static const char *split(login_t *login, login_form_e form, const char *at,
                         apr_pool_t *pool)
{
    const char *before =
        apr_pstrmemdup(pool, login->text, (apr_size_t)(at - login->text));

    if (strpbrk(at + 1, "\\/@") || strpbrk(before, "\\@")) {
        return "login name has more than one domain";
    }
    login->form = form;
    login->user = form == LOGIN_REALM ? before : at + 1;
    login->domain = form == LOGIN_REALM ? at + 1 : before;
    if (!*login->user || !*login->domain) {
        return "login name has an empty part";
    }
    return NULL;
}

apr_status_t login_parse(login_t *login, const char *text, const char **why,
                         apr_pool_t *pool)
{
    const char *at;

    if ((*why = bad_text(text)) != NULL) {
        return APR_EINVAL;
    }
    login->text = login->user = apr_pstrdup(pool, text);
    login->domain = NULL;
    login->form = LOGIN_BARE;
    if ((at = strchr(login->text, '\\')) != NULL) {
        *why = split(login, LOGIN_DOMAIN, at, pool);
    }
    else if ((at = strchr(login->text, '@')) != NULL) {
        *why = split(login, LOGIN_REALM, at, pool);
    }
    else if ((at = strchr(login->text, '/')) != NULL) {
        *why = split(login, LOGIN_DOMAIN, at, pool);
    }
    return *why ? APR_EINVAL : APR_SUCCESS;
}

int login_is_ours(const login_t *login, const apr_array_header_t *domains)
{
    int i;

    for (i = 0; login->domain && domains && i < domains->nelts; i++) {
        if (apr_cstr_casecmp(login->domain,
                             APR_ARRAY_IDX(domains, i, const char *)) == 0) {
            return 1;
        }
    }
    return 0;
}
