/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOBILESYNC_H
#define POSTERN_MOBILESYNC_H

/* The plain-XML printer for ActiveSync clients (MS-ASCMD section 2.2.1.2).
 * Pure; any thread after xml_init(). */

#include "answer.h"

#include <apr_pools.h>

/* Prints `answer`, whose eas_url or redirect_address is set; the bytes live as long as `pool`.
 * APR_EINVAL when it could not be printed. */
apr_status_t discover_mobilesync_print(const discover_answer_t *answer,
                                       const char **bytes, apr_size_t *len,
                                       apr_pool_t *pool);

#endif
