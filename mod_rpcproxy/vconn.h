/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_VCONN_H
#define POSTERN_VCONN_H

/* One virtual connection ([MS-RPCH] sections 3.2.3 to 3.2.5): inbound proxy,
 * outbound proxy and the server's half of RTS merged into one state machine.
 *
 * Events go in, actions come out.  No socket, no clock, no allocation: the
 * engine tells what happened and when, and does what it is told, in order.
 * One thread at a time for one vconn_t. */

#include <apr_time.h>

#include "flow.h"
#include "hello.h"

/* RPC error codes of `503 RPC Error: <hex>`. */
enum {
    VCONN_ACCESS_DENIED = 0x5,
    VCONN_SERVER_UNAVAILABLE = 0x6ba,
    VCONN_TOO_BUSY = 0x6bb,
    VCONN_CALL_FAILED = 0x6be,
    VCONN_PROTOCOL_ERROR = 0x6c0
};

/* What the engine holds for a virtual connection: two channels, two that are
 * about to replace them, and the back end. */
typedef enum vconn_channel_e {
    VCONN_IN,
    VCONN_IN_NEXT,
    VCONN_OUT,
    VCONN_OUT_NEXT,
    VCONN_BACKEND,
    VCONN_CHANNELS = VCONN_BACKEND
} vconn_channel_e;

typedef enum vconn_state_e {
    VCONN_NEW,        /* nothing joined yet */
    VCONN_WAIT_A1,    /* B1 seen, OUT missing */
    VCONN_CONNECTING, /* A1 seen, back end not connected, IN missing */
    VCONN_COMPLETING, /* A1 and B1 seen, back end not connected */
    VCONN_WAIT_B1,    /* connected and answered, IN missing */
    VCONN_OPEN,
    VCONN_ENDED,
    VCONN_STATES
} vconn_state_e;

typedef enum vconn_in_e {
    VCONN_IN_OPENED,
    VCONN_IN_A5W, /* IN_R/A1 seen, A5 must come on the old channel */
    VCONN_IN_STATES
} vconn_in_e;

typedef enum vconn_out_e {
    VCONN_OUT_OPENED,
    VCONN_OUT_A3W,   /* A2 sent: a new OUT channel must come with A3 */
    VCONN_OUT_A7C1W, /* A6 sent: A7 on IN and C1 on the new OUT must come */
    VCONN_OUT_A7W,
    VCONN_OUT_C1W, /* old OUT closed: nothing can be sent until C1 */
    VCONN_OUT_STATES
} vconn_out_e;

typedef struct vconn_options_t {
    apr_uint32_t receive_window;     /* ours, for each IN channel, in bytes */
    apr_uint32_t lifetime;           /* of each OUT channel, in bytes */
    apr_uint32_t connection_timeout; /* told to the client, milliseconds */
    apr_interval_time_t setup;       /* for set-up and each recycling */
    apr_interval_time_t ping;        /* when OUT is silent; 0 never */
    apr_interval_time_t idle;        /* end when IN is silent; 0 never */
    int quiet; /* send no RTS PDU unasked until the peer has sent one: Samba's
                  client hangs on any after CONN/C2 */
} vconn_options_t;

/* Who joins.  Both channels and every successor must agree in all of it. */
typedef struct vconn_identity_t {
    const char *user;
    const char *target;
    const void *server; /* any pointer that stands for the virtual host */
} vconn_identity_t;

typedef enum vconn_event_e {
    VCONN_EV_JOIN,       /* hello, identity, options: a channel's first PDU */
    VCONN_EV_BACKEND_UP, /* after VCONN_ACT_CONNECT */
    VCONN_EV_BACKEND_FAILED,
    VCONN_EV_PDU,         /* channel, len: one RPC PDU of the client */
    VCONN_EV_RTS,         /* channel, rts */
    VCONN_EV_FORWARDED,   /* len: bytes that the back end's socket took */
    VCONN_EV_BACKEND_PDU, /* len; answered by RELAY, or by nothing: keep it
                             and ask again when vconn_relays() */
    VCONN_EV_MALFORMED,   /* channel, why */
    VCONN_EV_CLOSED,      /* channel: end of stream, or error */
    VCONN_EV_TICK,        /* at vconn_deadline(); unsent */
    VCONN_EV_STOP,        /* why: the server ends this connection */
    VCONN_EVENTS
} vconn_event_e;

