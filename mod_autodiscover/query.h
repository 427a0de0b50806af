/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_QUERY_H
#define POSTERN_QUERY_H

/* Parameters in the query of a URL, name=value&name=value.  Pure. */

#include <apr_pools.h>

/* The first value of the parameter `name`, in any case, in `query` (or NULL);
 * NULL when there is none or its encoding is wrong.  %XX is decoded, and + is a
 * plus, because clients send mail addresses with it. */
const char *discover_query_parameter(const char *query, const char *name,
                                     apr_pool_t *pool);

#endif
