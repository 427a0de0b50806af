/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ADVICE_H
#define POSTERN_ADVICE_H

/* What the administrator is told at start about settings that are each right
 * and do not go together, or work otherwise than it seems.  Pure. */

#include "settings.h"

#include <apr_pools.h>
#include <apr_tables.h>

/* What is wrong with the settings of a server, or of one of its domains, so
 * that it must not start; a sentence, or NULL. */
const char *discover_advice_contradiction(const discover_settings_t *settings);

/* The same for redirects of `domains` (discover_domain_t) under the settings
 * `base`: one that leads back here for ever.  In `pool`. */
const char *discover_advice_loop(const discover_settings_t *base,
                                 const apr_array_header_t *domains,
                                 apr_pool_t *pool);

/* What looks like a mistake in the settings, but may be meant: sentences
 * (const char *) are added to `advice`, each once. */
void discover_advice_give(const discover_settings_t *settings,
                          apr_array_header_t *advice);

/* The same for a URL by which clients are sent here or to another server, the
 * value of `directive`. */
void discover_advice_on_pox_url(const char *directive, const char *url,
                                apr_array_header_t *advice);

/* 1 when Exchange Web Services are offered. */
int discover_advice_has_ews(const discover_settings_t *settings);

#endif
