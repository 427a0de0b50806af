/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SOAP_H
#define POSTERN_SOAP_H

/* The envelope of SOAP 1.1 and 1.2 around the operations of Exchange Web
 * Services.  An answer is written in the version of its request.  Pure; any
 * thread. */

#include "lib/xml.h"

#define SOAP_NS_MESSAGES                                                       \
    "http://schemas.microsoft.com/exchange/services/2006/messages"
#define SOAP_NS_TYPES                                                          \
    "http://schemas.microsoft.com/exchange/services/2006/types"
#define SOAP_NS_ERRORS                                                         \
    "http://schemas.microsoft.com/exchange/services/2006/errors"

#define SOAP_BODY_MAX (256 * 1024)

typedef enum soap_version_e { SOAP_1_1, SOAP_1_2 } soap_version_e;

typedef struct soap_request_t {
    soap_version_e version;
    xmlNodePtr header;    /* or NULL */
    xmlNodePtr operation; /* the first element of the body */
    const char *name;     /* its local name */
} soap_request_t;

/* Who is to blame: the faultcode. */
typedef enum soap_blame_e { SOAP_CLIENT, SOAP_SERVER } soap_blame_e;

/* Parses the `len` bytes at `bytes`.  APR_EINVAL or APR_ENOSPC with a static
 * reason in *why when they are no envelope with an operation of EWS in it;
 * request->version is set as far as it is known. */
apr_status_t soap_parse(soap_request_t *request, const char *bytes,
                        apr_size_t len, const char **why, apr_pool_t *pool);

/* Opens Envelope and Body; the header says which server version we speak for.
 * Prefixes m, t and e are bound. */
xml_out_t *soap_start(soap_version_e version, apr_pool_t *pool);

/* A whole document with a fault: `code` is a ResponseCode of EWS. */
xml_out_t *soap_fault(soap_version_e version, soap_blame_e blame,
                      const char *code, const char *text, apr_pool_t *pool);

/* The media type of documents of this version. */
const char *soap_content_type(soap_version_e version);

#endif
