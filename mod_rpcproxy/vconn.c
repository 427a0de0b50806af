/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "vconn.h"

#include <string.h>

/* How long a full window may stand, with everything taken off our hands by the
 * client's TCP, before a peer that never acknowledged counts as one that does
 * not know how. */
#define SILENT_PEER apr_time_from_msec(500)
#define KEEPALIVE_DEFAULT_MS 300000u /* [MS-RPCH] section 2.2.3.5.6 */
#define KEEPALIVE_MIN_MS 60000u

#define ANY (-1)

/* Does what a transition does; 1 to take it, 0 to stay in the state. */
typedef int step_fn(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out);

static vconn_action_t *act(vconn_actions_t *out, vconn_action_e type)
{
    vconn_action_t *a;

    if (out->count == VCONN_ACTIONS_MAX) {
        return &out->action[VCONN_ACTIONS_MAX - 1];
    }
    a = &out->action[out->count++];
    a->type = type;
    a->code = 0;
    a->why = NULL;
    a->len = 0;
    return a;
}

static void act_on(vconn_actions_t *out, vconn_action_e type,
                   vconn_channel_e channel)
{
    act(out, type)->channel = channel;
}

static void end(vconn_t *v, vconn_actions_t *out, unsigned int code,
                const char *why)
{
    vconn_action_t *a = act(out, VCONN_ACT_END);

    v->state = VCONN_ENDED;
    a->code = code;
    a->why = why;
}

static void refuse(vconn_actions_t *out, unsigned int code, const char *why)
{
    vconn_action_t *a = act(out, VCONN_ACT_REFUSE);

    a->code = code;
    a->why = why;
}

/* Sends `rts` on OUT; every byte of a body counts for its lifetime. */
static void send_rts(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out,
                     const rts_t *rts, rts_form_e form)
{
    vconn_action_t *a = act(out, VCONN_ACT_SEND);

    a->channel = VCONN_OUT;
    a->form = form;
    a->len = rts_write(rts, a->bytes, sizeof(a->bytes));
    flow_lifetime_spend(&v->lifetime, a->len);
    v->last_out = e->now;
}

static void send_form(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out,
                      rts_form_e form)
{
    rts_t rts;
    int i;

    rts_init(&rts, form);
    for (i = 0; i < rts.count; i++) {
        rts_command_t *c = &rts.command[i];

        if (c->type == RTS_CONNECTION_TIMEOUT) {
            c->number = v->options.connection_timeout;
        }
        else if (c->type == RTS_RECEIVE_WINDOW_SIZE) {
            c->number = v->options.receive_window;
        }
        else if (c->type == RTS_DESTINATION) {
            c->number = RTS_FD_CLIENT;
        }
    }
    send_rts(v, e, out, &rts, form);
}

/* OUT takes PDUs in every state but the gap between its two instances. */
static int out_usable(const vconn_t *v)
{
    return v->state == VCONN_OPEN && v->out != VCONN_OUT_C1W;
}

static int may_send_unasked(const vconn_t *v)
{
    return out_usable(v) && (!v->options.quiet || v->peer_rts);
}

/* The end of an OUT channel is kept for the PDUs that replace it. */
static int out_has_room(const vconn_t *v)
{
    return out_usable(v) && flow_lifetime_room(&v->lifetime, RTS_WRITE_MAX);
}

/* Tells the client how far its IN channel was read (section 3.2.1.1.5.1). */
static void acknowledge_if_due(vconn_t *v, const vconn_event_t *e,
                               vconn_actions_t *out)
{
    rts_t rts;

    if (!flow_receiver_ack_due(&v->receiver) || !may_send_unasked(v) ||
        !out_has_room(v)) {
        return;
    }
    rts_init(&rts, RTS_FLOW_ACK_DESTINATION);
    rts.command[0].number = RTS_FD_CLIENT;
    rts.command[1].number = v->receiver.received;
    rts.command[1].window = flow_receiver_ack(&v->receiver);
    rts.command[1].cookie = v->in_cookie;
    send_rts(v, e, out, &rts, RTS_FLOW_ACK_DESTINATION);
    v->counts.acks_sent++;
}

