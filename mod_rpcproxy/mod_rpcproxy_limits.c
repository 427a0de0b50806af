/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* How many tunnels there may be, over all pollers of a child.  Counted when a
 * tunnel begins, opens and ends, never while it moves bytes. */

#include "mod_rpcproxy.h"

#include <apr_atomic.h>
#include <apr_thread_mutex.h>
#include <http_main.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

APLOG_USE_MODULE(rpcproxy);

/* Descriptors that are not for tunnels: listeners, logs, LDAP, plain requests.
 * accept() failing for want of one makes the event MPM give up the child, and
 * with it every tunnel. */
#define DESCRIPTORS_KEPT 512
#define DESCRIPTORS_A_TUNNEL 3

/* Tunnels of one user, address or back end; exists while there are any. */
struct rpcproxy_party_t {
    int tunnels;
    char name[];
};

struct rpcproxy_limits_t {
    apr_thread_mutex_t *mutex; /* guards all but `refused` */
    apr_pool_t *pool;
    apr_hash_t *parties[RPCPROXY_PARTIES]; /* name -> rpcproxy_party_t */
    int max_tunnels, max_half_open;
    rpcproxy_totals_t totals;
    apr_uint32_t refused[RPCPROXY_CODES];
};

static const unsigned int codes[RPCPROXY_CODES] = {
    VCONN_ACCESS_DENIED, VCONN_SERVER_UNAVAILABLE, VCONN_TOO_BUSY,
    VCONN_CALL_FAILED, VCONN_PROTOCOL_ERROR};

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

