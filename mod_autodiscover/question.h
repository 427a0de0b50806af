/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_QUESTION_H
#define POSTERN_QUESTION_H

/* A plain-XML autodiscover request (MS-OXDSCLI section 2.2.3, MS-ASCMD section
 * 2.2.1.2): bytes in, a question out.
 *
 * Lenient where clients differ: any namespace, any order, blanks around
 * values.  Strict in local names.  Nothing is decoded but XML itself: + and %
 * in an address stay.  Pure; any thread after xml_init(). */

#include "errors.h"

#include <apr_pools.h>

#define DISCOVER_QUESTION_MAX 65536 /* bytes of a request body */
#define DISCOVER_LEGACY_DN_MAX 1024

#define DISCOVER_NS_OUTLOOK                                                    \
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/"              \
    "responseschema/2006a"
#define DISCOVER_NS_MOBILESYNC                                                 \
    "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/"           \
    "responseschema/2006"

typedef enum discover_schema_e {
    DISCOVER_SCHEMA_UNKNOWN,
    DISCOVER_SCHEMA_OUTLOOK,
    DISCOVER_SCHEMA_MOBILESYNC
} discover_schema_e;

/* Exactly one of address and legacy_dn is set; when a client sends both, the
 * distinguished name is asked for. */
typedef struct discover_question_t {
    discover_schema_e schema; /* in which the answer, or error, is due */
    const char *address;      /* passed mailaddr_parse() */
    const char *legacy_dn;
    int can_exhttp;         /* the client knows the protocol EXHTTP */
    int can_negotiate;      /* and the package Negotiate */
    int can_mapi_http;      /* and MAPI over HTTP */
    int is_outside;         /* the client cannot reach EXCH directly */
    int wants_alternatives; /* the answer is to name further mailboxes */
} discover_question_t;

/* Reads `len` bytes.  DISCOVER_OK, DISCOVER_MALFORMED, DISCOVER_NO_PROVIDER,
 * or DISCOVER_UNKNOWN_ADDRESS for an address that nobody can have; else than
 * for OK *why is a static text.  `question->schema` is set whenever it could
 * be read. */
discover_error_e discover_question_parse(discover_question_t *question,
                                         const char *bytes, apr_size_t len,
                                         const char **why, apr_pool_t *pool);

/* Notes in `question` what the client says that it can do, in the values of
 * its headers X-ClientCanHandle and X-MapiHttpCapability, or NULL. */
void discover_question_capabilities(discover_question_t *question,
                                    const char *client_can_handle,
                                    const char *mapi_http_capability);

#endif
