/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_RELAY_H
#define POSTERN_RELAY_H

/* What two processes of one server say to each other about a channel that came
 * to the one and belongs to the other: messages over a Unix socket that keeps
 * their boundaries (SOCK_SEQPACKET), so that one is there whole or not at all.
 * Pure; any thread. */

#include <apr_errno.h>

#include "target.h"
#include "network.h"
#include "vconn.h"

typedef enum relay_type_e {
    RELAY_HELLO = 1, /* first: the channel; text follows */
    RELAY_DATA,      /* bytes of the channel follow, in either direction */
    RELAY_TAKEN,     /* value: more bytes that OUT's client has taken */
    RELAY_ANSWER,    /* `200 Success`; value: its Content-Length */
    RELAY_FINISH     /* last of the owner; value: RPC error code, or 0 */
} relay_type_e;

/* Heads every message. */
typedef struct relay_head_t {
    apr_uint32_t type;
    apr_uint32_t value;
} relay_head_t;

#define RELAY_UP_MAX 16384   /* bytes of one DATA to the owner */
#define RELAY_DOWN_MAX 49152 /* and from it */
#define RELAY_HELLO_MAX 8192
#define RELAY_MOST 4 /* limits of tunnels */

/* A channel.  The strings are the caller's; after relay_hello_read they are in
 * the bytes that were read. */
typedef struct relay_hello_t {
    hello_t hello;
    vconn_options_t options;
    int out;
    int partial_timeout;
    int most[RELAY_MOST];
    int trace;
    int endpoints; /* of the back end */
    target_endpoint_t endpoint[TARGET_ENDPOINTS_MAX];
    apr_time_t connect_by;
    char network[NETWORK_TEXT]; /* of the client */
    const char *user, *target, *client, *backend;
    const char *server; /* names the virtual host */
} relay_hello_t;

/* The whole message, or 0 when it does not fit into `size` bytes. */
apr_size_t relay_hello_write(const relay_hello_t *hello, void *bytes,
                             apr_size_t size);

/* APR_EINVAL with a static *why, also when another version of the program has
 * written it. */
apr_status_t relay_hello_read(relay_hello_t *hello, const void *bytes,
                              apr_size_t len, const char **why);

#endif
