/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_VCONN_MODEL_H
#define POSTERN_VCONN_MODEL_H

/* An engine without sockets around one vconn: it offers the events that a real
 * one could have in its state, carries the actions out on a list of channels,
 * and checks after each that nothing impossible was asked for.  Shared by the
 * exhaustive test and the fuzzer. */

#include <string.h>

#include "mod_rpcproxy/vconn.h"

/* What the client and the administrator have chosen. */
typedef struct model_options_t {
    apr_uint32_t lifetime;                 /* of OUT channels */
    apr_uint32_t window;                   /* of the client */
    apr_size_t pdu, big_pdu;               /* of the back end */
    apr_interval_time_t setup, ping, idle; /* see vconn_options_t */
    int quiet;
} model_options_t;

#define MODEL_PDU 5000     /* of the client */
#define MODEL_RECEIVE 8192 /* our window for it */
#define MODEL_UNREAD                                                           \
    15000 /* an engine that has so much to forward reads no more */

/* What can happen; each is one letter of a sequence. */
typedef enum model_letter_e {
    MODEL_A1,
    MODEL_B1,
    MODEL_A1_OTHER_USER,
    MODEL_B1_OTHER_TARGET,
    MODEL_IN_RECYCLE,
    MODEL_IN_RECYCLE_WRONG,
    MODEL_OUT_RECYCLE,
    MODEL_OUT_RECYCLE_WRONG,
    MODEL_BACKEND_UP,
    MODEL_BACKEND_FAILED,
    MODEL_IN_PDU,
    MODEL_FORWARDED,
    MODEL_BACKEND_PDU,
    MODEL_BACKEND_BIG_PDU,
    MODEL_PING,
    MODEL_KEEP_ALIVE,
    MODEL_ACK,
    MODEL_ACK_WRONG,
    MODEL_A5,
    MODEL_A5_WRONG,
    MODEL_A7,
    MODEL_A7_WRONG,
    MODEL_C1,
    MODEL_C1_PADDING,
    MODEL_UNKNOWN_RTS,
    MODEL_OUT_NEXT_PDU,
    MODEL_IN_CLOSED,
    MODEL_IN_NEXT_CLOSED,
    MODEL_OUT_CLOSED,
    MODEL_OUT_NEXT_CLOSED,
    MODEL_BACKEND_CLOSED,
    MODEL_MALFORMED,
    MODEL_TICK,
    MODEL_TICK_UNSENT,
    MODEL_STOP,
    MODEL_FORWARDED_PART,
    MODEL_LETTERS
} model_letter_e;

typedef struct model_t {
    vconn_t v;
    model_options_t options;
    apr_time_t now;
    int have[VCONN_CHANNELS];
    int answered; /* the header of the present OUT has been sent */
    int backend;  /* 0 none, 1 connecting, 2 connected */
    apr_size_t unforwarded;
    apr_size_t offered;    /* size of the PDU that waits at the back end */
    apr_uint64_t up, down; /* bytes that went through */
    apr_uint32_t out_used; /* of the present OUT */
    unsigned char cookies;
    int joined;
    const char *wrong; /* the first violation */
} model_t;

static inline void model_init_as(model_t *m, const model_options_t *options)
{
    static const rts_cookie_t cookie = {{1, 2, 3}};
    static const vconn_identity_t identity = {"alice", "srv:6001", "vhost"};

    memset(m, 0, sizeof(*m));
    m->now = 1000000;
    m->options = *options;
    vconn_init(&m->v, &cookie, &identity);
}

static inline void model_init(model_t *m)
{
    static const model_options_t options = {3000,     8192,     300, 1400,
                                            30000000, 60000000, 0,   0};

    model_init_as(m, &options);
}

static inline void model_check(model_t *m, int holds, const char *wrong)
{
    if (!holds && !m->wrong) {
        m->wrong = wrong;
    }
}