/* Set-up (sections 3.2.3.5.3, 3.2.4.5.3). */

static void adopt_out(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    v->out_cookie = e->hello->channel;
    v->options = *e->options;
    flow_sender_init(&v->sender, e->hello->window);
    flow_lifetime_init(&v->lifetime, v->options.lifetime);
    act_on(out, VCONN_ACT_ADOPT, VCONN_OUT);
    act(out, VCONN_ACT_CONNECT);
}

static int join_out(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    adopt_out(v, e, out);
    if (!v->setup_at) {
        v->setup_at = e->now + v->options.setup;
    }
    return 1;
}

static apr_uint32_t keepalive_seconds(apr_uint32_t ms)
{
    if (ms == 0) {
        ms = KEEPALIVE_DEFAULT_MS;
    }
    return (ms < KEEPALIVE_MIN_MS ? KEEPALIVE_MIN_MS : ms) / 1000;
}

static int join_in(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    v->in_cookie = e->hello->channel;
    v->keepalive = keepalive_seconds(e->hello->keepalive);
    act_on(out, VCONN_ACT_ADOPT, VCONN_IN);
    if (v->state == VCONN_NEW) {
        v->options = *e->options;
        v->setup_at = e->now + v->options.setup;
    }
    return 1;
}

static void set_keepalive(vconn_t *v, vconn_actions_t *out)
{
    act(out, VCONN_ACT_KEEPALIVE)->code = v->keepalive;
}

static void open_up(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    flow_receiver_init(&v->receiver, v->options.receive_window);
    v->setup_at = 0;
    v->last_in = e->now;
    send_form(v, e, out, RTS_CONN_C2);
    set_keepalive(v, out);
}

static int answer_out(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    act_on(out, VCONN_ACT_RESPOND, VCONN_OUT);
    send_form(v, e, out, RTS_CONN_A3);
    return 1;
}

static int answer_and_open(vconn_t *v, const vconn_event_t *e,
                           vconn_actions_t *out)
{
    answer_out(v, e, out);
    open_up(v, e, out);
    return 1;
}

static int join_in_and_open(vconn_t *v, const vconn_event_t *e,
                            vconn_actions_t *out)
{
    join_in(v, e, out);
    open_up(v, e, out);
    return 1;
}

/* Recycling of IN (sections 3.2.3.5.5 to 3.2.3.5.7): nothing of the new
 * channel is read until A5 has come on the old one. */

static int begin_in_recycle(vconn_t *v, const vconn_event_t *e,
                            vconn_actions_t *out)
{
    v->in_next_cookie = e->hello->channel;
    v->in_recycle_at = e->now + v->options.setup;
    v->peer_rts = 1;
    act_on(out, VCONN_ACT_ADOPT, VCONN_IN_NEXT);
    if (out_has_room(v)) {
        send_form(v, e, out, RTS_IN_R2_A4);
    }
    else {
        v->a4_due = 1;
    }
    return 1;
}

static void drop_in_next(vconn_t *v, vconn_actions_t *out)
{
    act_on(out, VCONN_ACT_CLOSE, VCONN_IN_NEXT);
    v->in = VCONN_IN_OPENED;
    v->in_recycle_at = 0;
    v->a4_due = 0;
}

static int finish_in_recycle(vconn_t *v, const vconn_event_t *e,
                             vconn_actions_t *out)
{
    if (!rts_cookie_same(&e->rts->command[0].cookie, &v->in_next_cookie)) {
        drop_in_next(v, out);
        return 0;
    }
    act_on(out, VCONN_ACT_CLOSE, VCONN_IN);
    act_on(out, VCONN_ACT_SUCCEED, VCONN_IN);
    v->in_cookie = v->in_next_cookie;
    v->in_recycle_at = 0;
    v->a4_due = 0;
    v->predecessor_held += v->receiver.held;
    flow_receiver_init(&v->receiver, v->options.receive_window);
    v->counts.in_recycles++;
    return 1;
}

