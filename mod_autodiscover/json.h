/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_JSON_H
#define POSTERN_JSON_H

/* The JSON printer (Autodiscover V2): where one protocol is, or why not.
 * Pure. */

#include "answer.h"

#include <apr_pools.h>

/* Prints the answer to `protocol` (or NULL, not given), in any case, and
 * returns the HTTP status that goes with it: 200, or 400 with an error object.
 * `answer` is NULL when the domain is not ours: 404.  *text lives as long as
 * `pool` and is ASCII. */
int discover_json_print(const discover_answer_t *answer, const char *protocol,
                        const char **text, apr_pool_t *pool);

#endif
