/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Which channel belongs to which virtual connection: one table for each
 * poller, by the cookie. */

#include "mod_rpcproxy_relay.h"

#include <string.h>

APLOG_USE_MODULE(rpcproxy);

/* So long before the end of draining the rest goes. */
#define LAST_STEP apr_time_from_msec(100)

static void refuse(rpcproxy_chan_t *chan, unsigned int code, const char *why)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, chan->server,
                 PN(13061) "%s channel of %s from %s for %s refused: %s",
                 chan->out ? "OUT" : "IN", chan->identity.user, chan->client,
                 chan->identity.target, why);
    chan->ops->finish(chan, code);
}

static void relay(rpcproxy_chan_t *chan, pid_t owner)
{
    const char *why = rpcproxy_limits_relay_enter();

    if (why) {
        refuse(chan, VCONN_TOO_BUSY, why);
    }
    else {
        rpcproxy_relay_join(chan, owner);
    }
}

static int replaces(const rpcproxy_chan_t *chan)
{
    return chan->hello.kind == HELLO_IN_NEXT ||
           chan->hello.kind == HELLO_OUT_NEXT;
}

/* 1 when this child has, or has now claimed, the virtual connection of `chan`;
 * else `chan` goes to the child that has it, or is refused. */
static int is_owned_here(rpcproxy_chan_t *chan)
{
    rpcproxy_poller_t *p = chan->poller;
    int replacement = replaces(chan);
    pid_t owner = 0;

    switch (rpcproxy_pairs_find(chan, !replacement && !p->stopping, &owner)) {
    case PAIRS_MINE:
        return 1;
    case PAIRS_FULL:
        refuse(chan, VCONN_TOO_BUSY, "too many tunnels in all processes");
        return 0;
    case PAIRS_GONE:
        refuse(chan, VCONN_CALL_FAILED,
               "the process that had its virtual connection has ended");
        return 0;
    case PAIRS_OTHER:
        if (chan->r) {
            relay(chan, owner);
            return 0;
        }
        /* Relayed to us for a virtual connection that has ended, and that came
         * again elsewhere: falls through. */
    default:
        break;
    }
    if (replacement) {
        guesses_wrong(&p->guesses, chan->identity.user, p->now);
    }
    if (replacement || !p->stopping) {
        refuse(chan, VCONN_PROTOCOL_ERROR, "unknown virtual connection");
    }
    else {
        refuse(chan, VCONN_TOO_BUSY, "this process is stopping");
    }
    return 0;
}

/* The tunnel that `chan` belongs to, made when it may start one; NULL when it
 * was refused or relayed. */
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
    if (!is_owned_here(chan)) {
        return NULL;
    }
    why = rpcproxy_limits_enter(chan, party);
    if (why) {
        rpcproxy_pairs_release(&chan->hello.vconn, 0);
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
    rpcproxy_poller_t *p = chan->poller;
    vconn_event_t e = {0};
    rpcproxy_tunnel_t *t;

    if (replaces(chan) &&
        !guesses_allowed(&p->guesses, chan->identity.user, p->now)) {
        refuse(chan, VCONN_TOO_BUSY,
               "this user asks for too many unknown virtual connections");
        return;
    }
    t = tunnel_for(chan);
    if (!t) {
        return;
    }
    if (strcmp(t->network, chan->network) != 0) {
        refuse(chan, VCONN_ACCESS_DENIED,
               "its client is in another network (RPCProxySameNetworkIPv4, "
               "RPCProxySameNetworkIPv6)");
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
    /* The other half of one that a restart ends must not wait for it. */
    rpcproxy_pairs_release(&t->vconn.cookie, t->poller->stopping);
    rpcproxy_limits_leave(t);
}

void rpcproxy_vconns_stop(rpcproxy_poller_t *p, apr_size_t count)
{
    apr_hash_index_t *i = apr_hash_first(NULL, p->vconns);

    if (p->now + LAST_STEP >= p->drain_end) {
        rpcproxy_relay_stop(p);
    }
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
