/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* How many tunnels there may be, over all pollers of a child, and what all
 * children count.  Looked at when a tunnel begins, opens and ends, and each time
 * that it has moved much. */

#include "mod_rpcproxy_relay.h"

#include <apr_strings.h>
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
    apr_thread_mutex_t *mutex; /* guards the parties, and decisions */
    apr_pool_t *pool;
    apr_hash_t *parties[RPCPROXY_PARTIES]; /* name -> rpcproxy_party_t */
    int max_tunnels, max_half_open;
    tally_row_t *row; /* of this child */
};

_Static_assert(RPCPROXY_COUNTS <= TALLY_COLUMNS, "a column for each count");

/* Bytes that a tunnel may have moved without their being counted. */
#define MUCH 65536

const unsigned int rpcproxy_code[RPCPROXY_CODES] = {
    VCONN_ACCESS_DENIED, VCONN_SERVER_UNAVAILABLE, VCONN_TOO_BUSY,
    VCONN_CALL_FAILED, VCONN_PROTOCOL_ERROR};

static struct rpcproxy_limits_t *limits_of_child(void)
{
    rpcproxy_server_t *conf =
        ap_get_module_config(ap_server_conf->module_config, &rpcproxy_module);

    return conf->limits;
}

static void add(rpcproxy_count_e count, apr_int64_t amount)
{
    tally_add(limits_of_child()->row, count, amount);
}

