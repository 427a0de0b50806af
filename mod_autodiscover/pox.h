/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_POX_H
#define POSTERN_POX_H

/* The plain-XML printer for Outlook (MS-OXDSCLI section 2.2.4): the answer
 * model as Response of the outlook schema, in the documented order of
 * elements.  Pure; any thread after xml_init(). */

#include "answer.h"
#include "question.h"

#include <apr_pools.h>

/* Prints `answer` for a client that can do what `question` says; the bytes live
 * as long as `pool`.  APR_EINVAL when it could not be printed. */
apr_status_t discover_pox_print(const discover_answer_t *answer,
                                const discover_question_t *question,
                                const char **bytes, apr_size_t *len,
                                apr_pool_t *pool);

/* ServerVersion as EXCH carries it: eight hexadecimal digits. */
const char *discover_pox_version(const discover_version_t *version,
                                 apr_pool_t *pool);

#endif
