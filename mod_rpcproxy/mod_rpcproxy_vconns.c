/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Which channel belongs to which virtual connection: one table for each
 * poller, by the cookie. */

#include "mod_rpcproxy.h"

#include <string.h>

APLOG_USE_MODULE(rpcproxy);

static void refuse(rpcproxy_chan_t *chan, unsigned int code, const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, chan->r,
                  PN(13061) "%s of %s for %s refused: %s", chan->r->method,
                  chan->identity.user, chan->identity.target, why);
    chan->ops->finish(chan, code);
}

/* The tunnel that `chan` belongs to, made when it may start one; NULL when it
 * was refused. */
static rpcproxy_tunnel_t *tunnel_for(rpcproxy_chan_t *chan)
{
    rpcproxy_poller_t *p = chan->poller;
    rpcproxy_tunnel_t *t =
        apr_hash_get(p->vconns, &chan->hello.vconn, sizeof(chan->hello.vconn));
    rpcproxy_party_t *party[RPCPROXY_PARTIES];
    const char *why;

    if (t) {
        return t;
    }
    if (chan->hello.kind == HELLO_IN_NEXT ||
        chan->hello.kind == HELLO_OUT_NEXT) {
        refuse(chan, VCONN_PROTOCOL_ERROR, "unknown virtual connection");
        return NULL;
    }
    if (p->stopping) {
        refuse(chan, VCONN_TOO_BUSY, "this process is stopping");
        return NULL;
    }
    why = rpcproxy_limits_enter(chan, party);
    if (why) {
        refuse(chan, VCONN_TOO_BUSY, why);
        return NULL;
    }
    t = rpcproxy_tunnel_create(chan);
    memcpy(t->party, party, sizeof(party));
    apr_hash_set(p->vconns, &t->vconn.cookie, sizeof(t->vconn.cookie), t);
    return t;
}

void rpcproxy_vconns_join(rpcproxy_chan_t *chan)
{
    rpcproxy_tunnel_t *t = tunnel_for(chan);
    vconn_event_t e = {0};

    if (!t) {
        return;
    }
    e.type = VCONN_EV_JOIN;
    e.now = chan->poller->now;
    e.hello = &chan->hello;
    e.identity = &chan->identity;
    e.options = &chan->options;
    t->newcomer = chan;
    rpcproxy_tunnel_handle(t, &e);
    t->newcomer = NULL;
    rpcproxy_tunnel_settle(t);
}

void rpcproxy_vconns_remove(rpcproxy_tunnel_t *t)
{
    apr_hash_set(t->poller->vconns, &t->vconn.cookie, sizeof(t->vconn.cookie),
                 NULL);
    rpcproxy_limits_leave(t);
}

void rpcproxy_vconns_stop(rpcproxy_poller_t *p, apr_size_t count)
{
    apr_hash_index_t *i = apr_hash_first(NULL, p->vconns);

    /* The tunnels leave the table later, in the deferred tasks. */
    for (; i && count > 0; i = apr_hash_next(i)) {
        rpcproxy_tunnel_t *t = apr_hash_this_val(i);
        vconn_event_t e = {0};

        if (!t->ended) {
            e.type = VCONN_EV_STOP;
            e.now = p->now;
            e.why = "the server stops or restarts";
            rpcproxy_tunnel_handle(t, &e);
            rpcproxy_tunnel_settle(t);
            count--;
        }
    }
}
