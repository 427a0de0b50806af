/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_DOMAIN_H
#define POSTERN_DOMAIN_H

/* The mail domains that are served here, each with the settings that it adds to
 * those of its server.  Pure. */

#include "settings.h"

#include <apr_pools.h>
#include <apr_tables.h>

typedef struct discover_domain_t {
    const char *name; /* lower case: example.com, *.example.com or * */
    const discover_settings_t *settings;
} discover_domain_t;

/* 1 when `name` can be the name of a discover_domain_t. */
int discover_domain_is_valid(const char *name);

/* The entry of `domains` (discover_domain_t) for `domain`, in any case: its own
 * name, else the longest *. that it ends in, else *; the last of equal ones.
 * NULL when there is none. */
const discover_domain_t *discover_domain_find(const apr_array_header_t *domains,
                                              const char *domain);

/* The settings for mailboxes of `domain`: `base`, with what its entry adds.
 * APR_NOTFOUND when there are entries, but none for it. */
apr_status_t discover_domain_settings(discover_settings_t *settings,
                                      const discover_settings_t *base,
                                      const apr_array_header_t *domains,
                                      const char *domain);

#endif