void rpcproxy_limits_init(apr_pool_t *pchild, server_rec *s)
{
    rpcproxy_server_t *conf =
        ap_get_module_config(s->module_config, &rpcproxy_module);
    /* Worker threads may still refuse while a child that ends clears its pool. */
    struct rpcproxy_limits_t *limits =
        apr_pcalloc(s->process->pool, sizeof(*limits));
    int i, most = descriptor_limit();
    apr_status_t rv;

    apr_pool_create(&limits->pool, pchild);
    apr_pool_tag(limits->pool, "rpcproxy_limits");
    for (i = 0; i < RPCPROXY_PARTIES; i++) {
        limits->parties[i] = apr_hash_make(limits->pool);
    }
    limits->max_half_open = conf->half_open;
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

static rpcproxy_party_t *party_get(apr_hash_t *parties, const char *name)
{
    rpcproxy_party_t *p = apr_hash_get(parties, name, APR_HASH_KEY_STRING);
    apr_size_t size = strlen(name) + 1;

    if (!p) {
        p = calloc(1, sizeof(*p) + size);
        if (!p) {
            ap_abort_on_oom();
        }
        memcpy(p->name, name, size);
        apr_hash_set(parties, p->name, APR_HASH_KEY_STRING, p);
    }
    return p;
}

static void party_drop_if_empty(apr_hash_t *parties, rpcproxy_party_t *p)
{
    if (p->tunnels == 0) {
        apr_hash_set(parties, p->name, APR_HASH_KEY_STRING, NULL);
        free(p);
    }
}

/* The limit that one tunnel more would break; RPCPROXY_LIMITS for none. */
static rpcproxy_limit_e broken_limit(const struct rpcproxy_limits_t *limits,
                                     const rpcproxy_chan_t *chan,
                                     rpcproxy_party_t *const *party)
{
    const rpcproxy_totals_t *now = &limits->totals;
    int i;

    for (i = 0; i < RPCPROXY_PARTIES; i++) {
        if (chan->most[i] && party[i]->tunnels >= chan->most[i]) {
            return (rpcproxy_limit_e)i;
        }
    }
    if (limits->max_tunnels &&
        now->tunnels + now->relays >= limits->max_tunnels) {
        return RPCPROXY_LIMIT_CHILD;
    }
    if (limits->max_half_open && now->half_open >= limits->max_half_open) {
        return RPCPROXY_LIMIT_HALF_OPEN;
    }
    return RPCPROXY_LIMITS;
}

const char *rpcproxy_limits_enter(const rpcproxy_chan_t *chan,
                                  rpcproxy_party_t **party)
{
    static const char *const why[] = {
        [RPCPROXY_USER] =
            "too many tunnels of this user (RPCProxyMaxTunnelsPerUser)",
        [RPCPROXY_ADDRESS] =
            "too many tunnels of this address (RPCProxyMaxTunnelsPerAddress)",
        [RPCPROXY_BACKEND] = "too many tunnels to this back end "
                             "(RPCProxyMaxTunnelsPerBackend)",
        [RPCPROXY_LIMIT_CHILD] = "too many tunnels in this process "
                                 "(RPCProxyMaxTunnels, descriptors)",
        [RPCPROXY_LIMIT_HALF_OPEN] =
            "too many tunnels wait for their set-up (RPCProxyMaxHalfOpen)",
        [RPCPROXY_LIMITS] = NULL};
    const char *const name[] = {
        [RPCPROXY_USER] = chan->identity.user,
        [RPCPROXY_ADDRESS] = chan->client,
        [RPCPROXY_BACKEND] = chan->backend,
    };
    struct rpcproxy_limits_t *limits = limits_of_child();
    rpcproxy_limit_e broken;
    int i;

    apr_thread_mutex_lock(limits->mutex);
    for (i = 0; i < RPCPROXY_PARTIES; i++) {
        party[i] = party_get(limits->parties[i], name[i]);
    }
    broken = broken_limit(limits, chan, party);
    if (broken == RPCPROXY_LIMITS) {
        limits->totals.tunnels++;
        limits->totals.half_open++;
        limits->totals.begun++;
    }
    else {
        limits->totals.over[broken]++;
    }
    for (i = 0; i < RPCPROXY_PARTIES; i++) {
        party[i]->tunnels += broken == RPCPROXY_LIMITS;
        party_drop_if_empty(limits->parties[i], party[i]);
    }
    apr_thread_mutex_unlock(limits->mutex);
    return why[broken];
}

/* It has two descriptors here, where a tunnel has three. */
int rpcproxy_limits_relay_enter(void)
{
    struct rpcproxy_limits_t *limits = limits_of_child();
    rpcproxy_totals_t *now = &limits->totals;
    int fits;

    apr_thread_mutex_lock(limits->mutex);
    fits = !limits->max_tunnels ||
           now->tunnels + now->relays < limits->max_tunnels;
    now->relays += fits;
    now->over[RPCPROXY_LIMIT_CHILD] += !fits;
    apr_thread_mutex_unlock(limits->mutex);
    return fits;
}

void rpcproxy_limits_relay_leave(void)
{
    struct rpcproxy_limits_t *limits = limits_of_child();

    apr_thread_mutex_lock(limits->mutex);
    limits->totals.relays--;
    apr_thread_mutex_unlock(limits->mutex);
}

void rpcproxy_limits_opened(void)
{
    struct rpcproxy_limits_t *limits = limits_of_child();

    apr_thread_mutex_lock(limits->mutex);
    limits->totals.half_open--;
    limits->totals.opened++;
    apr_thread_mutex_unlock(limits->mutex);
}

void rpcproxy_limits_leave(const rpcproxy_tunnel_t *t)
{
    struct rpcproxy_limits_t *limits = limits_of_child();
    const vconn_counts_t *n = &t->vconn.counts;
    int i;

    apr_thread_mutex_lock(limits->mutex);
    limits->totals.tunnels--;
    limits->totals.half_open -= !t->opened;
    limits->totals.bytes_up += n->bytes_up;
    limits->totals.bytes_down += n->bytes_down;
    for (i = 0; i < RPCPROXY_PARTIES; i++) {
        t->party[i]->tunnels--;
        party_drop_if_empty(limits->parties[i], t->party[i]);
    }
    apr_thread_mutex_unlock(limits->mutex);
}

void rpcproxy_limits_refused(unsigned int code)
{
    struct rpcproxy_limits_t *limits = limits_of_child();
    int i;

    for (i = 0; limits && i < RPCPROXY_CODES; i++) {
        if (codes[i] == code) {
            apr_atomic_inc32(&limits->refused[i]);
        }
    }
}

void rpcproxy_limits_totals(rpcproxy_totals_t *totals)
{
    struct rpcproxy_limits_t *limits = limits_of_child();
    int i;

    memset(totals, 0, sizeof(*totals));
    if (!limits) {
        return;
    }
    apr_thread_mutex_lock(limits->mutex);
    *totals = limits->totals;
    apr_thread_mutex_unlock(limits->mutex);
    totals->max_tunnels = limits->max_tunnels;
    for (i = 0; i < RPCPROXY_CODES; i++) {
        totals->code[i] = codes[i];
        totals->refused[i] = apr_atomic_read32(&limits->refused[i]);
    }
}
