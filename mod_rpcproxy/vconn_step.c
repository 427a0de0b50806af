/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "vconn_step.h"

#define KEEPALIVE_DEFAULT_MS 300000u /* [MS-RPCH] section 2.2.3.5.6 */
#define KEEPALIVE_MIN_MS 60000u

vconn_action_t *vconn_step_act(vconn_actions_t *out, vconn_action_e type)
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
    vconn_step_act(out, type)->channel = channel;
}

void vconn_step_end(vconn_t *v, vconn_actions_t *out, unsigned int code,
                    const char *why)
{
    vconn_action_t *a = vconn_step_act(out, VCONN_ACT_END);

    v->state = VCONN_ENDED;
    a->code = code;
    a->why = why;
}

void vconn_step_refuse(vconn_actions_t *out, unsigned int code, const char *why)
{
    vconn_action_t *a = vconn_step_act(out, VCONN_ACT_REFUSE);

    a->code = code;
    a->why = why;
}

/* Sends `rts` on OUT; every byte of a body counts for its lifetime. */
static void send_rts(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out,
                     const rts_t *rts, rts_form_e form)
{
    vconn_action_t *a = vconn_step_act(out, VCONN_ACT_SEND);

    a->channel = VCONN_OUT;
    a->form = form;
    a->len = rts_write(rts, a->bytes, sizeof(a->bytes));
    flow_lifetime_spend(&v->lifetime, a->len);
    v->last_out = e->now;
}

void vconn_step_send_form(vconn_t *v, const vconn_event_t *e,
                          vconn_actions_t *out, rts_form_e form)
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
int vconn_step_out_usable(const vconn_t *v)
{
    return v->state == VCONN_OPEN && v->out != VCONN_OUT_C1W;
}

int vconn_step_may_send_unasked(const vconn_t *v)
{
    return vconn_step_out_usable(v) && (!v->options.quiet || v->peer_rts);
}

/* The end of an OUT channel is kept for the PDUs that replace it. */
int vconn_step_out_has_room(const vconn_t *v)
{
    return vconn_step_out_usable(v) &&
           flow_lifetime_room(&v->lifetime, RTS_WRITE_MAX);
}

