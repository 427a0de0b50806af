/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "json_question.h"
#include "query.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

void discover_json_question_parse(discover_json_question_t *q, const char *path,
                                  const char *query, apr_pool_t *pool)
{
    static const char version[] = "/v1.0/";

    q->address = discover_query_parameter(query, "Email", pool);
    q->protocol = discover_query_parameter(query, "Protocol", pool);
    if (strncasecmp(path, version, sizeof(version) - 1) == 0) {
        q->address = apr_pstrdup(pool, path + sizeof(version) - 1);
    }
}
