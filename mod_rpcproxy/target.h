/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_TARGET_H
#define POSTERN_TARGET_H

/* What a client asks for, `?server:port` ([MS-RPCH] section 2.2.2), and the map
 * that decides where that is.  The asked name is looked up and never resolved:
 * nothing in the map means nothing allowed. */

#include <apr_tables.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "epm.h"
#include "lib/hostaddr.h"

#define TARGET_NAME_MAX 1023

typedef struct target_t {
    const char *text; /* name:port, in lower case, port without zeros */
    const char *name; /* lower case; brackets of an IPv6 address kept */
    int port;
} target_t;

/* Parses the query string of a request, `query` may be NULL.  Splits at the
 * last colon.  APR_EINVAL with a static *why. */
apr_status_t target_parse(target_t *target, const char *query, const char **why,
                          apr_pool_t *pool);

/* Where a back end's port comes from, when none is given. */
#define TARGET_PORT_ASKED 0     /* it is the one that the client asks for */
#define TARGET_PORT_MAPPED (-1) /* its endpoint mapper tells */

typedef struct target_backend_t {
    const char *host; /* a name or an address, without brackets */
    int port;
    const epm_interface_t *interface; /* of TARGET_PORT_MAPPED; NULL: that which
                                         Exchange has on the port asked for */
    hostaddr_t *names;                /* its addresses; made by who connects */
} target_backend_t;

#define TARGET_BACKENDS_MAX 4 /* in one row */
#define TARGET_HOST_MAX 253

/* One row of the map. */
typedef struct target_rule_t {
    const char *pattern; /* a name, or with one leading *: any start */
    int low, high;       /* ports that may be asked for */
    int backends;        /* tried in this order */
    target_backend_t *backend;
    const char *text; /* the words that name the back ends */
} target_rule_t;

/* Parses the words of a row: `name`, `ports` ("593", "6001-6004" or "*") and
 * `count` times `backend`: "host", "host:port", "host:auto" or
 * "host:auto/interface", where an IPv6 address stands in brackets.  NULL, or a
 * static sentence about what to write instead. */
const char *target_rule_parse(target_rule_t *rule, const char *name,
                              const char *ports, const char *const *backend,
                              int count, apr_pool_t *pool);

/* The first of `rules` (target_rule_t) that allows `target`, or NULL. */
const target_rule_t *target_find(const apr_array_header_t *rules,
                                 const target_t *target);

/* One address of a back end. */
typedef union target_address_t {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
} target_address_t;

/* The same, with how to connect to it. */
typedef struct target_endpoint_t {
    target_address_t address; /* port 0: ask the endpoint mapper */
    socklen_t size;
    epm_interface_t interface; /* for that */
} target_endpoint_t;

#define TARGET_ENDPOINTS_MAX 8 /* that are tried for one client */

/* The endpoint at `address`, an IPv4 or IPv6 one of `size` bytes, of `backend`
 * when a client asks for `port`. */
void target_endpoint(target_endpoint_t *endpoint,
                     const target_backend_t *backend,
                     const struct sockaddr *address, socklen_t size, int port);

/* 1 when both are the same place. */
int target_same(const target_endpoint_t *a, const target_endpoint_t *b);

/* The port of an address of either kind. */
int target_port(const target_address_t *address);
void target_set_port(target_address_t *address, int port);

/* "192.0.2.1:6001", "[2001:db8::1]:auto", into TARGET_ENDPOINT_TEXT bytes;
 * returns them. */
#define TARGET_ENDPOINT_TEXT 64
const char *target_endpoint_text(char *text, const target_endpoint_t *endpoint);

#endif
