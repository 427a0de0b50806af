/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "vconn.h"
#include "vconn_step.h"

#include <string.h>

/* How long a full window may stand, with everything taken off our hands by the
 * client's TCP, before a peer that never acknowledged counts as one that does
 * not know how. */
#define SILENT_PEER apr_time_from_msec(500)
#define ANY (-1)

/* The tables. */
/* clang-format off */
typedef enum trigger_e { ON_A1, ON_B1, ON_BACKEND_UP } trigger_e;

static const struct {
    vconn_state_e state;
    trigger_e trigger;
    vconn_state_e next;
    vconn_step_fn *step;
} setup[] = {
    {VCONN_NEW,        ON_A1,         VCONN_CONNECTING, vconn_step_join_out},
    {VCONN_NEW,        ON_B1,         VCONN_WAIT_A1,    vconn_step_join_in},
    {VCONN_WAIT_A1,    ON_A1,         VCONN_COMPLETING, vconn_step_join_out},
    {VCONN_CONNECTING, ON_B1,         VCONN_COMPLETING, vconn_step_join_in},
    {VCONN_CONNECTING, ON_BACKEND_UP, VCONN_WAIT_B1,    vconn_step_answer_out},
    {VCONN_COMPLETING, ON_BACKEND_UP, VCONN_OPEN,       vconn_step_answer_and_open},
    {VCONN_WAIT_B1,    ON_B1,         VCONN_OPEN,       vconn_step_join_in_and_open},
};

/* RTS PDUs of an open connection.  in and out: the states in which the PDU is
 * right; next_in and next_out: the states after it (ANY: unchanged). */
static const struct {
    vconn_channel_e channel;
    rts_form_e form;
    int in, out, next_in, next_out;
    vconn_step_fn *step;
} running[] = {
    {VCONN_IN, RTS_PING,                 ANY, ANY, ANY, ANY, vconn_step_take_ping},
    {VCONN_IN, RTS_KEEP_ALIVE,           ANY, ANY, ANY, ANY, vconn_step_take_keepalive},
    {VCONN_IN, RTS_FLOW_ACK,             ANY, ANY, ANY, ANY, vconn_step_take_ack},
    {VCONN_IN, RTS_FLOW_ACK_DESTINATION, ANY, ANY, ANY, ANY, vconn_step_take_ack},
    {VCONN_IN, RTS_IN_R_A5,   VCONN_IN_A5W, ANY, VCONN_IN_OPENED, ANY, vconn_step_finish_in_recycle},
    {VCONN_IN, RTS_OUT_R1_A7, ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_C1W,    vconn_step_take_a7},
    {VCONN_IN, RTS_OUT_R2_A7, ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_C1W,    vconn_step_take_a7},
    {VCONN_IN, RTS_OUT_R1_A7, ANY, VCONN_OUT_A7W,   ANY, VCONN_OUT_OPENED, vconn_step_take_a7_last},
    {VCONN_IN, RTS_OUT_R2_A7, ANY, VCONN_OUT_A7W,   ANY, VCONN_OUT_OPENED, vconn_step_take_a7_last},
    {VCONN_OUT_NEXT, RTS_OUT_R2_C1,         ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_A7W,    vconn_step_take_c1},
    {VCONN_OUT_NEXT, RTS_OUT_R2_C1_PADDING, ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_A7W,    vconn_step_take_c1},
    {VCONN_OUT_NEXT, RTS_OUT_R1_A11,        ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_A7W,    vconn_step_take_c1},
    {VCONN_OUT_NEXT, RTS_OUT_R2_C1,         ANY, VCONN_OUT_C1W,   ANY, VCONN_OUT_OPENED, vconn_step_enter_new_out},
    {VCONN_OUT_NEXT, RTS_OUT_R2_C1_PADDING, ANY, VCONN_OUT_C1W,   ANY, VCONN_OUT_OPENED, vconn_step_enter_new_out},
    {VCONN_OUT_NEXT, RTS_OUT_R1_A11,        ANY, VCONN_OUT_C1W,   ANY, VCONN_OUT_OPENED, vconn_step_enter_new_out},
};
/* clang-format on */

#define ROWS(table) (sizeof(table) / sizeof(table[0]))

