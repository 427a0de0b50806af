/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_VERIFIER_H
#define POSTERN_VERIFIER_H

/* The conversation with a Samba server that knows the passwords: one TCP
 * connection a login, held open between type 1 and type 3, because the
 * challenge is worth something on it alone.
 *
 * All calls block, each for at most the time it is given.  One thread at a
 * time a verifier; any number of them at once. */

#include <apr_network_io.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "lib/hostaddr.h"
#include "ntlmssp.h"

#define VERIFIER_PORT 135 /* the endpoint mapper's */

typedef struct verifier_server_t {
    const char *host; /* as configured */
    apr_port_t port;
    const char *name; /* host:port, for messages */
    hostaddr_t *addresses;
    volatile apr_uint32_t probed;      /* one thread asks it while avoided */
    volatile apr_uint32_t avoid_until; /* seconds since 1970; it did not answer
                                          before and others are asked first */
} verifier_server_t;

/* Which of the configured servers is asked, and what went wrong. */
typedef struct verifier_t verifier_t;

typedef enum verifier_verdict_e {
    VERIFIER_GOOD,    /* for a type 1: here is the challenge */
    VERIFIER_REFUSED, /* it says no */
    VERIFIER_DOWN     /* it says nothing, or nothing sound */
} verifier_verdict_t;

/* Parses "host", "host:port", "[v6]:port" into a server in `pool`.  APR_EINVAL
 * for anything else. */
apr_status_t verifier_parse(verifier_server_t **server, const char *text,
                            apr_pool_t *pool);

/* Gives the type 1 (`len` bytes at `type1`) to the first of `servers`
 * (verifier_server_t *) that answers within `timeout` altogether, and yields
 * the verifier and its type 2, both in `pool`.  Of a server that did not answer
 * lately only one thread waits for an answer; the others go on at once.  Unless GOOD, the connection is
 * closed and *verifier is only good for verifier_why(). */
verifier_verdict_t
verifier_negotiate(verifier_t **verifier, const unsigned char **type2,
                   apr_size_t *type2_len, const apr_array_header_t *servers,
                   const unsigned char *type1, apr_size_t len,
                   apr_interval_time_t timeout, apr_pool_t *pool);

/* Gives it the type 3; the connection is closed afterwards. */
verifier_verdict_t verifier_authenticate(verifier_t *verifier,
                                         const unsigned char *type3,
                                         apr_size_t len,
                                         apr_interval_time_t timeout);

/* Why the last call was not GOOD: one line, with the server's name. */
const char *verifier_why(const verifier_t *verifier);

/* Ends the conversation from another thread, which may be inside no call of
 * this verifier: the next one yields DOWN. */
void verifier_abort(verifier_t *verifier);

/* Closes the connection, if it is open. */
void verifier_close(verifier_t *verifier);

#endif
