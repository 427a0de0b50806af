/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_RESPONSE_H
#define POSTERN_RESPONSE_H

/* What the plain-XML answers of both schemas share: the elements around them,
 * and the error document (MS-OXDSCLI section 2.2.4.1.1.2).  Pure; any thread
 * after xml_init(). */

#include "errors.h"
#include "question.h"

#include "lib/xml.h"

#include <apr_pools.h>
#include <apr_time.h>

#define DISCOVER_NS_BASE                                                       \
    "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"

/* A new document in which Autodiscover and Response are open; Response is in
 * the name space of `schema`, or in the base one for DISCOVER_SCHEMA_UNKNOWN. */
xml_out_t *discover_response_open(discover_schema_e schema, apr_pool_t *pool);

/* The error document for a question of `schema`; the bytes live as long as
 * `pool`.  Its Id is made from `server_name`, so that all errors of one server
 * have the same.  APR_EINVAL when it could not be printed. */
apr_status_t discover_response_error(discover_error_e error,
                                     discover_schema_e schema,
                                     const char *server_name, apr_time_t now,
                                     const char **bytes, apr_size_t *len,
                                     apr_pool_t *pool);

#endif