static inline void model_on_out(model_t *m, apr_size_t len)
{
    model_check(m, m->have[VCONN_OUT] && m->answered,
                "bytes on an OUT channel that is not there or not answered");
    m->out_used += (apr_uint32_t)len;
    model_check(m, m->out_used <= m->options.lifetime,
                "more bytes than the channel announced");
}

static inline void model_succeed(model_t *m, vconn_channel_e channel)
{
    vconn_channel_e next = channel == VCONN_IN ? VCONN_IN_NEXT : VCONN_OUT_NEXT;

    model_check(m, m->have[next] && !m->have[channel],
                "succession without heir, or before the end");
    m->have[next] = 0;
    m->have[channel] = 1;
    if (channel == VCONN_OUT) {
        m->answered = 0;
        m->out_used = 0;
    }
}

/* Carries out one action; `newcomer` is 1 while somebody waits to join. */
static inline void model_act(model_t *m, const vconn_action_t *a,
                             const vconn_event_t *e, int *newcomer)
{
    switch (a->type) {
    case VCONN_ACT_ADOPT:
        model_check(m, *newcomer && !m->have[a->channel], "adopts twice");
        m->have[a->channel] = 1;
        *newcomer = 0;
        break;
    case VCONN_ACT_REFUSE:
        model_check(m, *newcomer && a->code && a->why, "refuses nobody");
        *newcomer = 0;
        break;
    case VCONN_ACT_CONNECT:
        model_check(m, m->backend == 0, "connects twice");
        m->backend = 1;
        break;
    case VCONN_ACT_RESPOND:
        model_check(m, m->have[VCONN_OUT] && !m->answered, "answers twice");
        m->answered = 1;
        break;
    case VCONN_ACT_SEND:
        model_check(m, a->channel == VCONN_OUT && a->len >= 20, "sends what");
        model_on_out(m, a->len);
        break;
    case VCONN_ACT_FORWARD:
        model_check(m, m->backend == 2 && e->type == VCONN_EV_PDU,
                    "forwards without a back end");
        m->up += e->len;
        m->unforwarded += e->len;
        break;
    case VCONN_ACT_RELAY:
        model_check(m, e->type == VCONN_EV_BACKEND_PDU, "relays nothing");
        model_on_out(m, e->len);
        m->down += e->len;
        m->offered = 0;
        break;
    case VCONN_ACT_CLOSE:
        model_check(m, m->have[a->channel], "closes what is not there");
        m->have[a->channel] = 0;
        break;
    case VCONN_ACT_SUCCEED:
        model_succeed(m, a->channel);
        break;
    case VCONN_ACT_KEEPALIVE:
        model_check(m, m->backend == 2 && a->code >= 60, "keep-alive of what");
        break;
    case VCONN_ACT_END:
        model_check(m, m->v.state == VCONN_ENDED && a->why, "ends, goes on");
        break;
    }
}

/* Whoever waits for somebody has a deadline, and that is due at some time. */
static inline void model_check_exits(model_t *m)
{
    const vconn_t *v = &m->v;
    apr_time_t at = vconn_deadline(v);

    if (v->state == VCONN_NEW || v->state == VCONN_ENDED) {
        return;
    }
    if (v->state != VCONN_OPEN) {
        model_check(m, v->setup_at != 0, "a set-up without an exit");
    }
    model_check(m, v->in != VCONN_IN_A5W || v->in_recycle_at,
                "a new IN without an exit");
    model_check(m, v->out <= VCONN_OUT_A3W || v->out_recycle_at,
                "a new OUT without an exit");
    model_check(m,
                !v->held || vconn_relays(v) || v->sender.acked ||
                    v->silent_at || v->out_recycle_at,
                "a PDU that waits for ever");
    model_check(m,
                (!v->setup_at || at <= v->setup_at) &&
                    (!v->in_recycle_at || at <= v->in_recycle_at) &&
                    (!v->out_recycle_at || at <= v->out_recycle_at),
                "a deadline that nobody is told");
}

