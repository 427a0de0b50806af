/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SOAP_QUESTION_H
#define POSTERN_SOAP_QUESTION_H

/* A SOAP autodiscover request (MS-OXWSADISC): bytes in, a question out.  The
 * operation is told by the element in Body; SOAPAction and wsa:Action are often
 * absent and never looked at.  Pure; any thread after xml_init(). */

#include <apr_pools.h>
#include <apr_tables.h>

#define DISCOVER_NS_SOAP                                                       \
    "http://schemas.microsoft.com/exchange/2010/Autodiscover"
#define DISCOVER_NS_SOAP11 "http://schemas.xmlsoap.org/soap/envelope/"
#define DISCOVER_NS_SOAP12 "http://www.w3.org/2003/05/soap-envelope"

#define DISCOVER_SOAP_SUBJECTS_MAX 100 /* users or domains of one request */

typedef enum discover_operation_e {
    DISCOVER_OPERATION_UNKNOWN,
    DISCOVER_GET_USER_SETTINGS,
    DISCOVER_GET_DOMAIN_SETTINGS
} discover_operation_e;

typedef struct discover_soap_question_t {
    int is_soap12; /* the answer is due in the same version */
    discover_operation_e operation;
    apr_array_header_t *subjects; /* const char *: addresses, or domains; as
                                     they came, without blanks around */
    apr_array_header_t *settings; /* const char *: names */
} discover_soap_question_t;

/* Reads `len` bytes.  APR_SUCCESS; APR_ENOTIMPL for an operation that is not
 * served; APR_EGENERAL for a request without subjects or settings, or with too
 * many; APR_EINVAL for what is no SOAP at all.  Else than for success *why is a
 * static text.  `is_soap12` and `operation` are set as far as they could be
 * read. */
apr_status_t discover_soap_question_parse(discover_soap_question_t *question,
                                          const char *bytes, apr_size_t len,
                                          const char **why, apr_pool_t *pool);

#endif
