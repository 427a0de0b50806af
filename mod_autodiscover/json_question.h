/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_JSON_QUESTION_H
#define POSTERN_JSON_QUESTION_H

/* A question to autodiscover.json (Autodiscover V2): the parts of a URL in, a
 * question out.  Two forms are in the wild:
 *   /autodiscover.json?Email=user@domain&Protocol=P
 *   /autodiscover.json/v1.0/user@domain?Protocol=P
 * Pure. */

#include <apr_pools.h>

typedef struct discover_json_question_t {
    const char *address;  /* as it came, or NULL */
    const char *protocol; /* as it came, or NULL */
} discover_json_question_t;

/* Reads what stands behind autodiscover.json in the decoded path (or "") and
 * the query as it came (or NULL).  In the query, %XX is decoded and + is a
 * plus, because clients send addresses with it. */
void discover_json_question_parse(discover_json_question_t *question,
                                  const char *path, const char *query,
                                  apr_pool_t *pool);

#endif
