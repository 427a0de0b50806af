/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* One virtual connection as the poller sees it: gives events to vconn, does
 * what it says, and waits for the right things.  Bytes are moved by
 * mod_rpcproxy_stream.c. */

#include "mod_rpcproxy_relay.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

APLOG_USE_MODULE(rpcproxy);

vconn_event_t rpcproxy_tunnel_event(const rpcproxy_tunnel_t *t,
                                    vconn_event_e type, vconn_channel_e channel)
{
    vconn_event_t e = {0};

    e.type = type;
    e.channel = channel;
    e.now = t->poller->now;
    return e;
}

static void trace_sent(const rpcproxy_tunnel_t *t, const vconn_action_t *a)
{
    pdu_header_t h = {0};

    h.type = PDU_RTS;
    rpcproxy_log_pdu(t, "to client", &h, rts_form_name(a->form), a->bytes,
                     a->len);
}

/* Everything that goes out on OUT. */
void rpcproxy_tunnel_write(rpcproxy_tunnel_t *t, const void *bytes,
                           apr_size_t len)
{
    rpcproxy_chan_t *chan = t->chan[VCONN_OUT];

    if (chan && !chan->broken && len) {
        chan->ops->write(chan, bytes, len);
    }
}

static void note_end(rpcproxy_tunnel_t *t, unsigned int code, const char *why)
{
    t->ended = 1;
    t->end_code = code;
    t->end_why = why;
}

/* The successor takes its place; what was read of the old IN is void. */
static void succeed(rpcproxy_tunnel_t *t, vconn_channel_e channel)
{
    vconn_channel_e next = channel == VCONN_IN ? VCONN_IN_NEXT : VCONN_OUT_NEXT;

    t->chan[channel] = t->chan[next];
    t->chan[next] = NULL;
    if (t->chan[channel]) {
        t->chan[channel]->role = channel;
    }
    if (channel == VCONN_IN) {
        rpcproxy_held_keep(&t->up, NULL, 0);
        t->reading[channel] = 0;
    }
}

static void close_channel(rpcproxy_tunnel_t *t, vconn_channel_e channel,
                          unsigned int code)
{
    rpcproxy_chan_t *chan = t->chan[channel];

    t->chan[channel] = NULL;
    if (chan) {
        chan->tunnel = NULL;
        chan->ops->finish(chan, code);
    }
}

static void adopt(rpcproxy_tunnel_t *t, vconn_channel_e role)
{
    t->newcomer->tunnel = t;
    t->newcomer->role = role;
    t->chan[role] = t->newcomer;
}

static void refuse_newcomer(rpcproxy_tunnel_t *t, const vconn_action_t *a)
{
    rpcproxy_chan_t *chan = t->newcomer;

    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, chan->server,
                 PN(13051) "%s channel of %s from %s for %s refused: %s",
                 chan->out ? "OUT" : "IN", chan->identity.user, chan->client,
                 chan->identity.target, a->why);
    chan->ops->finish(chan, a->code);
}

static void respond(rpcproxy_tunnel_t *t)
{
    rpcproxy_chan_t *chan = t->chan[VCONN_OUT];

    if (chan) {
        if (chan->r) {
            rpcproxy_success(chan->r, chan->options.lifetime);
        }
        chan->answered = 1;
        /* A header alone must reach a successor's client too. */
        chan->ops->write(chan, "", 0);
    }
}

/* One action that needs no PDU of the event. */
void rpcproxy_tunnel_apply(rpcproxy_tunnel_t *t, const vconn_action_t *a)
{
    switch (a->type) {
    case VCONN_ACT_ADOPT:
        adopt(t, a->channel);
        break;
    case VCONN_ACT_REFUSE:
        refuse_newcomer(t, a);
        break;
    case VCONN_ACT_CONNECT:
        rpcproxy_connect_start(&t->backend, t->newcomer);
        break;
    case VCONN_ACT_RESPOND:
        respond(t);
        break;
    case VCONN_ACT_SEND:
        trace_sent(t, a);
        rpcproxy_tunnel_write(t, a->bytes, a->len);
        break;
    case VCONN_ACT_CLOSE:
        close_channel(t, a->channel, 0);
        break;
    case VCONN_ACT_SUCCEED:
        succeed(t, a->channel);
        break;
    case VCONN_ACT_KEEPALIVE:
        rpcproxy_backend_keepalive(&t->backend, a->code);
        break;
    case VCONN_ACT_END:
        note_end(t, a->code, a->why);
        break;
    default:
        break;
    }
}

void rpcproxy_tunnel_handle(rpcproxy_tunnel_t *t, vconn_event_t *event)
{
    vconn_actions_t actions;
    int i;

    vconn_handle(&t->vconn, event, &actions);
    for (i = 0; i < actions.count; i++) {
        rpcproxy_tunnel_apply(t, &actions.action[i]);
    }
    if (!t->opened && t->vconn.state == VCONN_OPEN) {
        t->opened = 1;
        rpcproxy_limits_opened();
        rpcproxy_log_open(t);
    }
}

