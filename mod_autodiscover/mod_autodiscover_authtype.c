/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Which login a path will have, as far as the configuration tells before any
 * request. */

#include "mod_autodiscover.h"

#include <apr_fnmatch.h>
#include <http_core.h>
#include <string.h>

/* 1 when the <Location> or <LocationMatch> is for `path`. */
static int is_for(const core_dir_config *section, const char *path)
{
    apr_size_t len = section->d ? strlen(section->d) : 0;

    if (section->r) {
        return ap_regexec(section->r, path, 0, NULL, 0) == 0;
    }
    if (section->d_is_fnmatch) {
        return apr_fnmatch(section->d, path, APR_FNM_PATHNAME) == APR_SUCCESS;
    }
    return len > 0 && strncmp(section->d, path, len) == 0 &&
           (path[len] == '\0' || path[len] == '/' ||
            section->d[len - 1] == '/');
}

/* 1 when an AuthType in the tree has one of the characters `any_of` in its
 * value, or with NULL, when there is one at all. */
static int has_auth_type(const ap_directive_t *directive, const char *any_of)
{
    for (; directive; directive = directive->next) {
        if ((strcasecmp(directive->directive, "AuthType") == 0 &&
             (!any_of || strpbrk(directive->args, any_of))) ||
            has_auth_type(directive->first_child, any_of)) {
            return 1;
        }
    }
    return 0;
}

const char *autodiscover_auth_type(server_rec *s, const char *path,
                                   apr_pool_t *pool)
{
    APR_OPTIONAL_FN_TYPE(authn_ap_auth_type) *auth_type =
        APR_RETRIEVE_OPTIONAL_FN(authn_ap_auth_type);
    const core_server_config *core =
        ap_get_core_module_config(s->module_config);
    request_rec *r = apr_pcalloc(pool, sizeof(*r));
    int i;

    /* An expression needs a whole request, and is worth nothing without. */
    if (has_auth_type(ap_conftree, "%$")) {
        return "";
    }
    r->pool = pool;
    r->server = s;
    r->per_dir_config = s->lookup_defaults;
    for (i = 0; i < core->sec_url->nelts; i++) {
        ap_conf_vector_t *section =
            APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *);

        if (is_for(ap_get_core_module_config(section), path)) {
            r->per_dir_config =
                ap_merge_per_dir_configs(pool, r->per_dir_config, section);
        }
    }
    return auth_type ? auth_type(r) : NULL;
}

int autodiscover_has_any_auth_type(void)
{
    return has_auth_type(ap_conftree, NULL);
}