static int run_setup(vconn_t *v, trigger_e trigger, const vconn_event_t *e,
                     vconn_actions_t *out)
{
    size_t i;

    for (i = 0; i < ROWS(setup); i++) {
        if (setup[i].state == v->state && setup[i].trigger == trigger) {
            vconn_state_e next = setup[i].next;

            /* The steps that open the connection send on OUT already. */
            if (setup[i].step(v, e, out)) {
                v->state = next;
            }
            return 1;
        }
    }
    return 0;
}

static int fits(int wanted, int state)
{
    return wanted == ANY || wanted == state;
}

static void on_rts(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    rts_form_e form = rts_form(e->rts, PDU_FROM_CLIENT);
    size_t i;

    /* A Destination names a proxy or the server: all of them are here. */
    if (e->rts->count && e->rts->command[0].type == RTS_DESTINATION &&
        e->rts->command[0].number == RTS_FD_CLIENT) {
        vconn_step_end(v, out, VCONN_PROTOCOL_ERROR,
                       "RTS PDU destined for the client");
        return;
    }
    for (i = 0; i < ROWS(running); i++) {
        if (running[i].channel == e->channel && running[i].form == form &&
            fits(running[i].in, v->in) && fits(running[i].out, v->out)) {
            v->peer_rts = 1;
            if (running[i].step(v, e, out)) {
                v->in = running[i].next_in == ANY
                            ? v->in
                            : (vconn_in_e)running[i].next_in;
                v->out = running[i].next_out == ANY
                             ? v->out
                             : (vconn_out_e)running[i].next_out;
            }
            return;
        }
    }
    vconn_step_end(v, out, VCONN_PROTOCOL_ERROR,
                   "RTS PDU of unknown form or at a wrong time");
}

static int same_identity(const vconn_identity_t *a, const vconn_identity_t *b)
{
    return strcmp(a->user, b->user) == 0 && strcmp(a->target, b->target) == 0 &&
           a->server == b->server;
}

static void on_recycle_join(vconn_t *v, const vconn_event_t *e,
                            vconn_actions_t *out)
{
    const hello_t *h = e->hello;
    int in = h->kind == HELLO_IN_NEXT;
    const rts_cookie_t *current = in ? &v->in_cookie : &v->out_cookie;

    if (v->state != VCONN_OPEN || !rts_cookie_same(&h->predecessor, current) ||
        rts_cookie_same(&h->channel, current)) {
        vconn_step_refuse(out, VCONN_PROTOCOL_ERROR,
                          "no such channel to replace");
    }
    else if (in && v->in == VCONN_IN_OPENED) {
        vconn_step_begin_in_recycle(v, e, out);
        v->in = VCONN_IN_A5W;
    }
    else if (!in && v->out == VCONN_OUT_A3W) {
        vconn_step_begin_out_switch(v, e, out);
        v->out = VCONN_OUT_A7C1W;
    }
    else {
        vconn_step_refuse(out, VCONN_PROTOCOL_ERROR,
                          "channel replaced at a wrong time");
    }
}

/* A newcomer that does not fit never harms what is there. */
static void on_join(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    hello_kind_e kind = e->hello->kind;

    if (!same_identity(&v->identity, e->identity)) {
        vconn_step_refuse(
            out, VCONN_ACCESS_DENIED,
            "user, target or virtual host differs from the other channel's");
    }
    else if (kind == HELLO_IN_NEXT || kind == HELLO_OUT_NEXT) {
        on_recycle_join(v, e, out);
    }
    else if (!run_setup(v, kind == HELLO_OUT ? ON_A1 : ON_B1, e, out)) {
        vconn_step_refuse(out, VCONN_PROTOCOL_ERROR, "channel exists already");
    }
}

static void on_pdu(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    if (e->channel != VCONN_IN) {
        vconn_step_end(v, out, VCONN_PROTOCOL_ERROR,
                       "RPC PDU on an OUT channel");
        return;
    }
    flow_receiver_received(&v->receiver, e->len);
    v->counts.pdus_up++;
    v->counts.bytes_up += e->len;
    vconn_step_act(out, VCONN_ACT_FORWARD);
}

/* Bytes of a replaced IN channel leave first and count for nobody. */
static void on_forwarded(vconn_t *v, const vconn_event_t *e,
                         vconn_actions_t *out)
{
    apr_size_t old =
        e->len < v->predecessor_held ? e->len : v->predecessor_held;

    v->predecessor_held -= old;
    flow_receiver_forwarded(&v->receiver, e->len - old);
    vconn_step_acknowledge_if_due(v, e, out);
}

