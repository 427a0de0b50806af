/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Which channel belongs to which virtual connection: one table for each
 * poller, by the cookie, and the limits over all of them. */

#include "mod_rpcproxy.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <http_main.h>
#include <sys/resource.h>

APLOG_USE_MODULE(rpcproxy);

/* Descriptors that are not for tunnels: listeners, logs, LDAP, plain requests.
 * accept() failing for want of one makes the event MPM give up the child, and
 * with it every tunnel. */
#define DESCRIPTORS_KEPT 512
#define DESCRIPTORS_A_TUNNEL 3

/* Counts over all pollers of a child, touched at set-up and end only. */
struct rpcproxy_limits_t {
    apr_thread_mutex_t *mutex;
    apr_hash_t *users; /* name -> int *; entries at 0 are reused */
    apr_pool_t *pool;
    int tunnels, max_tunnels;
};

static struct rpcproxy_limits_t *limits_of_child(void)
{
    rpcproxy_server_t *conf =
        ap_get_module_config(ap_server_conf->module_config, &rpcproxy_module);

    return conf->limits;
}

static int descriptor_limit(void)
{
    struct rlimit limit;
    rlim_t usable;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY) {
        return 0;
    }
    usable = limit.rlim_cur > 2 * DESCRIPTORS_KEPT
                 ? limit.rlim_cur - DESCRIPTORS_KEPT
                 : limit.rlim_cur / 2;
    return (int)(usable / DESCRIPTORS_A_TUNNEL);
}

void rpcproxy_vconns_init(apr_pool_t *pchild, server_rec *s)
{
    rpcproxy_server_t *conf =
        ap_get_module_config(s->module_config, &rpcproxy_module);
    struct rpcproxy_limits_t *limits = apr_pcalloc(pchild, sizeof(*limits));
    int most = descriptor_limit();
    apr_status_t rv;

    apr_pool_create(&limits->pool, pchild);
    apr_pool_tag(limits->pool, "rpcproxy_limits");
    limits->users = apr_hash_make(limits->pool);
    limits->max_tunnels = conf->tunnels;
    if (most && (!conf->tunnels || most < conf->tunnels)) {
        limits->max_tunnels = most;
    }
    rv = apr_thread_mutex_create(&limits->mutex, APR_THREAD_MUTEX_DEFAULT,
                                 limits->pool);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     PN(13060) "cannot create a mutex");
        return;
    }
    conf->limits = limits;
}

static int *user_count(struct rpcproxy_limits_t *limits, const char *user)
{
    int *count = apr_hash_get(limits->users, user, APR_HASH_KEY_STRING);

    if (!count) {
        count = apr_pcalloc(limits->pool, sizeof(*count));
        apr_hash_set(limits->users, apr_pstrdup(limits->pool, user),
                     APR_HASH_KEY_STRING, count);
    }
    return count;
}

/* NULL when one more is allowed (and counted), else why not. */
static const char *count_in(const rpcproxy_chan_t *chan)
{
    struct rpcproxy_limits_t *limits = limits_of_child();
    const char *why = NULL;
    int *mine;

    apr_thread_mutex_lock(limits->mutex);
    mine = user_count(limits, chan->identity.user);
    if (limits->max_tunnels && limits->tunnels >= limits->max_tunnels) {
        why = "too many tunnels in this process (RPCProxyMaxTunnels, "
              "descriptors)";
    }
    else if (chan->user_tunnels && *mine >= chan->user_tunnels) {
        why = "too many tunnels of this user (RPCProxyMaxTunnelsPerUser)";
    }
    else {
        limits->tunnels++;
        (*mine)++;
    }
    apr_thread_mutex_unlock(limits->mutex);
    return why;
}

static void count_out(const rpcproxy_tunnel_t *t)
{
    struct rpcproxy_limits_t *limits = limits_of_child();

    apr_thread_mutex_lock(limits->mutex);
    limits->tunnels--;
    (*user_count(limits, t->vconn.identity.user))--;
    apr_thread_mutex_unlock(limits->mutex);
}

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
    why = count_in(chan);
    if (why) {
        refuse(chan, VCONN_TOO_BUSY, why);
        return NULL;
    }
    t = rpcproxy_tunnel_create(chan);
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
    count_out(t);
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
