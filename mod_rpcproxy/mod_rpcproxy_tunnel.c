/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Moves the bytes of one virtual connection: cuts both streams into PDUs, asks
 * vconn about each, and does what it says. */

#include "mod_rpcproxy.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>

APLOG_USE_MODULE(rpcproxy);

/* Reads of one direction before other tunnels get their turn. */
#define ROUNDS_A_TURN 4
/* Enough bytes for one call to the back end's socket. */
#define READ_ENOUGH 32768

/* A run of whole PDUs that goes out with one call. */
typedef struct run_t {
    const unsigned char *at;
    apr_size_t len;
} run_t;

static vconn_event_t event_of(const rpcproxy_tunnel_t *t, vconn_event_e type,
                              vconn_channel_e channel)
{
    vconn_event_t e = {0};

    e.type = type;
    e.channel = channel;
    e.now = t->poller->now;
    return e;
}

static const char *hex(char *out, const void *bytes, apr_size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = bytes;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        out[2 * i] = digits[b[i] >> 4];
        out[2 * i + 1] = digits[b[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

/* RPCProxyTrace: RTS PDUs with their bytes, RPC PDUs with their header only. */
static void trace(const rpcproxy_tunnel_t *t, const char *way,
                  const pdu_header_t *h, const char *name, const void *bytes,
                  apr_size_t len)
{
    char cookie[9], dump[2 * RPCPROXY_FIRST_MAX + 1];
    int rts = h->type == PDU_RTS;

    if (t->trace < (rts ? RPCPROXY_TRACE_RTS : RPCPROXY_TRACE_ALL)) {
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, t->server,
                 PN(13050) "%s %s %s, %" APR_SIZE_T_FMT " bytes, call %u%s%s",
                 hex(cookie, t->vconn.cookie.bytes, 4), way, name, len,
                 h->call_id, rts && len <= RPCPROXY_FIRST_MAX ? " " : "",
                 rts && len <= RPCPROXY_FIRST_MAX ? hex(dump, bytes, len) : "");
}

static void trace_sent(const rpcproxy_tunnel_t *t, const vconn_action_t *a)
{
    pdu_header_t h = {0};

    h.type = PDU_RTS;
    trace(t, "to client", &h, rts_form_name(a->form), a->bytes, a->len);
}

/* Everything that goes out on OUT. */
static void write_out(rpcproxy_tunnel_t *t, const void *bytes, apr_size_t len)
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

    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, chan->r,
                  PN(13051) "%s of %s for %s refused: %s", chan->r->method,
                  chan->identity.user, chan->identity.target, a->why);
    chan->ops->finish(chan, a->code);
}

static void respond(rpcproxy_tunnel_t *t)
{
    rpcproxy_chan_t *chan = t->chan[VCONN_OUT];

    if (chan) {
        rpcproxy_success(chan->r, chan->options.lifetime);
        chan->answered = 1;
        /* A header alone must reach a successor's client too. */
        chan->ops->write(chan, "", 0);
    }
}

/* One action that needs no PDU of the event. */
static void apply(rpcproxy_tunnel_t *t, const vconn_action_t *a)
{
    switch (a->type) {
    case VCONN_ACT_ADOPT:
        adopt(t, a->channel);
        break;
    case VCONN_ACT_REFUSE:
        refuse_newcomer(t, a);
        break;
    case VCONN_ACT_CONNECT:
        rpcproxy_backend_connect(&t->backend, t->newcomer);
        break;
    case VCONN_ACT_RESPOND:
        respond(t);
        break;
    case VCONN_ACT_SEND:
        trace_sent(t, a);
        write_out(t, a->bytes, a->len);
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

static void log_open(rpcproxy_tunnel_t *t)
{
    char in[9], out[9];

    t->opened_logged = 1;
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, t->server,
                 PN(13052) "virtual connection open: user=%s client=%s "
                           "target=%s in=%s out=%s",
                 t->vconn.identity.user, t->client, t->vconn.identity.target,
                 hex(in, t->vconn.in_cookie.bytes, 4),
                 hex(out, t->vconn.out_cookie.bytes, 4));
}

static void log_close(rpcproxy_tunnel_t *t)
{
    const vconn_counts_t *n = &t->vconn.counts;
    char in[9], out[9];

    ap_log_error(
        APLOG_MARK, APLOG_INFO, 0, t->server,
        PN(13053) "virtual connection closed: user=%s client=%s target=%s "
                  "in=%s out=%s up=%" APR_UINT64_T_FMT "/%" APR_UINT64_T_FMT
                  " down=%" APR_UINT64_T_FMT "/%" APR_UINT64_T_FMT
                  " pings=%u/%u acks=%u/%u recycles=%u/%u silent=%d "
                  "seconds=%" APR_TIME_T_FMT " reason=\"%s\"",
        t->vconn.identity.user, t->client, t->vconn.identity.target,
        hex(in, t->vconn.in_cookie.bytes, 4),
        hex(out, t->vconn.out_cookie.bytes, 4), n->bytes_up, n->pdus_up,
        n->bytes_down, n->pdus_down, n->pings_sent, n->pings_received,
        n->acks_sent, n->acks_received, n->in_recycles, n->out_recycles,
        t->vconn.silent_peer, apr_time_sec(t->poller->now - t->began),
        t->end_why ? t->end_why : "");
}

void rpcproxy_tunnel_handle(rpcproxy_tunnel_t *t, vconn_event_t *event)
{
    vconn_actions_t actions;
    int i;

    vconn_handle(&t->vconn, event, &actions);
    for (i = 0; i < actions.count; i++) {
        apply(t, &actions.action[i]);
    }
    if (!t->opened_logged && t->vconn.state == VCONN_OPEN) {
        log_open(t);
    }
}

/* What one event made of the PDU at `at`: data joins the run, anything else
 * goes out after the run. */
typedef void flush_fn(rpcproxy_tunnel_t *t, run_t *run);

static void carry_out(rpcproxy_tunnel_t *t, const vconn_actions_t *actions,
                      run_t *run, apr_size_t len, flush_fn *flush)
{
    int i;

    for (i = 0; i < actions->count; i++) {
        vconn_action_e type = actions->action[i].type;

        if (type == VCONN_ACT_FORWARD || type == VCONN_ACT_RELAY) {
            run->len += len;
        }
        else {
            flush(t, run);
            apply(t, &actions->action[i]);
        }
    }
}

/* Client to back end. */

static void flush_up(rpcproxy_tunnel_t *t, run_t *run)
{
    apr_size_t len = run->len, sent;

    run->len = 0;
    if (len) {
        sent = rpcproxy_backend_send(&t->backend, run->at, len);
        if (sent) {
            rpcproxy_tunnel_forwarded(t, sent);
        }
    }
}

void rpcproxy_tunnel_forwarded(rpcproxy_tunnel_t *t, apr_size_t len)
{
    vconn_event_t e = event_of(t, VCONN_EV_FORWARDED, VCONN_BACKEND);

    e.len = len;
    rpcproxy_tunnel_handle(t, &e);
}

static void malformed(rpcproxy_tunnel_t *t, vconn_channel_e channel,
                      const char *why)
{
    vconn_event_t e = event_of(t, VCONN_EV_MALFORMED, channel);

    e.why = why;
    rpcproxy_tunnel_handle(t, &e);
}

/* One whole PDU of the client. */
static void take_client_pdu(rpcproxy_tunnel_t *t, vconn_channel_e channel,
                            const pdu_header_t *h, const unsigned char *at,
                            run_t *run)
{
    vconn_event_t e = event_of(t, VCONN_EV_PDU, channel);
    vconn_actions_t actions;
    const char *why;
    rts_t rts;

    e.len = h->fragment_length;
    if (h->type == PDU_RTS) {
        flush_up(t, run);
        if (rts_read(&rts, at, e.len, &why) != PDU_OK) {
            malformed(t, channel, why);
            return;
        }
        trace(t, "from client", h,
              rts_form_name(rts_form(&rts, PDU_FROM_CLIENT)), at, e.len);
        e.type = VCONN_EV_RTS;
        e.rts = &rts;
    }
    else {
        trace(t, "from client", h, pdu_type_name(h->type), at, e.len);
    }
    vconn_handle(&t->vconn, &e, &actions);
    carry_out(t, &actions, run, e.len, flush_up);
}

/* Cuts `len` bytes of a channel into PDUs; returns how many are left over. */
static apr_size_t feed_up(rpcproxy_tunnel_t *t, rpcproxy_chan_t *chan,
                          const unsigned char *at, apr_size_t len)
{
    vconn_channel_e channel = chan->role;
    run_t run = {at, 0};
    pdu_header_t h;
    pdu_result_e result = PDU_MORE;
    const char *why = NULL;

    while (len > 0 && t->chan[channel] == chan && !t->ended) {
        result = pdu_read(&h, at, len, PDU_FROM_CLIENT, &why);
        if (result != PDU_OK) {
            break;
        }
        if (!run.len) {
            run.at = at;
        }
        take_client_pdu(t, channel, &h, at, &run);
        at += h.fragment_length;
        len -= h.fragment_length;
    }
    flush_up(t, &run);
    if (result == PDU_MALFORMED) {
        malformed(t, channel, why);
    }
    /* Nothing may follow A5 on the old IN. */
    return t->chan[channel] == chan ? len : 0;
}

static void closed(rpcproxy_tunnel_t *t, vconn_channel_e channel)
{
    vconn_event_t e = event_of(t, VCONN_EV_CLOSED, channel);

    rpcproxy_tunnel_handle(t, &e);
}

/* Reads what is there, as far as it fits behind what was held, and takes it
 * in; 1 when there may be more. */
static int read_channel(rpcproxy_tunnel_t *t, vconn_channel_e channel,
                        rpcproxy_held_t *held)
{
    unsigned char *scratch = t->poller->scratch;
    rpcproxy_chan_t *chan = t->chan[channel];
    apr_size_t len = rpcproxy_held_take(held, scratch), got, left;
    apr_status_t rv = APR_SUCCESS;
    int drained = 0;

    while (rv == APR_SUCCESS && !drained && len < READ_ENOUGH) {
        got = RPCPROXY_SCRATCH - len;
        rv = chan->ops->read(chan, scratch + len, &got);
        len += rv == APR_SUCCESS ? got : 0;
        drained = chan->drained;
    }
    left = feed_up(t, chan, scratch, len);
    rpcproxy_held_keep(held, scratch + len - left, left);
    /* The body of a new OUT channel ends with C1, and its client stays. */
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv) &&
        t->chan[channel] == chan && vconn_reads(&t->vconn, channel)) {
        closed(t, channel);
    }
    return rv == APR_SUCCESS && !drained;
}