/* Tells the client how far its IN channel was read (section 3.2.1.1.5.1). */
void vconn_step_acknowledge_if_due(vconn_t *v, const vconn_event_t *e,
                                   vconn_actions_t *out)
{
    rts_t rts;

    if (!flow_receiver_ack_due(&v->receiver) ||
        !vconn_step_may_send_unasked(v) || !vconn_step_out_has_room(v)) {
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
    vconn_step_act(out, VCONN_ACT_CONNECT);
}

int vconn_step_join_out(vconn_t *v, const vconn_event_t *e,
                        vconn_actions_t *out)
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

int vconn_step_join_in(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
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
    vconn_step_act(out, VCONN_ACT_KEEPALIVE)->code = v->keepalive;
}

static void open_up(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    flow_receiver_init(&v->receiver, v->options.receive_window);
    v->setup_at = 0;
    v->last_in = e->now;
    vconn_step_send_form(v, e, out, RTS_CONN_C2);
    set_keepalive(v, out);
}

int vconn_step_answer_out(vconn_t *v, const vconn_event_t *e,
                          vconn_actions_t *out)
{
    act_on(out, VCONN_ACT_RESPOND, VCONN_OUT);
    vconn_step_send_form(v, e, out, RTS_CONN_A3);
    return 1;
}

int vconn_step_answer_and_open(vconn_t *v, const vconn_event_t *e,
                               vconn_actions_t *out)
{
    vconn_step_answer_out(v, e, out);
    open_up(v, e, out);
    return 1;
}

int vconn_step_join_in_and_open(vconn_t *v, const vconn_event_t *e,
                                vconn_actions_t *out)
{
    vconn_step_join_in(v, e, out);
    open_up(v, e, out);
    return 1;
}

/* Recycling of IN (sections 3.2.3.5.5 to 3.2.3.5.7): nothing of the new
 * channel is read until A5 has come on the old one. */

int vconn_step_begin_in_recycle(vconn_t *v, const vconn_event_t *e,
                                vconn_actions_t *out)
{
    v->in_next_cookie = e->hello->channel;
    v->in_recycle_at = e->now + v->options.setup;
    v->peer_rts = 1;
    act_on(out, VCONN_ACT_ADOPT, VCONN_IN_NEXT);
    if (vconn_step_out_has_room(v)) {
        vconn_step_send_form(v, e, out, RTS_IN_R2_A4);
    }
    else {
        v->a4_due = 1;
    }
    return 1;
}

void vconn_step_drop_in_next(vconn_t *v, vconn_actions_t *out)
{
    act_on(out, VCONN_ACT_CLOSE, VCONN_IN_NEXT);
    v->in = VCONN_IN_OPENED;
    v->in_recycle_at = 0;
    v->a4_due = 0;
}

int vconn_step_finish_in_recycle(vconn_t *v, const vconn_event_t *e,
                                 vconn_actions_t *out)
{
    if (!rts_cookie_same(&e->rts->command[0].cookie, &v->in_next_cookie)) {
        vconn_step_drop_in_next(v, out);
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

int vconn_step_begin_out_switch(vconn_t *v, const vconn_event_t *e,
                                vconn_actions_t *out)
{
    v->out_next_cookie = e->hello->channel;
    v->out_next_window = e->hello->window;
    v->out_recycle_at = e->now + v->options.setup;
    act_on(out, VCONN_ACT_ADOPT, VCONN_OUT_NEXT);
    vconn_step_send_form(v, e, out, RTS_OUT_R2_A6);
    return 1;
}

/* A7 names the successor. */
static int a7_is_right(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    if (rts_cookie_same(&e->rts->command[1].cookie, &v->out_next_cookie)) {
        return 1;
    }
    vconn_step_end(v, out, VCONN_PROTOCOL_ERROR,
                   "OUT_R/A7 with a wrong cookie");
    return 0;
}

static void leave_old_out(vconn_t *v, const vconn_event_t *e,
                          vconn_actions_t *out)
{
    vconn_step_send_form(v, e, out, RTS_OUT_R2_B3);
    act_on(out, VCONN_ACT_CLOSE, VCONN_OUT);
}

int vconn_step_enter_new_out(vconn_t *v, const vconn_event_t *e,
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
        vconn_step_send_form(v, e, out, RTS_IN_R2_A4);
    }
    vconn_step_acknowledge_if_due(v, e, out);
    return 1;
}

int vconn_step_take_a7(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    if (!a7_is_right(v, e, out)) {
        return 0;
    }
    leave_old_out(v, e, out);
    return 1;
}

int vconn_step_take_a7_last(vconn_t *v, const vconn_event_t *e,
                            vconn_actions_t *out)
{
    return vconn_step_take_a7(v, e, out) && vconn_step_enter_new_out(v, e, out);
}

int vconn_step_take_c1(vconn_t *v, const vconn_event_t *e, vconn_actions_t *out)
{
    (void)v;
    (void)e;
    (void)out;
    return 1;
}

/* RTS PDUs that come at any time on IN. */

int vconn_step_take_ping(vconn_t *v, const vconn_event_t *e,
                         vconn_actions_t *out)
{
    (void)e;
    (void)out;
    v->counts.pings_received++;
    return 1;
}

int vconn_step_take_keepalive(vconn_t *v, const vconn_event_t *e,
                              vconn_actions_t *out)
{
    v->keepalive = keepalive_seconds(e->rts->command[0].number);
    set_keepalive(v, out);
    return 1;
}

int vconn_step_take_ack(vconn_t *v, const vconn_event_t *e,
                        vconn_actions_t *out)
{
    const rts_command_t *c = &e->rts->command[e->rts->count - 1];
    const char *why = NULL;

    v->counts.acks_received++;
    /* One for a predecessor is late, not wrong. */
    if (!rts_cookie_same(&c->cookie, &v->out_cookie)) {
        return 1;
    }
    if (flow_sender_ack(&v->sender, c->number, c->window, &why)) {
        vconn_step_end(v, out, VCONN_PROTOCOL_ERROR, why);
        return 0;
    }
    v->silent_at = 0;
    return 1;
}
