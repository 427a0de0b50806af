/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_FLOW_H
#define POSTERN_FLOW_H

/* Flow control and channel lifetime ([MS-RPCH] sections 3.2.1.1.4, 3.2.1.1.5
 * and 2.2.3.5.5).  Windows count RPC PDUs only; the lifetime counts every byte
 * of the message body.  Each instance of a channel has counters of its own.
 * Plain arithmetic, no time, no allocation. */

#include <apr.h>
#include <apr_errno.h>

/* Sending against the peer's receive window. */
typedef struct flow_sender_t {
    apr_uint32_t window;   /* what the peer advertised */
    apr_uint32_t sent;     /* BytesSent */
    apr_uint32_t received; /* BytesReceived of the last acknowledgement */
    apr_int64_t available; /* may be negative after the limit was lifted */
    int acked;             /* the peer has acknowledged at least once */
    int lifted;            /* the window is not enforced */
} flow_sender_t;

void flow_sender_init(flow_sender_t *s, apr_uint32_t window);

/* 1 when a PDU of `len` bytes may be sent now. */
int flow_sender_room(const flow_sender_t *s, apr_size_t len);
void flow_sender_sent(flow_sender_t *s, apr_size_t len);

/* An acknowledgement.  APR_EINVAL with a static *why when it claims bytes that
 * were not sent, goes back, or opens more than the advertised window. */
apr_status_t flow_sender_ack(flow_sender_t *s, apr_uint32_t received,
                             apr_uint32_t window, const char **why);

/* For a peer that never acknowledges (Samba's client): leave it to TCP, until
 * an acknowledgement comes after all. */
void flow_sender_lift(flow_sender_t *s);

/* Receiving against our own window. */
typedef struct flow_receiver_t {
    apr_uint32_t window;
    apr_uint32_t received;   /* BytesReceived */
    apr_uint32_t held;       /* received, not yet forwarded */
    apr_uint32_t advertised; /* what the peer may believe to be left */
} flow_receiver_t;

void flow_receiver_init(flow_receiver_t *r, apr_uint32_t window);
void flow_receiver_received(flow_receiver_t *r, apr_size_t len);
void flow_receiver_forwarded(flow_receiver_t *r, apr_size_t len);

/* 1 when the peer's idea of our window fell below half and telling it would
 * open more. */
int flow_receiver_ack_due(const flow_receiver_t *r);

/* The window to put into an acknowledgement that is sent now, beside
 * r->received. */
apr_uint32_t flow_receiver_ack(flow_receiver_t *r);

/* What the Content-Length of one channel instance still allows. */
typedef struct flow_lifetime_t {
    apr_uint32_t limit;
    apr_uint32_t used;
} flow_lifetime_t;

void flow_lifetime_init(flow_lifetime_t *l, apr_uint32_t limit);

/* 1 when `len` bytes fit and the RTS PDUs that end a channel still do. */
int flow_lifetime_room(const flow_lifetime_t *l, apr_size_t len);
void flow_lifetime_spend(flow_lifetime_t *l, apr_size_t len);

/* 1 when it is time to recycle: 8 KiB before the end, or half way when the
 * lifetime is shorter than 16 KiB. */
int flow_lifetime_near_end(const flow_lifetime_t *l);

#endif