static int may_read(const rpcproxy_tunnel_t *t, vconn_channel_e channel)
{
    return !t->ended && t->chan[channel] && vconn_reads(&t->vconn, channel) &&
           !t->backend.unsent.len;
}

static void upstream(rpcproxy_tunnel_t *t)
{
    int i;

    for (i = 0; i < ROUNDS_A_TURN; i++) {
        if (!may_read(t, VCONN_IN)) {
            return;
        }
        if (!read_channel(t, VCONN_IN, &t->up)) {
            return;
        }
    }
    /* Bytes in a filter's buffer wake nobody. */
    rpcproxy_poller_defer(t->poller, &t->again);
}

static void read_successor(rpcproxy_tunnel_t *t)
{
    while (may_read(t, VCONN_OUT_NEXT) &&
           read_channel(t, VCONN_OUT_NEXT, &t->up_next)) {
    }
}

/* Back end to client. */

static void flush_down(rpcproxy_tunnel_t *t, run_t *run)
{
    write_out(t, run->at, run->len);
    run->len = 0;
}

static int out_takes(const rpcproxy_tunnel_t *t)
{
    const rpcproxy_chan_t *out = t->chan[VCONN_OUT];

    return !t->ended && out && !out->blocked && !out->broken;
}

/* Offers one PDU of the back end; 0 when it must wait. */
static int take_backend_pdu(rpcproxy_tunnel_t *t, const pdu_header_t *h,
                            const unsigned char *at, run_t *run)
{
    vconn_event_t e = event_of(t, VCONN_EV_BACKEND_PDU, VCONN_BACKEND);
    vconn_actions_t actions;

    e.len = h->fragment_length;
    if (run->len + e.len > RPCPROXY_WRITE_MAX) {
        flush_down(t, run);
    }
    if (!run->len) {
        run->at = at;
        if (!out_takes(t)) {
            return 0;
        }
    }
    vconn_handle(&t->vconn, &e, &actions);
    carry_out(t, &actions, run, e.len, flush_down);
    if (t->vconn.held) {
        return 0;
    }
    trace(t, "to client", h, pdu_type_name(h->type), at, e.len);
    return 1;
}

