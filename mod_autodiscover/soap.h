/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SOAP_H
#define POSTERN_SOAP_H

/* The SOAP printer (MS-OXWSADISC section 3.1.4): answers to GetUserSettings
 * and GetDomainSettings, and faults, in the SOAP version that was asked in.
 * Pure; any thread after xml_init(). */

#include "answer.h"
#include "errors.h"
#include "soap_question.h"

#include <apr_pools.h>

/* What was found for one subject of the question. */
typedef struct discover_soap_result_t {
    discover_error_e error;
    discover_answer_t answer; /* when error is DISCOVER_OK */
} discover_soap_result_t;

/* Prints the response message: one result for each of question->subjects, in
 * their order.  The bytes live as long as `pool`.  APR_EINVAL when
 * it could not be printed. */
apr_status_t discover_soap_print(const discover_soap_question_t *question,
                                 const discover_soap_result_t *results,
                                 const discover_version_t *version,
                                 const char **bytes, apr_size_t *len,
                                 apr_pool_t *pool);

/* Prints the response message that refuses the whole request with
 * InvalidRequest and a text. */
apr_status_t discover_soap_refuse(const discover_soap_question_t *question,
                                  const discover_version_t *version,
                                  const char *why, const char **bytes,
                                  apr_size_t *len, apr_pool_t *pool);

/* Prints a fault that blames the client. */
apr_status_t discover_soap_fault(int is_soap12, const char *why,
                                 const char **bytes, apr_size_t *len,
                                 apr_pool_t *pool);

/* Where SOAP is when the plain-XML service is at `url`: the two differ in
 * their ending.  In `pool`, or `url` itself. */
const char *discover_soap_url(const char *url, apr_pool_t *pool);

/* The media type of answers. */
const char *discover_soap_type(int is_soap12);

#endif
