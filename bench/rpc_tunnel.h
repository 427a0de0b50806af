/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_BENCH_RPC_TUNNEL_H
#define POSTERN_BENCH_RPC_TUNNEL_H

/* One DCE/RPC association to the back end, as a client sees it: straight over
 * TCP, through an HTTP CONNECT proxy, or through RPC over HTTP version 2
 * ([MS-RPCH]) with an IN and an OUT channel, flow control both ways and
 * pings.  No recycling: no measurement moves the gigabyte it takes. */

#include "load.h"

#include <stdint.h>

typedef enum via_e { VIA_TCP, VIA_CONNECT, VIA_RPCH } via_e;

typedef struct tunnel_options_t {
    via_e via;
    endpoint_t to;      /* the proxy, or with VIA_TCP the back end */
    const char *target; /* server:port to ask the proxy for */
    const char *basic;  /* Authorization line, or "" */
    SSL_CTX *tls;       /* NULL: plain */
} tunnel_options_t;

/* Everything a read may bring: the largest PDU, and some. */
#define TUNNEL_ROOM (256 * 1024)

typedef struct tunnel_t {
    via_e via;
    stream_t in, out; /* one and the same but for VIA_RPCH */
    unsigned char *rx;
    size_t rx_start, rx_end;
    unsigned char out_cookie[16];
    uint32_t out_received, out_acked;            /* we receive on OUT */
    uint32_t in_sent, in_received, in_available; /* the peer's acks for IN */
    double started;                              /* for the caller */
    char status[128]; /* line of the proxy's answer */
} tunnel_t;

/* Opens the tunnel up to the bind_ack.  NULL, or why it failed (then closed);
 * the text lives as long as `t`. */
const char *tunnel_open(tunnel_t *t, const tunnel_options_t *options);
void tunnel_close(tunnel_t *t);

/* The next RPC PDU that has arrived whole: 1, or 0 when more must be read, -1
 * when the bytes are none.  RTS PDUs are acted upon and skipped.  The PDU is
 * valid until the next call. */
int tunnel_next(tunnel_t *t, const unsigned char **pdu, size_t *len);

/* One read: as stream_read(). */
long tunnel_fill(tunnel_t *t);

/* The next RPC PDU, waiting for it: 1, or 0 when the tunnel has ended. */
int tunnel_receive(tunnel_t *t, const unsigned char **pdu, size_t *len);

/* Sends one request fragment: `flags` are PFC_FIRST_FRAG and PFC_LAST_FRAG,
 * `stub` the arguments.  0, or -1. */
int tunnel_request(tunnel_t *t, int flags, uint16_t opnum, const void *stub,
                   size_t len);

/* A ping on IN ([MS-RPCH] 2.2.4.49).  0, or -1. */
int tunnel_ping(tunnel_t *t);

/* Room in the peer's receive window for another PDU of `len` bytes? */
int tunnel_has_window(const tunnel_t *t, size_t len);

enum { PFC_FIRST_FRAG = 1, PFC_LAST_FRAG = 2 };
enum { PTYPE_REQUEST = 0, PTYPE_RESPONSE = 2, PTYPE_BIND = 11 };
enum { PTYPE_BIND_ACK = 12, PTYPE_RTS = 20 };

/* What rpc_server does on each operation number. */
enum {
    OP_ECHO = 0,   /* answers the stub of the last fragment */
    OP_SOURCE = 1, /* stub: u32 bytes, u32 per fragment; answers so many */
    OP_SINK = 2,   /* answers u32 bytes received, after the last fragment */
    OP_HANG_UP = 3 /* closes the connection */
};

#define FRAGMENT_MAX 5840 /* as Samba negotiates */
#define REQUEST_HEADER 24

#endif
