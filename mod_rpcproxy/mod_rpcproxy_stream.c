/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Moves the bytes of one virtual connection: cuts both streams into PDUs, asks
 * vconn about each, and sends them on in runs. */

#include "mod_rpcproxy.h"

/* Reads of one direction before other tunnels get their turn. */
#define ROUNDS_A_TURN 4
/* Enough bytes for one call to the back end's socket. */
#define READ_ENOUGH 32768

/* A run of whole PDUs that goes out with one call. */
typedef struct run_t {
    const unsigned char *at;
    apr_size_t len;
} run_t;

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
            rpcproxy_tunnel_apply(t, &actions->action[i]);
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

/* One whole PDU of the client. */
static void take_client_pdu(rpcproxy_tunnel_t *t, vconn_channel_e channel,
                            const pdu_header_t *h, const unsigned char *at,
                            run_t *run)
{
    vconn_event_t e = rpcproxy_tunnel_event(t, VCONN_EV_PDU, channel);
    vconn_actions_t actions;
    const char *why;
    rts_t rts;

    e.len = h->fragment_length;
    if (h->type == PDU_RTS) {
        flush_up(t, run);
        if (rts_read(&rts, at, e.len, &why) != PDU_OK) {
            rpcproxy_tunnel_malformed(t, channel, why);
            return;
        }
        rpcproxy_log_pdu(t, "from client", h,
                         rts_form_name(rts_form(&rts, PDU_FROM_CLIENT)), at,
                         e.len);
        e.type = VCONN_EV_RTS;
        e.rts = &rts;
    }
    else {
        rpcproxy_log_pdu(t, "from client", h, pdu_type_name(h->type), at,
                         e.len);
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
        t->partial_at = 0;
        at += h.fragment_length;
        len -= h.fragment_length;
    }
    flush_up(t, &run);
    if (result == PDU_MALFORMED) {
        rpcproxy_tunnel_malformed(t, channel, why);
    }
    /* Nothing may follow A5 on the old IN. */
    return t->chan[channel] == chan ? len : 0;
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
        rpcproxy_tunnel_closed(t, channel);
    }
    return rv == APR_SUCCESS && !drained;
}

int rpcproxy_stream_may_read(const rpcproxy_tunnel_t *t,
                             vconn_channel_e channel)
{
    return !t->ended && t->chan[channel] && vconn_reads(&t->vconn, channel) &&
           !t->backend.unsent.len;
}

void rpcproxy_stream_up(rpcproxy_tunnel_t *t)
{
    int i;

    for (i = 0; i < ROUNDS_A_TURN; i++) {
        if (!rpcproxy_stream_may_read(t, VCONN_IN)) {
            return;
        }
        if (!read_channel(t, VCONN_IN, &t->up)) {
            return;
        }
    }
    /* Bytes in a filter's buffer wake nobody. */
    rpcproxy_poller_defer(t->poller, &t->again);
}

void rpcproxy_stream_successor(rpcproxy_tunnel_t *t)
{
    while (rpcproxy_stream_may_read(t, VCONN_OUT_NEXT) &&
           read_channel(t, VCONN_OUT_NEXT, &t->up_next)) {
    }
}

/* Back end to client. */

static void flush_down(rpcproxy_tunnel_t *t, run_t *run)
{
    rpcproxy_tunnel_write(t, run->at, run->len);
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
    vconn_event_t e =
        rpcproxy_tunnel_event(t, VCONN_EV_BACKEND_PDU, VCONN_BACKEND);
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
    rpcproxy_log_pdu(t, "to client", h, pdu_type_name(h->type), at, e.len);
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
        rpcproxy_tunnel_malformed(t, VCONN_BACKEND, why);
    }
}

int rpcproxy_stream_takes_backend(const rpcproxy_tunnel_t *t)
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
        rpcproxy_tunnel_closed(t, VCONN_BACKEND);
    }
    return 0;
}

void rpcproxy_stream_down(rpcproxy_tunnel_t *t)
{
    int i;

    if (t->down_ready && rpcproxy_stream_takes_backend(t)) {
        apr_size_t len = rpcproxy_held_take(&t->down, t->poller->scratch);

        feed_down(t, t->poller->scratch, len);
    }
    for (i = 0; i < ROUNDS_A_TURN; i++) {
        if (t->down_ready || !rpcproxy_stream_takes_backend(t) ||
            !read_backend(t)) {
            return;
        }
    }
}