/* Cuts `len` bytes of the back end into PDUs; keeps what does not go. */
static void feed_down(rpcproxy_tunnel_t *t, const unsigned char *at,
                      apr_size_t len)
{
    run_t run = {at, 0};
    pdu_header_t h;
    pdu_result_e result = PDU_MORE;
    const char *why = NULL;

    t->down_ready = 0;
    while (len > 0) {
        result = pdu_read(&h, at, len, PDU_FROM_SERVER, &why);
        if (result != PDU_OK) {
            break;
        }
        if (!take_backend_pdu(t, &h, at, &run)) {
            t->down_ready = 1;
            break;
        }
        at += h.fragment_length;
        len -= h.fragment_length;
    }
    flush_down(t, &run);
    rpcproxy_held_keep(&t->down, at, len);
    if (result == PDU_MALFORMED) {
        malformed(t, VCONN_BACKEND, why);
    }
}

static int backend_may_be_read(const rpcproxy_tunnel_t *t)
{
    return t->backend.connected && out_takes(t) && vconn_relays(&t->vconn);
}

/* One read of the back end; 1 when there may be more. */
static int read_backend(rpcproxy_tunnel_t *t)
{
    unsigned char *scratch = t->poller->scratch;
    apr_size_t wanted = RPCPROXY_WRITE_MAX - t->down.len, len = wanted;
    apr_status_t rv;

    rv = rpcproxy_backend_read(&t->backend, scratch + t->down.len, &len);
    if (rv == APR_SUCCESS) {
        len += rpcproxy_held_take(&t->down, scratch);
        feed_down(t, scratch, len);
        return len >= wanted;
    }
    if (!APR_STATUS_IS_EAGAIN(rv)) {
        closed(t, VCONN_BACKEND);
    }
    return 0;
}

