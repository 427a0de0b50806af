/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* One side of a tunnel has ended while the other one takes nothing.  What it
 * had sent is not lost as long as the other side takes some of it; when that
 * stands still, the end is an end, and nobody waits for a peer that is dead. */

#include "mod_rpcproxy.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

/* What both sides have taken, give or take a constant: changes alone count. */
static apr_uint64_t taken(const rpcproxy_tunnel_t *t)
{
    const rpcproxy_chan_t *out = t->chan[VCONN_OUT];
    apr_uint64_t bytes = t->vconn.counts.bytes_up + t->vconn.counts.bytes_down;
    int queued = 0;

    bytes -= t->backend.unsent.len;
    if (out && out->answered) {
        bytes -= out->ops->unsent(out);
    }
    if (t->backend.connected &&
        ioctl(t->backend.watch.fd, SIOCOUTQ, &queued) == 0) {
        bytes -= (apr_uint64_t)queued;
    }
    return bytes;
}

void rpcproxy_rest_begin(rpcproxy_tunnel_t *t, vconn_channel_e of)
{
    if (t->rest.at && t->rest.of != of) {
        rpcproxy_tunnel_closed(t, of); /* nobody is left to take anything */
    }
    else if (!t->rest.at) {
        t->rest.at = t->poller->now + RPCPROXY_STANDSTILL;
        t->rest.of = of;
        t->rest.taken = taken(t);
    }
}

void rpcproxy_rest_look(rpcproxy_tunnel_t *t)
{
    apr_uint64_t now_taken;

    if (!t->rest.at || t->poller->now < t->rest.at) {
        return;
    }
    /* Another channel has taken the place of the one that ended. */
    if (t->rest.of == VCONN_IN &&
        !(t->chan[VCONN_IN] && t->chan[VCONN_IN]->hung_up)) {
        t->rest.at = 0;
        return;
    }
    now_taken = taken(t);
    if (now_taken == t->rest.taken) {
        rpcproxy_tunnel_closed(t, t->rest.of);
        return;
    }
    t->rest.taken = now_taken;
    t->rest.at = t->poller->now + RPCPROXY_STANDSTILL;
}