static apr_int64_t get(const struct rpcproxy_limits_t *limits,
                       rpcproxy_count_e count)
{
    return tally_get(limits->row, count);
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

    limits->row = rpcproxy_pairs_tally_open();
    if (!limits->row) {
        limits->row = apr_pcalloc(s->process->pool, sizeof(*limits->row));
    }
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

/* A relayed channel has two descriptors here, where a tunnel has three. */
static int has_room(const struct rpcproxy_limits_t *limits)
{
    return !limits->max_tunnels ||
           get(limits, RPCPROXY_TUNNELS) + get(limits, RPCPROXY_RELAYS) <
               limits->max_tunnels;
}

/* The limit that one tunnel more would break; RPCPROXY_LIMITS for none. */
static rpcproxy_limit_e broken_limit(const struct rpcproxy_limits_t *limits,
                                     const rpcproxy_chan_t *chan,
                                     rpcproxy_party_t *const *party)
{
    int i;

    for (i = 0; i < RPCPROXY_PARTIES; i++) {
        if (chan->most[i] && party[i]->tunnels >= chan->most[i]) {
            return (rpcproxy_limit_e)i;
        }
    }
    if (!has_room(limits)) {
        return RPCPROXY_LIMIT_CHILD;
    }
    if (limits->max_half_open &&
        get(limits, RPCPROXY_HALF_OPEN) >= limits->max_half_open) {
        return RPCPROXY_LIMIT_HALF_OPEN;
    }
    return RPCPROXY_LIMITS;
}

/* What a channel is refused with that would break a limit. */
static const char *const why[] = {
    [RPCPROXY_USER] =
        "too many tunnels of this user (RPCProxyMaxTunnelsPerUser)",
    [RPCPROXY_ADDRESS] =
        "too many tunnels of this address (RPCProxyMaxTunnelsPerAddress)",
    [RPCPROXY_BACKEND] = "too many tunnels to this back end "
                         "(RPCProxyMaxTunnelsPerBackend)",
    [RPCPROXY_HOST] = "too many tunnels of this virtual host "
                      "(RPCProxyMaxTunnelsPerHost)",
    [RPCPROXY_LIMIT_CHILD] = "too many tunnels in this process "
                             "(RPCProxyMaxTunnels, descriptors)",
    [RPCPROXY_LIMIT_HALF_OPEN] =
        "too many tunnels wait for their set-up (RPCProxyMaxHalfOpen)",
    [RPCPROXY_LIMITS] = NULL};

const char *rpcproxy_limits_enter(const rpcproxy_chan_t *chan,
                                  rpcproxy_party_t **party)
{
    char host[2 * sizeof(void *) + 3];
    const char *const name[] = {
        [RPCPROXY_USER] = chan->identity.user,
        [RPCPROXY_ADDRESS] = chan->client,
        [RPCPROXY_BACKEND] = chan->backend,
        [RPCPROXY_HOST] = host,
    };
    struct rpcproxy_limits_t *limits = limits_of_child();
    rpcproxy_limit_e broken;
    int i;

    apr_snprintf(host, sizeof(host), "%pp", (const void *)chan->server);
    apr_thread_mutex_lock(limits->mutex);
    for (i = 0; i < RPCPROXY_PARTIES; i++) {
        party[i] = party_get(limits->parties[i], name[i]);
    }
    broken = broken_limit(limits, chan, party);
    if (broken == RPCPROXY_LIMITS) {
        add(RPCPROXY_TUNNELS, 1);
        add(RPCPROXY_HALF_OPEN, 1);
        add(RPCPROXY_BEGUN, 1);
    }
    else {
        add(RPCPROXY_OVER_LIMIT + broken, 1);
    }
    for (i = 0; i < RPCPROXY_PARTIES; i++) {
        party[i]->tunnels += broken == RPCPROXY_LIMITS;
        party_drop_if_empty(limits->parties[i], party[i]);
    }
    apr_thread_mutex_unlock(limits->mutex);
    return why[broken];
}

const char *rpcproxy_limits_relay_enter(void)
{
    struct rpcproxy_limits_t *limits = limits_of_child();
    int fits;

    apr_thread_mutex_lock(limits->mutex);
    fits = has_room(limits);
    if (fits) {
        add(RPCPROXY_RELAYS, 1);
        add(RPCPROXY_RELAYED, 1);
    }
    else {
        add(RPCPROXY_OVER_LIMIT + RPCPROXY_LIMIT_CHILD, 1);
    }
    apr_thread_mutex_unlock(limits->mutex);
    return why[fits ? RPCPROXY_LIMITS : RPCPROXY_LIMIT_CHILD];
}

void rpcproxy_limits_relay_leave(void)
{
    add(RPCPROXY_RELAYS, -1);
}

void rpcproxy_limits_opened(void)
{
    add(RPCPROXY_HALF_OPEN, -1);
    add(RPCPROXY_OPENED, 1);
}

void rpcproxy_limits_tell(rpcproxy_tunnel_t *t)
{
    const vconn_counts_t *n = &t->vconn.counts, *told = &t->told;
    const struct {
        rpcproxy_count_e count;
        apr_uint64_t now, before;
    } moved[] = {
        {RPCPROXY_BYTES_UP, n->bytes_up, told->bytes_up},
        {RPCPROXY_BYTES_DOWN, n->bytes_down, told->bytes_down},
        {RPCPROXY_PDUS_UP, n->pdus_up, told->pdus_up},
        {RPCPROXY_PDUS_DOWN, n->pdus_down, told->pdus_down},
        {RPCPROXY_PINGS_SENT, n->pings_sent, told->pings_sent},
        {RPCPROXY_PINGS_RECEIVED, n->pings_received, told->pings_received},
        {RPCPROXY_IN_RECYCLES, n->in_recycles, told->in_recycles},
        {RPCPROXY_OUT_RECYCLES, n->out_recycles, told->out_recycles},
    };
    size_t i;

    for (i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
        if (moved[i].now != moved[i].before) {
            add(moved[i].count, (apr_int64_t)(moved[i].now - moved[i].before));
        }
    }
    t->told = *n;
}

void rpcproxy_limits_tell_much(rpcproxy_tunnel_t *t)
{
    const vconn_counts_t *n = &t->vconn.counts, *told = &t->told;

    if (n->bytes_up + n->bytes_down - told->bytes_up - told->bytes_down >=
        MUCH) {
        rpcproxy_limits_tell(t);
    }
}

void rpcproxy_limits_leave(rpcproxy_tunnel_t *t)
{
    struct rpcproxy_limits_t *limits = limits_of_child();
    int i;

    rpcproxy_limits_tell(t);
    apr_thread_mutex_lock(limits->mutex);
    add(RPCPROXY_TUNNELS, -1);
    add(RPCPROXY_HALF_OPEN, -!t->opened);
    for (i = 0; i < RPCPROXY_PARTIES; i++) {
        t->party[i]->tunnels--;
        party_drop_if_empty(limits->parties[i], t->party[i]);
    }
    apr_thread_mutex_unlock(limits->mutex);
}

static apr_status_t channel_gone(void *row)
{
    tally_add(row, RPCPROXY_CHANNELS, -1);
    return APR_SUCCESS;
}

void rpcproxy_limits_channel(conn_rec *c)
{
    tally_row_t *row = limits_of_child()->row;

    tally_add(row, RPCPROXY_CHANNELS, 1);
    apr_pool_cleanup_register(c->pool, row, channel_gone,
                              apr_pool_cleanup_null);
}

void rpcproxy_limits_refused(unsigned int code)
{
    int i;

    for (i = 0; limits_of_child() && i < RPCPROXY_CODES; i++) {
        if (rpcproxy_code[i] == code) {
            add(RPCPROXY_REFUSED + i, 1);
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
    totals->max_tunnels = limits->max_tunnels;
    totals->slots = rpcproxy_pairs_held();
    if (rpcproxy_pairs_tally_sum(totals->count, &totals->processes)) {
        return;
    }
    totals->processes = 1;
    for (i = 0; i < TALLY_COLUMNS; i++) {
        totals->count[i] = tally_get(limits->row, i);
    }
}