/* Nothing more fits on OUT: its successor must come. */
static void await_successor(vconn_t *v, apr_time_t now)
{
    if (!v->out_recycle_at) {
        v->out_recycle_at = now + v->options.setup;
    }
}

static void hold(vconn_t *v, const vconn_event_t *e, int by_lifetime)
{
    v->held = e->len;
    if (by_lifetime) {
        await_successor(v, e->now);
    }
    else if (!v->sender.acked && !v->silent_at) {
        v->silent_at = e->now + SILENT_PEER;
    }
}

static void on_backend_pdu(vconn_t *v, const vconn_event_t *e,
                           vconn_actions_t *out)
{
    int lives = flow_lifetime_room(&v->lifetime, e->len);

    if (!vconn_step_out_usable(v) || !lives ||
        !flow_sender_room(&v->sender, e->len)) {
        hold(v, e, !lives);
        return;
    }
    v->held = 0;
    flow_sender_sent(&v->sender, e->len);
    flow_lifetime_spend(&v->lifetime, e->len);
    v->counts.pdus_down++;
    v->counts.bytes_down += e->len;
    v->last_out = e->now;
    vconn_step_act(out, VCONN_ACT_RELAY);
}

/* Asks the client for a new OUT channel in time (section 3.2.4.5.4). */
static void recycle_out_if_due(vconn_t *v, const vconn_event_t *e,
                               vconn_actions_t *out)
{
    int waits = v->held && !flow_lifetime_room(&v->lifetime, v->held);

    if (v->state == VCONN_OPEN && v->out == VCONN_OUT_OPENED &&
        (flow_lifetime_near_end(&v->lifetime) || waits)) {
        v->out = VCONN_OUT_A3W;
        vconn_step_send_form(v, e, out, RTS_OUT_R_A2);
    }
    /* Acknowledgements may have taken the room of the PDU that waits. */
    if (v->state == VCONN_OPEN && v->out == VCONN_OUT_A3W && waits) {
        await_successor(v, e->now);
    }
}

static void on_closed(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    static const char *const reasons[] = {
        [VCONN_IN] = "client closed the IN channel",
        [VCONN_OUT] = "client closed the OUT channel",
        [VCONN_OUT_NEXT] = "client closed the new OUT channel",
        [VCONN_BACKEND] = "back end closed the connection",
    };
    unsigned int code = v->state == VCONN_OPEN ? 0 : VCONN_CALL_FAILED;

    if (e->channel == VCONN_IN_NEXT) {
        vconn_step_drop_in_next(v, out);
    }
    else {
        vconn_step_end(v, out, code, reasons[e->channel]);
    }
}

static int passed(apr_time_t at, apr_time_t now)
{
    return at && now >= at;
}

static apr_time_t ping_at(const vconn_t *v)
{
    return v->options.ping && vconn_step_may_send_unasked(v)
               ? v->last_out + v->options.ping
               : 0;
}

static apr_time_t idle_at(const vconn_t *v)
{
    return v->options.idle && v->state == VCONN_OPEN
               ? v->last_in + v->options.idle
               : 0;
}

static void ping(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    if (vconn_step_out_has_room(v)) {
        vconn_step_send_form(v, e, out, RTS_PING);
        v->counts.pings_sent++;
    }
    else {
        v->last_out = e->now;
        await_successor(v, e->now);
    }
}

static void on_tick(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    if (passed(v->setup_at, e->now)) {
        vconn_step_end(v, out, VCONN_CALL_FAILED,
                       "the other channel did not come in time");
    }
    else if (passed(v->out_recycle_at, e->now)) {
        vconn_step_end(v, out, 0,
                       "client did not replace its OUT channel in time");
    }
    else if (passed(idle_at(v), e->now)) {
        vconn_step_end(v, out, 0, "client was silent for too long");
    }
    if (v->state == VCONN_ENDED) {
        return;
    }
    if (passed(v->in_recycle_at, e->now)) {
        vconn_step_drop_in_next(v, out);
    }
    if (passed(v->silent_at, e->now)) {
        v->silent_at = e->unsent ? e->now + SILENT_PEER : 0;
        if (!e->unsent && !v->sender.acked) {
            flow_sender_lift(&v->sender);
            v->silent_peer = 1;
        }
    }
    if (passed(ping_at(v), e->now)) {
        ping(v, e, out);
    }
}