/* Every byte that was read goes on, or the connection ends. */
static inline void model_check_bytes(model_t *m, const vconn_event_t *e,
                                     const vconn_actions_t *actions, int relays)
{
    const vconn_t *v = &m->v;
    int i, forwards = 0, relayed = 0;

    for (i = 0; i < actions->count; i++) {
        forwards += actions->action[i].type == VCONN_ACT_FORWARD;
        relayed += actions->action[i].type == VCONN_ACT_RELAY;
    }
    model_check(m, v->counts.bytes_up == m->up, "bytes up");
    model_check(m, v->counts.bytes_down == m->down, "bytes down");
    model_check(m, !vconn_reads(v, VCONN_IN_NEXT), "reads a new IN before A5");
    if (v->state == VCONN_ENDED) {
        return;
    }
    model_check(m, forwards == (e->type == VCONN_EV_PDU),
                "a PDU of the client that is lost or doubled");
    if (e->type == VCONN_EV_BACKEND_PDU) {
        model_check(m, relayed || (!relays && v->held == e->len),
                    "a PDU of the back end that is lost");
    }
    model_check(m, relayed <= 1 && v->held == m->offered,
                "a PDU of the back end that is doubled or forgotten");
}

static inline void model_handle(model_t *m, vconn_event_t *e)
{
    int i, newcomer = e->type == VCONN_EV_JOIN;
    int relays = m->v.held && vconn_relays(&m->v);
    vconn_actions_t actions;

    e->now = m->now;
    vconn_handle(&m->v, e, &actions);
    for (i = 0; i < actions.count; i++) {
        model_act(m, &actions.action[i], e, &newcomer);
        model_check(m,
                    actions.action[i].type != VCONN_ACT_END ||
                        i == actions.count - 1,
                    "acts after the end");
    }
    model_check(m, !newcomer, "a newcomer is left standing");
    model_check(m, actions.count < VCONN_ACTIONS_MAX, "too many actions");
    model_check_exits(m);
    model_check_bytes(m, e, &actions, relays);
}

static inline void model_join(model_t *m, hello_kind_e kind, int right,
                              const char *user, const char *target)
{
    vconn_options_t options;
    vconn_identity_t identity = {user, target, m->v.identity.server};
    vconn_event_t e = {0};
    hello_t hello = {0};

    memset(&options, 0, sizeof(options)); /* states are compared byte by byte */
    options.receive_window = MODEL_RECEIVE;
    options.lifetime = m->options.lifetime;
    options.connection_timeout = 120000;
    options.setup = m->options.setup;
    options.ping = m->options.ping;
    options.idle = m->options.idle;
    options.quiet = m->options.quiet;
    hello.kind = kind;
    hello.vconn = m->v.cookie;
    hello.channel.bytes[0] = ++m->cookies;
    hello.channel.bytes[1] = 1;
    hello.window = m->options.window;
    hello.predecessor =
        kind == HELLO_IN_NEXT ? m->v.in_cookie : m->v.out_cookie;
    if (!right) {
        hello.predecessor.bytes[15] ^= 0xff;
    }
    e.type = VCONN_EV_JOIN;
    e.hello = &hello;
    e.identity = &identity;
    e.options = &options;
    model_handle(m, &e);
}

static inline void model_rts(model_t *m, vconn_channel_e channel,
                             rts_form_e form, const rts_cookie_t *cookie,
                             int right)
{
    vconn_event_t e = {0};
    rts_t rts;
    int i;

    if (!vconn_reads(&m->v, channel) || !m->have[channel]) {
        return;
    }
    rts_init(&rts, form);
    for (i = 0; i < rts.count; i++) {
        if (cookie) {
            rts.command[i].cookie = *cookie;
        }
        if (rts.command[i].type == RTS_DESTINATION) {
            rts.command[i].number = RTS_FD_OUT_PROXY;
        }
        else if (rts.command[i].type == RTS_FLOW_CONTROL_ACK) {
            rts.command[i].number =
                right ? m->v.sender.sent : m->v.sender.sent + 1;
            rts.command[i].window = m->options.window;
        }
        if (!right) {
            rts.command[i].cookie.bytes[7] ^=
                form != RTS_FLOW_ACK_DESTINATION ? 0xff : 0;
        }
    }
    e.type = VCONN_EV_RTS;
    e.channel = channel;
    e.rts = &rts;
    model_handle(m, &e);
}

