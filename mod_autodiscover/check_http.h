/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_CHECK_HTTP_H
#define POSTERN_CHECK_HTTP_H

/* One HTTP request of the self-check, with the certificate checked as a client
 * would (libcurl).  Redirects are told, not followed; proxies of the
 * environment are not used.  One thread. */

#include "verdict.h"

#include <apr_pools.h>

#define CHECK_HTTP_MAX (1 << 20) /* bytes of an answer's body */

/* How the network is used. */
typedef struct check_net_t {
    const char *connect; /* HOST[:PORT] to connect to whatever the URL says; or
                            NULL */
    const char *ca_file; /* CAs to trust; NULL: those of the system */
    int timeout;         /* seconds, of each request */
} check_net_t;

typedef struct check_request_t {
    const char *url;
    const char *body;            /* XML to POST, or NULL for GET */
    const char *user, *password; /* for Basic or NTLM, or NULL */
} check_request_t;

/* Asks; reply->why says why no HTTP answer came.  1 when that is the
 * certificate's fault. */
int check_http_ask(const check_net_t *net, const check_request_t *request,
                   verdict_reply_t *reply, apr_pool_t *pool);

#endif