static void downstream(rpcproxy_tunnel_t *t)
{
    int i;

    if (t->down_ready && backend_may_be_read(t)) {
        apr_size_t len = rpcproxy_held_take(&t->down, t->poller->scratch);

        feed_down(t, t->poller->scratch, len);
    }
    for (i = 0; i < ROUNDS_A_TURN; i++) {
        if (t->down_ready || !backend_may_be_read(t) || !read_backend(t)) {
            return;
        }
    }
}

/* The end, and waiting. */

static void destroy(rpcproxy_tunnel_t *t)
{
    int i;

    log_close(t);
    for (i = 0; i < VCONN_CHANNELS; i++) {
        close_channel(t, (vconn_channel_e)i, t->end_code);
    }
    rpcproxy_backend_close(&t->backend);
    rpcproxy_poller_timer(t->poller, &t->timer, 0);
    rpcproxy_held_keep(&t->up, NULL, 0);
    rpcproxy_held_keep(&t->up_next, NULL, 0);
    rpcproxy_held_keep(&t->down, NULL, 0);
    rpcproxy_vconns_remove(t);
    apr_pool_destroy(t->pool);
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
    read_successor(t);
    upstream(t);
    downstream(t);
    rpcproxy_tunnel_settle(t);
}

static void on_timer(rpcproxy_timer_t *timer)
{
    rpcproxy_tunnel_t *t =
        (rpcproxy_tunnel_t *)((char *)timer -
                              offsetof(rpcproxy_tunnel_t, timer));
    vconn_event_t e = event_of(t, VCONN_EV_TICK, VCONN_OUT);
    rpcproxy_chan_t *out = t->chan[VCONN_OUT];

    e.unsent = out && out->answered ? out->ops->unsent(out) : 0;
    rpcproxy_tunnel_handle(t, &e);
    downstream(t);
    rpcproxy_tunnel_settle(t);
}

