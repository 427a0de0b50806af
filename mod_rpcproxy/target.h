/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_TARGET_H
#define POSTERN_TARGET_H

/* What a client asks for, `?server:port` ([MS-RPCH] section 2.2.2), and the map
 * that decides where that is.  The asked name is looked up and never resolved:
 * nothing in the map means nothing allowed. */

#include <apr_tables.h>

#define TARGET_NAME_MAX 1023

typedef struct target_t {
    const char *text; /* name:port, in lower case, port without zeros */
    const char *name; /* lower case; brackets of an IPv6 address kept */
    int port;
} target_t;

/* Parses the query string of a request, `query` may be NULL.  Splits at the
 * last colon.  APR_EINVAL with a static *why. */
apr_status_t target_parse(target_t *target, const char *query, const char **why,
                          apr_pool_t *pool);

/* One row of the map. */
typedef struct target_rule_t {
    const char *pattern; /* a name, or with one leading *: any start */
    int low, high;       /* ports that may be asked for */
    const char *host;    /* of the back end */
    int port;            /* of the back end, 0: the port asked for */
} target_rule_t;

/* Parses the three words of a row: `name`, `ports` ("593", "6001-6004" or "*")
 * and `backend` ("host", "host:port", "[address]:port").  NULL, or a static
 * sentence about what to write instead. */
const char *target_rule_parse(target_rule_t *rule, const char *name,
                              const char *ports, const char *backend,
                              apr_pool_t *pool);

/* The first of `rules` (target_rule_t) that allows `target`, or NULL. */
const target_rule_t *target_find(const apr_array_header_t *rules,
                                 const target_t *target);

#endif