void rpcproxy_tunnel_forwarded(rpcproxy_tunnel_t *t, apr_size_t len)
{
    vconn_event_t e =
        rpcproxy_tunnel_event(t, VCONN_EV_FORWARDED, VCONN_BACKEND);

    e.len = len;
    rpcproxy_tunnel_handle(t, &e);
}

void rpcproxy_tunnel_malformed(rpcproxy_tunnel_t *t, vconn_channel_e channel,
                               const char *why)
{
    vconn_event_t e = rpcproxy_tunnel_event(t, VCONN_EV_MALFORMED, channel);

    e.why = why;
    rpcproxy_tunnel_handle(t, &e);
}

void rpcproxy_tunnel_closed(rpcproxy_tunnel_t *t, vconn_channel_e channel)
{
    vconn_event_t e = rpcproxy_tunnel_event(t, VCONN_EV_CLOSED, channel);

    rpcproxy_tunnel_handle(t, &e);
}

/* The end, and waiting. */

static void destroy(rpcproxy_tunnel_t *t)
{
    int i;

    rpcproxy_log_close(t);
    for (i = 0; i < VCONN_CHANNELS; i++) {
        close_channel(t, (vconn_channel_e)i, t->end_code);
    }
    rpcproxy_backend_close(&t->backend);
    rpcproxy_poller_timer(t->poller, &t->timer, 0);
    rpcproxy_held_keep(&t->up, NULL, 0);
    rpcproxy_held_keep(&t->up_next, NULL, 0);
    rpcproxy_held_keep(&t->down, NULL, 0);
    rpcproxy_vconns_remove(t);
    free(t);
}

static void run_again(rpcproxy_task_t *task)
{
    rpcproxy_tunnel_t *t =
        (rpcproxy_tunnel_t *)((char *)task -
                              offsetof(rpcproxy_tunnel_t, again));

    if (t->ended) {
        destroy(t);
        return;
    }
    rpcproxy_stream_successor(t);
    rpcproxy_stream_up(t);
    rpcproxy_stream_down(t);
    rpcproxy_tunnel_settle(t);
}

static void on_timer(rpcproxy_timer_t *timer)
{
    rpcproxy_tunnel_t *t =
        (rpcproxy_tunnel_t *)((char *)timer -
                              offsetof(rpcproxy_tunnel_t, timer));
    vconn_event_t e = rpcproxy_tunnel_event(t, VCONN_EV_TICK, VCONN_OUT);
    rpcproxy_chan_t *out = t->chan[VCONN_OUT];

    e.unsent = out && out->answered ? out->ops->unsent(out) : 0;
    rpcproxy_tunnel_handle(t, &e);
    if (t->partial_at && t->poller->now >= t->partial_at && !t->ended) {
        rpcproxy_tunnel_malformed(t, VCONN_IN,
                                  "the rest of a PDU did not come in time");
    }
    rpcproxy_rest_look(t);
    rpcproxy_stream_down(t);
    rpcproxy_tunnel_settle(t);
}

static void notice_broken(rpcproxy_tunnel_t *t)
{
    int i;

    for (i = 0; i < VCONN_CHANNELS && !t->ended; i++) {
        if (t->chan[i] && t->chan[i]->broken) {
            rpcproxy_tunnel_closed(t, (vconn_channel_e)i);
        }
    }
}

static void wait_for_channels(rpcproxy_tunnel_t *t)
{
    int i;

    for (i = 0; i < VCONN_CHANNELS; i++) {
        rpcproxy_chan_t *chan = t->chan[i];

        if (chan) {
            chan->ops->watch(chan,
                             rpcproxy_stream_may_read(t, (vconn_channel_e)i));
        }
    }
}

static void wait_for_backend(rpcproxy_tunnel_t *t)
{
    apr_uint32_t events = 0;

    if (!t->backend.connected) {
        return;
    }
    if (!t->down_ready && rpcproxy_stream_takes_backend(t)) {
        events |= EPOLLIN;
    }
    if (t->backend.unsent.len) {
        events |= EPOLLOUT;
    }
    /* It may go while it is not read. */
    if (!(events & EPOLLIN) && !t->rest.at) {
        events |= EPOLLRDHUP;
    }
    /* EPOLLERR and EPOLLHUP come unasked, but not with an empty set. */
    rpcproxy_poller_watch(t->poller, &t->backend.watch,
                          events ? events : EPOLLPRI);
}

/* 1 when a channel may be read that could not be before: what it sent meanwhile
 * may stand in a filter already, where it wakes nobody. */
static int newly_read(rpcproxy_tunnel_t *t)
{
    int i, any = 0;

    for (i = 0; i < VCONN_CHANNELS; i++) {
        int reads = rpcproxy_stream_may_read(t, (vconn_channel_e)i);

        any |= reads && !t->reading[i];
        t->reading[i] = reads;
    }
    return any;
}

/* Half a PDU of the client may stand for a while, unless we are the ones who
 * do not read. */