static inline void model_pdu(model_t *m, vconn_channel_e channel,
                             apr_size_t len)
{
    vconn_event_t e = {0};

    if (vconn_reads(&m->v, channel) && m->have[channel]) {
        e.type = VCONN_EV_PDU;
        e.channel = channel;
        e.len = len;
        model_handle(m, &e);
    }
}

static inline void model_backend_pdu(model_t *m, apr_size_t len)
{
    vconn_event_t e = {0};

    if (m->backend != 2 || !vconn_relays(&m->v) || !m->have[VCONN_OUT]) {
        return;
    }
    e.type = VCONN_EV_BACKEND_PDU;
    e.channel = VCONN_BACKEND;
    e.len = m->offered ? m->offered : len;
    m->offered = e.len;
    model_handle(m, &e);
}

/* The back end's socket has taken `len` bytes. */
static inline void model_forwarded(model_t *m, apr_size_t len)
{
    vconn_event_t e = {0};

    if (len > 0 && len <= m->unforwarded) {
        m->unforwarded -= len;
        e.type = VCONN_EV_FORWARDED;
        e.channel = VCONN_BACKEND;
        e.len = len;
        model_handle(m, &e);
    }
}

static inline void model_event(model_t *m, vconn_event_e type,
                               vconn_channel_e channel, int possible)
{
    vconn_event_t e = {0};

    if (possible) {
        e.type = type;
        e.channel = channel;
        e.why = "because";
        model_handle(m, &e);
    }
}

static inline void model_closed(model_t *m, vconn_channel_e channel)
{
    int there = m->have[channel];

    model_event(m, VCONN_EV_CLOSED, channel, there);
    model_check(m,
                !there || m->v.state == VCONN_ENDED || channel == VCONN_IN_NEXT,
                "goes on without a channel");
}

static inline void model_tick(model_t *m, apr_size_t unsent)
{
    apr_time_t at = vconn_deadline(&m->v);
    vconn_t before = m->v;
    vconn_event_t e = {0};

    if (at) {
        m->now = at > m->now ? at : m->now;
        e.type = VCONN_EV_TICK;
        e.unsent = unsent;
        model_handle(m, &e);
        model_check(m,
                    m->v.state == VCONN_ENDED || !vconn_deadline(&m->v) ||
                        vconn_deadline(&m->v) > m->now,
                    "a deadline that a tick does not move");
        model_check(m,
                    m->v.setup_at <= before.setup_at &&
                        m->v.in_recycle_at <= before.in_recycle_at &&
                        (!before.out_recycle_at ||
                         m->v.out_recycle_at <= before.out_recycle_at),
                    "an end that a tick puts off");
    }
}