static void notice_broken(rpcproxy_tunnel_t *t)
{
    int i;

    for (i = 0; i < VCONN_CHANNELS && !t->ended; i++) {
        if (t->chan[i] && t->chan[i]->broken) {
            closed(t, (vconn_channel_e)i);
        }
    }
}

static void wait_for_channels(rpcproxy_tunnel_t *t)
{
    int i;

    for (i = 0; i < VCONN_CHANNELS; i++) {
        rpcproxy_chan_t *chan = t->chan[i];

        if (chan) {
            chan->ops->watch(chan, may_read(t, (vconn_channel_e)i));
        }
    }
}

static void wait_for_backend(rpcproxy_tunnel_t *t)
{
    apr_uint32_t events = 0;

    if (!t->backend.connected) {
        return;
    }
    if (!t->down_ready && backend_may_be_read(t)) {
        events |= EPOLLIN;
    }
    if (t->backend.unsent.len) {
        events |= EPOLLOUT;
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
        int reads = may_read(t, (vconn_channel_e)i);

        any |= reads && !t->reading[i];
        t->reading[i] = reads;
    }
    return any;
}

void rpcproxy_tunnel_settle(rpcproxy_tunnel_t *t)
{
    notice_broken(t);
    if (t->ended) {
        rpcproxy_poller_defer(t->poller, &t->again);
        return;
    }
    if (newly_read(t) || (t->down_ready && backend_may_be_read(t))) {
        rpcproxy_poller_defer(t->poller, &t->again);
    }
    wait_for_channels(t);
    wait_for_backend(t);
    rpcproxy_poller_timer(t->poller, &t->timer, vconn_deadline(&t->vconn));
}

rpcproxy_tunnel_t *rpcproxy_tunnel_create(rpcproxy_chan_t *first)
{
    rpcproxy_tunnel_t *t;
    vconn_identity_t identity = first->identity;
    apr_pool_t *pool;

    apr_pool_create(&pool, first->poller->pool);
    apr_pool_tag(pool, "rpcproxy_tunnel");
    t = apr_pcalloc(pool, sizeof(*t));
    t->pool = pool;
    t->poller = first->poller;
    t->server = first->server;
    t->trace = first->trace;
    t->began = first->poller->now;
    t->client = apr_pstrdup(pool, first->r->useragent_ip);
    t->timer.fire = on_timer;
    t->again.run = run_again;
    identity.user = apr_pstrdup(pool, identity.user);
    identity.target = apr_pstrdup(pool, identity.target);
    vconn_init(&t->vconn, &first->hello.vconn, &identity);
    rpcproxy_backend_init(&t->backend, t, t->poller);
    return t;
}

/* What the channels and the back end report. */

void rpcproxy_tunnel_readable(rpcproxy_chan_t *chan)
{
    rpcproxy_tunnel_t *t = chan->tunnel;

    if (chan->role == VCONN_OUT_NEXT) {
        read_successor(t);
    }
    else {
        upstream(t);
    }
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_writable(rpcproxy_chan_t *chan)
{
    rpcproxy_tunnel_t *t = chan->tunnel;

    downstream(t);
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_gone(rpcproxy_chan_t *chan)
{
    rpcproxy_tunnel_t *t = chan->tunnel;

    /* Back-pressure alone: what the client sent before is still to be read. */
    if (!vconn_reads(&t->vconn, chan->role) || chan->broken) {
        closed(t, chan->role);
    }
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_backend_up(rpcproxy_tunnel_t *t)
{
    vconn_event_t e = event_of(t, VCONN_EV_BACKEND_UP, VCONN_BACKEND);

    rpcproxy_tunnel_handle(t, &e);
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_backend_down(rpcproxy_tunnel_t *t, const char *why)
{
    vconn_event_t e = event_of(t, VCONN_EV_CLOSED, VCONN_BACKEND);

    if (!t->backend.connected) {
        e.type = VCONN_EV_BACKEND_FAILED;
        e.why = why;
    }
    rpcproxy_tunnel_handle(t, &e);
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_backend_ready(rpcproxy_tunnel_t *t)
{
    downstream(t);
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_tunnel_backend_writable(rpcproxy_tunnel_t *t)
{
    upstream(t);
    rpcproxy_tunnel_settle(t);
}
