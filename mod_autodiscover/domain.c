/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "domain.h"

#include <apr_lib.h>
#include <string.h>
#include <strings.h>

int discover_domain_is_valid(const char *name)
{
    const char *p;

    if (strcmp(name, "*") == 0) {
        return 1;
    }
    if (strncmp(name, "*.", 2) == 0) {
        name += 2;
    }
    for (p = name; *p; p++) {
        int inside = p > name && p[-1] != '.';

        if (!apr_isalnum(*p) && (unsigned char)*p < 0x80 &&
            !(inside && (*p == '-' || *p == '.'))) {
            return 0;
        }
    }
    return p > name && p[-1] != '.' && p[-1] != '-';
}

/* How well `name` fits: 0 not at all, 1 for *, more the longer it is, and most
 * when it is the domain itself. */
static apr_size_t fit(const char *name, const char *domain)
{
    apr_size_t n = strlen(name), d = strlen(domain);

    if (strcasecmp(name, domain) == 0) {
        return APR_SIZE_MAX;
    }
    if (name[0] != '*') {
        return 0;
    }
    /* what stands behind the asterisk, with its dot */
    return d >= n && strcasecmp(domain + d - (n - 1), name + 1) == 0 ? n : 0;
}

const discover_domain_t *discover_domain_find(const apr_array_header_t *domains,
                                              const char *domain)
{
    const discover_domain_t *best = NULL;
    apr_size_t best_fit = 1;
    int i;

    for (i = 0; i < domains->nelts; i++) {
        const discover_domain_t *d =
            &APR_ARRAY_IDX(domains, i, discover_domain_t);
        apr_size_t fits = fit(d->name, domain);

        if (fits >= best_fit) {
            best = d;
            best_fit = fits;
        }
    }
    return best;
}

apr_status_t discover_domain_settings(discover_settings_t *settings,
                                      const discover_settings_t *base,
                                      const apr_array_header_t *domains,
                                      const char *domain)
{
    const discover_domain_t *found = discover_domain_find(domains, domain);

    *settings = *base;
    if (found) {
        discover_settings_merge(settings, base, found->settings);
    }
    return found || domains->nelts == 0 ? APR_SUCCESS : APR_NOTFOUND;
}
