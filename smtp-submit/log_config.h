/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_LOG_CONFIG_H
#define SUBMIT_LOG_CONFIG_H

/* "log email ..." as settings: obeyed, printed, shown. */

#include "command.h"
#include "log_filter.h"

#include <apr_hash.h>

/* 1 when the command is one of "log email ...". */
int log_config_is(command_id_t id);

/* Changes `targets` (of log_target_t).  APR_EINVAL with a sentence for a filter
 * or target to be removed that is not there. */
apr_status_t log_config_apply(apr_array_header_t *targets,
                              const command_t *command, const char **why,
                              apr_pool_t *pool);

/* The lines of one target, of all when `address` is NULL. */
const char *log_config_print(const apr_array_header_t *targets,
                             const char *address, apr_pool_t *pool);

/* What has been counted, for "show log config". */
typedef struct log_statistics_t {
    apr_uint64_t received;
    apr_time_t last;      /* 0: nothing came yet */
    apr_hash_t *accepted; /* address -> apr_uint64_t * */
} log_statistics_t;

/* "show log config" */
const char *log_config_show(const apr_array_header_t *targets,
                            const log_statistics_t *statistics,
                            apr_pool_t *pool);

#endif