/* Recycling of OUT, form R2 (sections 3.2.4.5.4 to 3.2.4.5.10). */

static int begin_out_switch(vconn_t *v, const vconn_event_t *e,
                            vconn_actions_t *out)
{
    v->out_next_cookie = e->hello->channel;
    v->out_next_window = e->hello->window;
    v->out_recycle_at = e->now + v->options.setup;
    act_on(out, VCONN_ACT_ADOPT, VCONN_OUT_NEXT);
    send_form(v, e, out, RTS_OUT_R2_A6);
    return 1;
}

/* A7 names the successor. */
static int a7_is_right(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    if (rts_cookie_same(&e->rts->command[1].cookie, &v->out_next_cookie)) {
        return 1;
    }
    end(v, out, VCONN_PROTOCOL_ERROR, "OUT_R/A7 with a wrong cookie");
    return 0;
}

static void leave_old_out(vconn_t *v, const vconn_event_t *e,
                          vconn_actions_t *out)
{
    send_form(v, e, out, RTS_OUT_R2_B3);
    act_on(out, VCONN_ACT_CLOSE, VCONN_OUT);
}

static int enter_new_out(vconn_t *v, const vconn_event_t *e,
                         vconn_actions_t *out)
{
    act_on(out, VCONN_ACT_SUCCEED, VCONN_OUT);
    act_on(out, VCONN_ACT_RESPOND, VCONN_OUT);
    v->out = VCONN_OUT_OPENED;
    v->out_cookie = v->out_next_cookie;
    v->out_recycle_at = 0;
    v->silent_at = 0;
    flow_sender_init(&v->sender, v->out_next_window);
    flow_lifetime_init(&v->lifetime, v->options.lifetime);
    v->counts.out_recycles++;
    if (v->a4_due) {
        v->a4_due = 0;
        send_form(v, e, out, RTS_IN_R2_A4);
    }
    acknowledge_if_due(v, e, out);
    return 1;
}

static int take_a7(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    if (!a7_is_right(v, e, out)) {
        return 0;
    }
    leave_old_out(v, e, out);
    return 1;
}

static int take_a7_last(vconn_t *v, const vconn_event_t *e,
                        vconn_actions_t *out)
{
    return take_a7(v, e, out) && enter_new_out(v, e, out);
}

static int take_c1(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    (void)v;
    (void)e;
    (void)out;
    return 1;
}

/* RTS PDUs that come at any time on IN. */

static int take_ping(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    (void)e;
    (void)out;
    v->counts.pings_received++;
    return 1;
}

static int take_keepalive(vconn_t *v, const vconn_event_t *e,
                          vconn_actions_t *out)
{
    v->keepalive = keepalive_seconds(e->rts->command[0].number);
    set_keepalive(v, out);
    return 1;
}

static int take_ack(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    const rts_command_t *c = &e->rts->command[e->rts->count - 1];
    const char *why = NULL;

    v->counts.acks_received++;
    /* One for a predecessor is late, not wrong. */
    if (!rts_cookie_same(&c->cookie, &v->out_cookie)) {
        return 1;
    }
    if (flow_sender_ack(&v->sender, c->number, c->window, &why)) {
        end(v, out, VCONN_PROTOCOL_ERROR, why);
        return 0;
    }
    v->silent_at = 0;
    return 1;
}

/* The tables. */
/* clang-format off */
typedef enum trigger_e { ON_A1, ON_B1, ON_BACKEND_UP } trigger_e;

static const struct {
    vconn_state_e state;
    trigger_e trigger;
    vconn_state_e next;
    step_fn *step;
} setup[] = {
    {VCONN_NEW,        ON_A1,         VCONN_CONNECTING, join_out},
    {VCONN_NEW,        ON_B1,         VCONN_WAIT_A1,    join_in},
    {VCONN_WAIT_A1,    ON_A1,         VCONN_COMPLETING, join_out},
    {VCONN_CONNECTING, ON_B1,         VCONN_COMPLETING, join_in},
    {VCONN_CONNECTING, ON_BACKEND_UP, VCONN_WAIT_B1,    answer_out},
    {VCONN_COMPLETING, ON_BACKEND_UP, VCONN_OPEN,       answer_and_open},
    {VCONN_WAIT_B1,    ON_B1,         VCONN_OPEN,       join_in_and_open},
};

