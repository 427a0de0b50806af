/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_REQUESTS_H
#define POSTERN_REQUESTS_H

/* The questions of question.h and soap_question.h as clients write them: for
 * the self-check, which asks as they do.  Pure; any thread after xml_init(). */

#include "question.h"

#include <apr_pools.h>

/* A plain-XML request about `address` that wants an answer in `schema`; NULL
 * when it could not be printed. */
const char *requests_pox(const char *address, discover_schema_e schema,
                         apr_pool_t *pool);

/* A SOAP request for the user settings that the EWS libraries ask for. */
const char *requests_soap(const char *address, apr_pool_t *pool);

/* `text` with everything but letters, digits, - . _ ~ and @ as %XX. */
const char *requests_percent(const char *text, apr_pool_t *pool);

#endif
