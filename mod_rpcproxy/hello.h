/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_HELLO_H
#define POSTERN_HELLO_H

/* The first PDU of a channel says what the channel wants to be ([MS-RPCH]
 * sections 2.2.4.2, 2.2.4.5, 2.2.4.10, 2.2.4.24).  Pure; any thread. */

#include "rts.h"

typedef enum hello_kind_e {
    HELLO_OUT,     /* CONN/A1 */
    HELLO_IN,      /* CONN/B1 */
    HELLO_IN_NEXT, /* IN_R/A1: replaces an IN channel */
    HELLO_OUT_NEXT /* OUT_R/A3: replaces an OUT channel */
} hello_kind_e;

typedef struct hello_t {
    hello_kind_e kind;
    rts_cookie_t vconn;
    rts_cookie_t channel;
    rts_cookie_t predecessor; /* of the replacing kinds */
    apr_uint32_t window;      /* of the OUT kinds: the client's window */
    apr_uint32_t keepalive;   /* of HELLO_IN: milliseconds */
    apr_size_t size;          /* of the PDU */
} hello_t;

/* Reads the whole PDU of `len` bytes that came first on a channel of method
 * RPC_OUT_DATA (`out` set) or RPC_IN_DATA. */
pdu_result_e hello_read(hello_t *hello, int out, const void *bytes,
                        apr_size_t len, const char **why);

#endif
