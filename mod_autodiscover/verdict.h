/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_VERDICT_H
#define POSTERN_VERDICT_H

/* What each kind of client concludes from an answer: the rules that clients
 * were seen to follow, each in one function.  Pure; any thread after
 * xml_init(). */

#include <apr_pools.h>
#include <apr_tables.h>

/* What is asked. */
typedef enum verdict_question_e {
    VERDICT_POX,
    VERDICT_MOBILESYNC,
    VERDICT_SOAP,
    VERDICT_JSON_QUERY, /* ?Email= */
    VERDICT_JSON_PATH,  /* /v1.0/ */
    VERDICT_AUTOCONFIG,
    VERDICT_WELL_KNOWN, /* the same below /.well-known/ */
    VERDICT_PROFILE,    /* of Apple */
    VERDICT_REDIRECT,   /* by plain HTTP */
    VERDICT_QUESTIONS
} verdict_question_e;

typedef enum verdict_e {
    VERDICT_FINDS,       /* the client finds what it needs */
    VERDICT_NOT_OFFERED, /* a proper answer: the service is not there */
    VERDICT_FAILS
} verdict_e;

/* An answer as it came. */
typedef struct verdict_reply_t {
    const char *why;            /* no HTTP answer: the reason; else NULL */
    long status;                /* of HTTP */
    const char *location;       /* header, or NULL */
    const char *login;          /* header WWW-Authenticate, or NULL */
    const char *announces_soap; /* header X-SOAP-Enabled, also of the 401 */
    const char *bytes;          /* of the body; a NUL behind them */
    apr_size_t len;
} verdict_reply_t;

typedef struct verdict_t {
    const char *client; /* its name, for people */
    verdict_e verdict;
    const char *says; /* one line: what it found, or what it lacks */
} verdict_t;

/* The name of a question, such as "pox", and of a verdict, such as "finds". */
const char *verdict_question_name(verdict_question_e question);
const char *verdict_name(verdict_e verdict);

/* One verdict_t for each client that asks this question. */
apr_array_header_t *verdict_all(verdict_question_e question,
                                const verdict_reply_t *reply, apr_pool_t *pool);

#endif