static apr_time_t deadline(rpcproxy_tunnel_t *t)
{
    apr_time_t at = vconn_deadline(&t->vconn);

    if (t->rest.at && (!at || t->rest.at < at)) {
        at = t->rest.at;
    }
    if (!t->up.len || t->backend.unsent.len) {
        t->partial_at = 0;
        return at;
    }
    if (!t->partial_at) {
        t->partial_at = t->poller->now + t->partial_time;
    }
    return at && at < t->partial_at ? at : t->partial_at;
}

void rpcproxy_tunnel_settle(rpcproxy_tunnel_t *t)
{
    notice_broken(t);
    rpcproxy_limits_tell_much(t);
    if (t->ended) {
        rpcproxy_poller_defer(t->poller, &t->again);
        return;
    }
    if (newly_read(t) || (t->down_ready && rpcproxy_stream_takes_backend(t))) {
        rpcproxy_poller_defer(t->poller, &t->again);
    }
    wait_for_channels(t);
    wait_for_backend(t);
    rpcproxy_poller_timer(t->poller, &t->timer, deadline(t));
}

/* Puts a copy of `text` at *to and moves that on. */
static const char *append(char **to, const char *text)
{
    apr_size_t size = strlen(text) + 1;
    char *copy = memcpy(*to, text, size);

    *to += size;
    return copy;
}

/* One block with its strings behind it.  An APR pool would take 8 KiB for each
 * of some ten thousand tunnels. */
rpcproxy_tunnel_t *rpcproxy_tunnel_create(rpcproxy_chan_t *first)
{
    vconn_identity_t identity = first->identity;
    const char *client = first->client;
    rpcproxy_tunnel_t *t =
        calloc(1, sizeof(*t) + strlen(identity.user) + strlen(identity.target) +
                      strlen(client) + 3);
    char *strings;

    if (!t) {
        ap_abort_on_oom();
    }
    strings = (char *)(t + 1);
    t->poller = first->poller;
    t->server = first->server;
    t->trace = first->trace;
    t->began = first->poller->now;
    t->partial_time = apr_time_from_sec(first->partial_timeout);
    t->client = append(&strings, client);
    memcpy(t->network, first->network, sizeof(t->network));
    t->timer.fire = on_timer;
    t->again.run = run_again;
    identity.user = append(&strings, identity.user);
    identity.target = append(&strings, identity.target);
    vconn_init(&t->vconn, &first->hello.vconn, &identity);
    rpcproxy_backend_init(&t->backend, t, t->poller);
    return t;
}

/* What the channels and the back end report. */

void rpcproxy_tunnel_readable(rpcproxy_chan_t *chan)
{
    rpcproxy_tunnel_t *t = chan->tunnel;

    if (chan->relay) {
        rpcproxy_relay_readable(chan);
        return;
    }
    if (chan->role == VCONN_OUT_NEXT) {
        rpcproxy_stream_successor(t);
    }
    else {
        rpcproxy_stream_up(t);
    }
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_writable(rpcproxy_chan_t *chan)
{
    rpcproxy_tunnel_t *t = chan->tunnel;

    if (chan->relay) {
        rpcproxy_relay_writable(chan);
        return;
    }
    rpcproxy_stream_down(t);
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_gone(rpcproxy_chan_t *chan)
{
    rpcproxy_tunnel_t *t = chan->tunnel;

    if (chan->relay) {
        rpcproxy_relay_gone(chan);
        return;
    }
    /* Back-pressure alone: what the client sent before is still to be read. */
    if (!vconn_reads(&t->vconn, chan->role) || chan->broken) {
        rpcproxy_tunnel_closed(t, chan->role);
    }
    else if (chan->role == VCONN_IN) {
        rpcproxy_rest_begin(t, VCONN_IN);
    }
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_backend_up(rpcproxy_tunnel_t *t)
{
    vconn_event_t e =
        rpcproxy_tunnel_event(t, VCONN_EV_BACKEND_UP, VCONN_BACKEND);

    rpcproxy_tunnel_handle(t, &e);
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_backend_down(rpcproxy_tunnel_t *t, const char *why)
{
    vconn_event_t e = rpcproxy_tunnel_event(t, VCONN_EV_CLOSED, VCONN_BACKEND);

    if (!t->backend.connected) {
        e.type = VCONN_EV_BACKEND_FAILED;
        e.why = why;
    }
    rpcproxy_tunnel_handle(t, &e);
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_backend_ended(rpcproxy_tunnel_t *t)
{
    if (t->vconn.state == VCONN_OPEN) {
        rpcproxy_rest_begin(t, VCONN_BACKEND);
    }
    else {
        rpcproxy_tunnel_closed(t, VCONN_BACKEND);
    }
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_backend_ready(rpcproxy_tunnel_t *t)
{
    rpcproxy_stream_down(t);
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_backend_writable(rpcproxy_tunnel_t *t)
{
    rpcproxy_stream_up(t);
    rpcproxy_tunnel_settle(t);
}
