/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_OCS_H
#define SUBMIT_OCS_H

/* The mail settings of OCS Manager's ini file (Pylons error mails) as lines of
 * ours.  Pure; any thread. */

#include <apr_pools.h>

/* Lines for submit_config_parse() from the [DEFAULT] section of `text`: server
 * (localhost when it names none), sender, and a log target for each address of
 * email_to, none while debug is true.  APR_EINVAL with a sentence when a value
 * cannot be taken over. */
apr_status_t ocs_import(const char **lines, const char *text, const char **why,
                        apr_pool_t *pool);

#endif
