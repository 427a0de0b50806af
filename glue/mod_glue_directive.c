/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Checks that several modules' directives share. */

#include "glue/mod_glue.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <string.h>

static int has_blank_or_control(const char *text)
{
    for (; *text; text++) {
        if (apr_isspace(*text) || apr_iscntrl(*text)) {
            return 1;
        }
    }
    return 0;
}

const char *glue_check_url(const char *directive, const char *url, int plain,
                           apr_pool_t *pool)
{
    apr_uri_t uri;
    int scheme_ok;

    if (has_blank_or_control(url) ||
        apr_uri_parse(pool, url, &uri) != APR_SUCCESS || !uri.scheme ||
        !uri.hostname || !*uri.hostname || uri.user) {
        return apr_psprintf(pool,
                            "%s: \"%s\" is no absolute URL; write it as "
                            "https://mail.example.com/path",
                            directive, url);
    }
    scheme_ok = ap_cstr_casecmp(uri.scheme, "https") == 0 ||
                (plain && ap_cstr_casecmp(uri.scheme, "http") == 0);
    if (!scheme_ok) {
        return apr_psprintf(pool, "%s: \"%s\" must start with https://%s",
                            directive, url, plain ? " or http://" : "");
    }
    return NULL;
}

const char *glue_check_host(const char *directive, const char *host,
                            apr_pool_t *pool)
{
    const char *p;

    for (p = host; *p; p++) {
        if (!apr_isalnum(*p) && !strchr("-._:[]", *p)) {
            break;
        }
    }
    if (p == host || *p || *host == '-' || *host == '.') {
        return apr_psprintf(pool,
                            "%s: \"%s\" is no host name; write the bare name, "
                            "such as mail.example.com",
                            directive, host);
    }
    return NULL;
}