/* RTS PDUs of an open connection.  in and out: the states in which the PDU is
 * right; next_in and next_out: the states after it (ANY: unchanged). */
static const struct {
    vconn_channel_e channel;
    rts_form_e form;
    int in, out, next_in, next_out;
    step_fn *step;
} running[] = {
    {VCONN_IN, RTS_PING,                 ANY, ANY, ANY, ANY, take_ping},
    {VCONN_IN, RTS_KEEP_ALIVE,           ANY, ANY, ANY, ANY, take_keepalive},
    {VCONN_IN, RTS_FLOW_ACK,             ANY, ANY, ANY, ANY, take_ack},
    {VCONN_IN, RTS_FLOW_ACK_DESTINATION, ANY, ANY, ANY, ANY, take_ack},
    {VCONN_IN, RTS_IN_R_A5,   VCONN_IN_A5W, ANY, VCONN_IN_OPENED, ANY, finish_in_recycle},
    {VCONN_IN, RTS_OUT_R1_A7, ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_C1W,    take_a7},
    {VCONN_IN, RTS_OUT_R2_A7, ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_C1W,    take_a7},
    {VCONN_IN, RTS_OUT_R1_A7, ANY, VCONN_OUT_A7W,   ANY, VCONN_OUT_OPENED, take_a7_last},
    {VCONN_IN, RTS_OUT_R2_A7, ANY, VCONN_OUT_A7W,   ANY, VCONN_OUT_OPENED, take_a7_last},
    {VCONN_OUT_NEXT, RTS_OUT_R2_C1,         ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_A7W,    take_c1},
    {VCONN_OUT_NEXT, RTS_OUT_R2_C1_PADDING, ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_A7W,    take_c1},
    {VCONN_OUT_NEXT, RTS_OUT_R1_A11,        ANY, VCONN_OUT_A7C1W, ANY, VCONN_OUT_A7W,    take_c1},
    {VCONN_OUT_NEXT, RTS_OUT_R2_C1,         ANY, VCONN_OUT_C1W,   ANY, VCONN_OUT_OPENED, enter_new_out},
    {VCONN_OUT_NEXT, RTS_OUT_R2_C1_PADDING, ANY, VCONN_OUT_C1W,   ANY, VCONN_OUT_OPENED, enter_new_out},
    {VCONN_OUT_NEXT, RTS_OUT_R1_A11,        ANY, VCONN_OUT_C1W,   ANY, VCONN_OUT_OPENED, enter_new_out},
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
        end(v, out, VCONN_PROTOCOL_ERROR, "RTS PDU destined for the client");
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
    end(v, out, VCONN_PROTOCOL_ERROR,
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
        refuse(out, VCONN_PROTOCOL_ERROR, "no such channel to replace");
    }
    else if (in && v->in == VCONN_IN_OPENED) {
        begin_in_recycle(v, e, out);
        v->in = VCONN_IN_A5W;
    }
    else if (!in && v->out == VCONN_OUT_A3W) {
        begin_out_switch(v, e, out);
        v->out = VCONN_OUT_A7C1W;
    }
    else {
        refuse(out, VCONN_PROTOCOL_ERROR, "channel replaced at a wrong time");
    }
}

/* A newcomer that does not fit never harms what is there. */
static void on_join(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    hello_kind_e kind = e->hello->kind;

    if (!same_identity(&v->identity, e->identity)) {
        refuse(out, VCONN_ACCESS_DENIED,
               "user, target or virtual host differs from the other channel's");
    }
    else if (kind == HELLO_IN_NEXT || kind == HELLO_OUT_NEXT) {
        on_recycle_join(v, e, out);
    }
    else if (!run_setup(v, kind == HELLO_OUT ? ON_A1 : ON_B1, e, out)) {
        refuse(out, VCONN_PROTOCOL_ERROR, "channel exists already");
    }
}