typedef struct vconn_event_t {
    vconn_event_e type;
    vconn_channel_e channel;
    apr_time_t now;
    apr_size_t len;
    apr_size_t unsent; /* bytes that OUT's client has not taken from us */
    const rts_t *rts;
    const hello_t *hello;
    const vconn_identity_t *identity;
    const vconn_options_t *options;
    const char *why;
} vconn_event_t;

typedef enum vconn_action_e {
    VCONN_ACT_ADOPT,     /* the newcomer is `channel` from now on */
    VCONN_ACT_REFUSE,    /* the newcomer gets `503 RPC Error: code` */
    VCONN_ACT_CONNECT,   /* connect the back end */
    VCONN_ACT_RESPOND,   /* `200 Success` header on VCONN_OUT */
    VCONN_ACT_SEND,      /* `bytes` on `channel` */
    VCONN_ACT_FORWARD,   /* the event's PDU to the back end */
    VCONN_ACT_RELAY,     /* the event's PDU to VCONN_OUT */
    VCONN_ACT_CLOSE,     /* end `channel` in order, without an error */
    VCONN_ACT_SUCCEED,   /* the successor takes the place of `channel` */
    VCONN_ACT_KEEPALIVE, /* TCP keep-alive of the back end: `code` seconds */
    VCONN_ACT_END        /* end everything: unanswered channels get `503 RPC
                            Error: code`, or a success when code is 0 */
} vconn_action_e;

typedef struct vconn_action_t {
    vconn_action_e type;
    vconn_channel_e channel;
    unsigned int code;
    const char *why; /* static, or the event's */
    rts_form_e form; /* of SEND, for the trace */
    apr_size_t len;
    unsigned char bytes[RTS_WRITE_MAX];
} vconn_action_t;

#define VCONN_ACTIONS_MAX 8

typedef struct vconn_actions_t {
    int count;
    vconn_action_t action[VCONN_ACTIONS_MAX];
} vconn_actions_t;

typedef struct vconn_counts_t {
    apr_uint64_t bytes_up, bytes_down; /* of RPC PDUs */
    apr_uint64_t pdus_up, pdus_down;
    apr_uint32_t pings_sent, pings_received;
    apr_uint32_t acks_sent, acks_received;
    apr_uint32_t in_recycles, out_recycles;
} vconn_counts_t;

typedef struct vconn_t {
    vconn_state_e state;
    vconn_in_e in;
    vconn_out_e out;
    vconn_options_t options;
    vconn_identity_t identity; /* strings owned by the engine */
    rts_cookie_t cookie, in_cookie, in_next_cookie, out_cookie, out_next_cookie;
    apr_uint32_t out_next_window;
    apr_uint32_t keepalive; /* seconds */
    flow_sender_t sender;
    flow_receiver_t receiver;
    flow_lifetime_t lifetime;
    apr_size_t held; /* size of the back end's PDU that has no room */
    apr_size_t predecessor_held; /* of a replaced IN, not yet forwarded */
    int a4_due;                  /* IN_R/A4 waits for the new OUT channel */
    int peer_rts;                /* the peer has sent an RTS PDU after set-up */
    int silent_peer;             /* the window was lifted at least once */
    apr_time_t last_in, last_out;
    /* Deadlines; 0 when not running. */
    apr_time_t setup_at, silent_at, in_recycle_at, out_recycle_at;
    vconn_counts_t counts;
} vconn_t;

/* A new virtual connection, before the JOIN of its first channel.  The strings
 * of `identity` must outlive it. */
void vconn_init(vconn_t *v, const rts_cookie_t *cookie,
                const vconn_identity_t *identity);

/* Takes one event; `out` holds what to do, in order. */
void vconn_handle(vconn_t *v, const vconn_event_t *event, vconn_actions_t *out);

/* 1 when bytes of `channel` may be read now. */
int vconn_reads(const vconn_t *v, vconn_channel_e channel);

/* 1 when the PDU that VCONN_EV_BACKEND_PDU held back may be offered again. */
int vconn_relays(const vconn_t *v);

/* When VCONN_EV_TICK is due, or 0 for never. */
apr_time_t vconn_deadline(const vconn_t *v);

#endif