/* One letter; letters that cannot happen now do nothing. */
static inline void model_step(model_t *m, model_letter_e letter)
{
    vconn_t *v = &m->v;

    if (v->state == VCONN_ENDED) {
        return;
    }
    switch (letter) {
    case MODEL_A1:
        model_join(m, HELLO_OUT, 1, "alice", "srv:6001");
        break;
    case MODEL_B1:
        model_join(m, HELLO_IN, 1, "alice", "srv:6001");
        break;
    case MODEL_A1_OTHER_USER:
        model_join(m, HELLO_OUT, 1, "bob", "srv:6001");
        break;
    case MODEL_B1_OTHER_TARGET:
        model_join(m, HELLO_IN, 1, "alice", "srv:6002");
        break;
    case MODEL_IN_RECYCLE:
    case MODEL_IN_RECYCLE_WRONG:
        model_join(m, HELLO_IN_NEXT, letter == MODEL_IN_RECYCLE, "alice",
                   "srv:6001");
        break;
    case MODEL_OUT_RECYCLE:
    case MODEL_OUT_RECYCLE_WRONG:
        model_join(m, HELLO_OUT_NEXT, letter == MODEL_OUT_RECYCLE, "alice",
                   "srv:6001");
        break;
    case MODEL_BACKEND_UP:
        if (m->backend == 1) {
            m->backend = 2;
            model_event(m, VCONN_EV_BACKEND_UP, VCONN_BACKEND, 1);
        }
        break;
    case MODEL_BACKEND_FAILED:
        model_event(m, VCONN_EV_BACKEND_FAILED, VCONN_BACKEND, m->backend == 1);
        break;
    case MODEL_IN_PDU:
        if (m->unforwarded < MODEL_UNREAD) {
            model_pdu(m, VCONN_IN, MODEL_PDU);
        }
        break;
    case MODEL_FORWARDED:
        model_forwarded(m, m->unforwarded);
        break;
    case MODEL_BACKEND_PDU:
        model_backend_pdu(m, m->options.pdu);
        break;
    case MODEL_BACKEND_BIG_PDU:
        model_backend_pdu(m, m->options.big_pdu);
        break;
    case MODEL_PING:
        model_rts(m, VCONN_IN, RTS_PING, NULL, 1);
        break;
    case MODEL_KEEP_ALIVE:
        model_rts(m, VCONN_IN, RTS_KEEP_ALIVE, NULL, 1);
        break;
    case MODEL_ACK:
    case MODEL_ACK_WRONG:
        model_rts(m, VCONN_IN, RTS_FLOW_ACK_DESTINATION, &v->out_cookie,
                  letter == MODEL_ACK);
        break;
    case MODEL_A5:
    case MODEL_A5_WRONG:
        model_rts(m, VCONN_IN, RTS_IN_R_A5, &v->in_next_cookie,
                  letter == MODEL_A5);
        break;
    case MODEL_A7:
    case MODEL_A7_WRONG:
        model_rts(m, VCONN_IN, RTS_OUT_R2_A7, &v->out_next_cookie,
                  letter == MODEL_A7);
        break;
    case MODEL_C1:
        model_rts(m, VCONN_OUT_NEXT, RTS_OUT_R2_C1, NULL, 1);
        break;
    case MODEL_C1_PADDING:
        model_rts(m, VCONN_OUT_NEXT, RTS_OUT_R2_C1_PADDING, NULL, 1);
        break;
    case MODEL_UNKNOWN_RTS:
        model_rts(m, VCONN_IN, RTS_CONN_A1, NULL, 1);
        break;
    case MODEL_OUT_NEXT_PDU:
        model_pdu(m, VCONN_OUT_NEXT, 24);
        break;
    case MODEL_IN_CLOSED:
        model_closed(m, VCONN_IN);
        break;
    case MODEL_IN_NEXT_CLOSED:
        model_closed(m, VCONN_IN_NEXT);
        break;
    case MODEL_OUT_CLOSED:
        model_closed(m, VCONN_OUT);
        break;
    case MODEL_OUT_NEXT_CLOSED:
        model_closed(m, VCONN_OUT_NEXT);
        break;
    case MODEL_BACKEND_CLOSED:
        model_event(m, VCONN_EV_CLOSED, VCONN_BACKEND, m->backend == 2);
        break;
    case MODEL_MALFORMED:
        model_event(m, VCONN_EV_MALFORMED, VCONN_IN,
                    vconn_reads(v, VCONN_IN) && m->have[VCONN_IN]);
        break;
    case MODEL_TICK:
        model_tick(m, 0);
        break;
    case MODEL_TICK_UNSENT:
        model_tick(m, 1000);
        break;
    case MODEL_FORWARDED_PART:
        model_forwarded(m, MODEL_PDU / 2);
        break;
    default:
        model_event(m, VCONN_EV_STOP, VCONN_BACKEND, v->state != VCONN_NEW);
        model_check(m, v->state == VCONN_NEW || v->state == VCONN_ENDED,
                    "does not stop");
        break;
    }
}

#endif