static void on_pdu(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    if (e->channel != VCONN_IN) {
        end(v, out, VCONN_PROTOCOL_ERROR, "RPC PDU on an OUT channel");
        return;
    }
    flow_receiver_received(&v->receiver, e->len);
    v->counts.pdus_up++;
    v->counts.bytes_up += e->len;
    act(out, VCONN_ACT_FORWARD);
}

/* Bytes of a replaced IN channel leave first and count for nobody. */
static void on_forwarded(vconn_t *v, const vconn_event_t *e,
                         vconn_actions_t *out)
{
    apr_size_t old =
        e->len < v->predecessor_held ? e->len : v->predecessor_held;

    v->predecessor_held -= old;
    flow_receiver_forwarded(&v->receiver, e->len - old);
    acknowledge_if_due(v, e, out);
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
        if (!v->out_recycle_at) {
            v->out_recycle_at = e->now + v->options.setup;
        }
    }
    else if (!v->sender.acked && !v->silent_at) {
        v->silent_at = e->now + SILENT_PEER;
    }
}

static void on_backend_pdu(vconn_t *v, const vconn_event_t *e,
                           vconn_actions_t *out)
{
    int lives = flow_lifetime_room(&v->lifetime, e->len);

    if (!out_usable(v) || !lives || !flow_sender_room(&v->sender, e->len)) {
        hold(v, e, !lives);
        return;
    }
    v->held = 0;
    flow_sender_sent(&v->sender, e->len);
    flow_lifetime_spend(&v->lifetime, e->len);
    v->counts.pdus_down++;
    v->counts.bytes_down += e->len;
    v->last_out = e->now;
    act(out, VCONN_ACT_RELAY);
}

/* Asks the client for a new OUT channel in time (section 3.2.4.5.4). */
static void recycle_out_if_due(vconn_t *v, const vconn_event_t *e,
                               vconn_actions_t *out)
{
    if (v->state == VCONN_OPEN && v->out == VCONN_OUT_OPENED &&
        (flow_lifetime_near_end(&v->lifetime) ||
         (v->held && !flow_lifetime_room(&v->lifetime, v->held)))) {
        v->out = VCONN_OUT_A3W;
        send_form(v, e, out, RTS_OUT_R_A2);
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
        drop_in_next(v, out);
    }
    else {
        end(v, out, code, reasons[e->channel]);
    }
}

static int passed(apr_time_t at, apr_time_t now)
{
    return at && now >= at;
}

static apr_time_t ping_at(const vconn_t *v)
{
    return v->options.ping && may_send_unasked(v)
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
    if (out_has_room(v)) {
        send_form(v, e, out, RTS_PING);
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
        end(v, out, VCONN_CALL_FAILED,
            "the other channel did not come in time");
    }
    else if (passed(v->out_recycle_at, e->now)) {
        end(v, out, 0, "client did not replace its OUT channel in time");
    }
    else if (passed(idle_at(v), e->now)) {
        end(v, out, 0, "client was silent for too long");
    }
    if (v->state == VCONN_ENDED) {
        return;
    }
    if (passed(v->in_recycle_at, e->now)) {
        drop_in_next(v, out);
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
        end(v, out, VCONN_SERVER_UNAVAILABLE, e->why);
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
        end(v, out, VCONN_PROTOCOL_ERROR, e->why);
        break;
    case VCONN_EV_CLOSED:
        on_closed(v, e, out);
        break;
    case VCONN_EV_TICK:
        on_tick(v, e, out);
        break;
    default:
        end(v, out, VCONN_SERVER_UNAVAILABLE, e->why);
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
            refuse(out, VCONN_CALL_FAILED, "the connection has ended");
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
        return out_usable(v);
    default:
        return 0;
    }
}

int vconn_relays(const vconn_t *v)
{
    return out_usable(v) &&
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
