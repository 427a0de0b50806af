/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_SHOW_H
#define SUBMIT_SHOW_H

/* The listings, in the guide's layout or as JSON.  Pure. */

#include "config.h"
#include "spool.h"

/* "show mail": settings, and the mails (of spool_mail_t) that wait and that
 * were given up. */
const char *show_mail(const submit_config_t *config, int debug, int alive,
                      const apr_array_header_t *waiting,
                      const apr_array_header_t *failed, apr_pool_t *pool);
const char *show_mail_json(const submit_config_t *config, int debug, int alive,
                           const apr_array_header_t *waiting,
                           const apr_array_header_t *failed, apr_pool_t *pool);

/* "show counter mail" */
const char *show_counters(const spool_counters_t *counters, apr_pool_t *pool);
const char *show_counters_json(const spool_counters_t *counters,
                               apr_pool_t *pool);

#endif