static void on_backend_up(vconn_t *v, const vconn_event_t *e,
                          vconn_actions_t *out)
{
    run_setup(v, ON_BACKEND_UP, e, out);
}

/* Events that are right only while connecting, only while open, or always. */
static int event_fits(const vconn_t *v, const vconn_event_t *e)
{
    switch (e->type) {
    case VCONN_EV_BACKEND_UP:
    case VCONN_EV_BACKEND_FAILED:
        return v->state == VCONN_CONNECTING || v->state == VCONN_COMPLETING;
    case VCONN_EV_PDU:
    case VCONN_EV_RTS:
    case VCONN_EV_FORWARDED:
        return v->state == VCONN_OPEN;
    case VCONN_EV_CLOSED:
        return e->channel != VCONN_IN_NEXT || v->in == VCONN_IN_A5W;
    default:
        return v->state != VCONN_ENDED;
    }
}

static void dispatch(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    switch (e->type) {
    case VCONN_EV_JOIN:
        on_join(v, e, out);
        break;
    case VCONN_EV_BACKEND_UP:
        on_backend_up(v, e, out);
        break;
    case VCONN_EV_BACKEND_FAILED:
        vconn_step_end(v, out, VCONN_SERVER_UNAVAILABLE, e->why);
        break;
    case VCONN_EV_PDU:
        v->last_in = e->now;
        on_pdu(v, e, out);
        break;
    case VCONN_EV_RTS:
        v->last_in = e->now;
        on_rts(v, e, out);
        break;
    case VCONN_EV_FORWARDED:
        on_forwarded(v, e, out);
        break;
    case VCONN_EV_BACKEND_PDU:
        on_backend_pdu(v, e, out);
        break;
    case VCONN_EV_MALFORMED:
        vconn_step_end(v, out, VCONN_PROTOCOL_ERROR, e->why);
        break;
    case VCONN_EV_CLOSED:
        on_closed(v, e, out);
        break;
    case VCONN_EV_TICK:
        on_tick(v, e, out);
        break;
    default:
        vconn_step_end(v, out, VCONN_SERVER_UNAVAILABLE, e->why);
        break;
    }
}

void vconn_init(vconn_t *v, const rts_cookie_t *cookie,
                const vconn_identity_t *identity)
{
    memset(v, 0, sizeof(*v));
    v->cookie = *cookie;
    v->identity = *identity;
}

void vconn_handle(vconn_t *v, const vconn_event_t *event, vconn_actions_t *out)
{
    out->count = 0;
    if (v->state == VCONN_ENDED) {
        if (event->type == VCONN_EV_JOIN) {
            vconn_step_refuse(out, VCONN_CALL_FAILED,
                              "the connection has ended");
        }
        return;
    }
    if (!event_fits(v, event)) {
        return;
    }
    dispatch(v, event, out);
    recycle_out_if_due(v, event, out);
}

int vconn_reads(const vconn_t *v, vconn_channel_e channel)
{
    switch (channel) {
    case VCONN_IN:
        return v->state == VCONN_OPEN;
    case VCONN_OUT_NEXT:
        return v->state == VCONN_OPEN &&
               (v->out == VCONN_OUT_A7C1W || v->out == VCONN_OUT_C1W);
    case VCONN_BACKEND:
        return vconn_step_out_usable(v);
    default:
        return 0;
    }
}

int vconn_relays(const vconn_t *v)
{
    return vconn_step_out_usable(v) &&
           (!v->held || (flow_lifetime_room(&v->lifetime, v->held) &&
                         flow_sender_room(&v->sender, v->held)));
}

apr_time_t vconn_deadline(const vconn_t *v)
{
    const apr_time_t at[] = {v->setup_at,       v->silent_at, v->in_recycle_at,
                             v->out_recycle_at, ping_at(v),   idle_at(v)};
    apr_time_t first = 0;
    size_t i;

    if (v->state == VCONN_ENDED) {
        return 0;
    }
    for (i = 0; i < ROWS(at); i++) {
        if (at[i] && (!first || at[i] < first)) {
            first = at[i];
        }
    }
    return first;
}
