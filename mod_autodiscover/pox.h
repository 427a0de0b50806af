/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_POX_H
#define POSTERN_POX_H

/* The plain-XML printer for Outlook (MS-OXDSCLI section 2.2.4): the answer
 * model as Response of the outlook schema, in the documented order of
 * elements, and the error document.  Pure; any thread after xml_init(). */

#include "answer.h"
#include "errors.h"

#include <apr_pools.h>
#include <apr_time.h>

#define DISCOVER_NS_BASE                                                       \
    "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"

/* Prints `answer`; the bytes live as long as `pool`.  APR_ENOMEM when libxml2
 * failed. */
apr_status_t discover_pox_print(const discover_answer_t *answer,
                                const char **bytes, apr_size_t *len,
                                apr_pool_t *pool);

/* Prints the error document.  Its Id is made from `server_name`, so that all
 * errors of one server have the same. */
apr_status_t discover_pox_error(discover_error_e error, const char *server_name,
                                apr_time_t now, const char **bytes,
                                apr_size_t *len, apr_pool_t *pool);

/* ServerVersion as EXCH carries it: eight hexadecimal digits. */
const char *discover_pox_version(const discover_version_t *version,
                                 apr_pool_t *pool);

#endif
