/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The HTTP side of a channel that its worker thread has left: the handler
 * suspends the connection, and the poller reads and writes by the filters
 * (mod_rpcproxy_filters.c) and ends the request, never blocking.
 *
 * Nothing in httpd resumes a suspended connection, so everything that the MPM
 * does at the end of one is done here: end of the request, flush, lingering
 * close, and the pool of the connection, whose cleanups do the MPM's
 * accounting.
 *
 * What httpd 2.4 does with such connections, and where that is met:
 *
 *   its timed callbacks do not wake an idle listener      own heap (timers)
 *   the worker still writes after the suspend hook        take_over(), die()
 *   a broken connection comes to the hook as LINGER       .._suspended()
 *   its memory is kept for a next request                 filters
 *   mod_ssl holds small writes until metadata comes       filters
 *   FLUSH, and more than 64 KiB, write blocking           filters, WRITE_MAX
 *   mod_reqtimeout ends a silent body                     .._drop_reqtimeout()
 *   nothing but a blocking read sends 100 Continue        .._read_hello()
 *   mod_logio's filter stands before the core's           filters
 *   the state after the request spoils the accounting     suspended_finish()
 *   they count where the MPM decides to accept            rpcproxy.conf
 *   one without a free slot for its successor stops       rpcproxy.conf
 *   accept() out of descriptors ends the whole child      limits
 *   a poll set names what an earlier event has ended      poller, deferred tasks
 *   names, and all that blocks, would stop every tunnel   resolved by the worker
 *   mod_status does not tell them                         status
 */

#include "mod_rpcproxy_filters.h"

#include <ap_mpm.h>
#include <errno.h>
#include <http_connection.h>
#include <http_main.h>
#include <http_protocol.h>
#include <http_request.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

APLOG_USE_MODULE(rpcproxy);

/* The worker still writes to its connection state a moment after the hand-over
 * is visible: its memory must not go before this. */
#define YOUNGEST_END apr_time_from_msec(200)
#define HAND_OVER_TRIES 20
#define HAND_OVER_RETRY apr_time_from_msec(1)
#define FLUSH_TIME apr_time_from_sec(5)
#define LINGER_TIME apr_time_from_sec(2)

typedef enum stage_e {
    STAGE_HANDING_OVER, /* the worker has not let go */
    STAGE_ACTIVE,
    STAGE_FLUSHING,  /* the request has ended, its bytes are on the way */
    STAGE_LINGERING, /* our end is closed */
    STAGE_DYING      /* waits for its pool to be old enough */
} stage_e;

typedef struct suspended_t {
    rpcproxy_filters_t filters; /* first */
    stage_e stage;
    int wanted;
    int tries; /* of the hand-over */
    apr_time_t handed_over;
} suspended_t;

static int socket_of(const rpcproxy_chan_t *chan)
{
    apr_os_sock_t fd = -1;

    apr_os_sock_get(&fd, ap_get_conn_socket(chan->c));
    return fd;
}

apr_size_t rpcproxy_channel_queued(const rpcproxy_chan_t *chan)
{
    int bytes = 0;

    return ioctl(socket_of(chan), SIOCOUTQ, &bytes) == 0 && bytes > 0
               ? (apr_size_t)bytes
               : 0;
}

/* A client that vanished must not hold a tunnel for ever, and one that stops
 * taking bytes not longer than it was told to bear silence. */
void rpcproxy_channel_socket_options(rpcproxy_chan_t *chan)
{
    int fd = socket_of(chan), on = 1, interval = 15, count = 4;
    int idle = (int)(chan->options.connection_timeout / 1000);
    unsigned int timeout = chan->options.connection_timeout;

    chan->watch.fd = fd;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

/* A channel that is not read for back-pressure's sake says nothing about its
 * client's end twice. */
static void suspended_watch(rpcproxy_chan_t *chan, int read)
{
    suspended_t *s = chan->private;
    apr_uint32_t events = EPOLLPRI;

    s->wanted = read;
    if (read) {
        events |= EPOLLIN;
    }
    else if (!chan->hung_up) {
        events |= EPOLLRDHUP;
    }
    if (chan->blocked) {
        events |= EPOLLOUT;
    }
    rpcproxy_poller_watch(chan->poller, &chan->watch, events);
}

/* The end of a channel, in stages. */

static void die(rpcproxy_chan_t *chan)
{
    suspended_t *s = chan->private;
    apr_time_t at = s->handed_over + YOUNGEST_END;

    s->stage = STAGE_DYING;
    rpcproxy_poller_watch(chan->poller, &chan->watch, 0);
    rpcproxy_poller_timer(chan->poller, &chan->timer,
                          at > chan->poller->now ? at : chan->poller->now);
}

static void linger(rpcproxy_chan_t *chan)
{
    suspended_t *s = chan->private;

    if (chan->broken || ap_start_lingering_close(chan->c)) {
        die(chan);
        return;
    }
    s->stage = STAGE_LINGERING;
    rpcproxy_poller_timer(chan->poller, &chan->timer,
                          chan->poller->now + LINGER_TIME);
    rpcproxy_poller_watch(chan->poller, &chan->watch, EPOLLIN | EPOLLRDHUP);
}

static void go_on_flushing(rpcproxy_chan_t *chan)
{
    rpcproxy_filters_flush(chan);
    if (chan->blocked) {
        rpcproxy_poller_watch(chan->poller, &chan->watch, EPOLLOUT);
    }
    else {
        linger(chan);
    }
}

static void suspended_finish(rpcproxy_chan_t *chan, unsigned int code)
{
    suspended_t *s = chan->private;
    request_rec *r = chan->r;

    chan->c->keepalive = AP_CONN_CLOSE; /* nobody reads the endless body */
    if (!chan->answered && code) {
        rpcproxy_refuse(r, code);
    }
    else if (!chan->answered) {
        rpcproxy_success(r, 0);
    }
    ap_finalize_request_protocol(r);
    chan->r = NULL;
    chan->tunnel = NULL;
    ap_process_request_after_handler(r);
    /* The MPM counts this connection as suspended until its pool goes. */
    chan->c->cs->state = CONN_STATE_SUSPENDED;
    s->stage = STAGE_FLUSHING;
    rpcproxy_poller_timer(chan->poller, &chan->timer,
                          chan->poller->now + FLUSH_TIME);
    go_on_flushing(chan);
}

static const rpcproxy_chan_ops_t suspended_ops = {
    rpcproxy_filters_read, rpcproxy_filters_write, suspended_watch,
    suspended_finish, rpcproxy_channel_queued};

static void on_active_event(rpcproxy_chan_t *chan, apr_uint32_t events)
{
    suspended_t *s = chan->private;

    if (events & (EPOLLERR | EPOLLHUP)) {
        chan->broken = 1;
        rpcproxy_tunnel_gone(chan);
    }
    else if (chan->blocked && (events & EPOLLOUT)) {
        rpcproxy_filters_flush(chan);
        rpcproxy_tunnel_writable(chan);
    }
    else if (s->wanted && (events & EPOLLIN)) {
        rpcproxy_tunnel_readable(chan);
    }
    else if (events & EPOLLRDHUP) {
        chan->hung_up = 1;
        rpcproxy_tunnel_gone(chan);
    }
}

/* 1 when the client has closed its end as well, or nothing more will come. */
static int drained(rpcproxy_chan_t *chan)
{
    ssize_t n;

    do {
        n = recv(chan->watch.fd, chan->poller->scratch, RPCPROXY_SCRATCH,
                 MSG_DONTWAIT);
    } while (n > 0);
    return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static void on_event(rpcproxy_watch_t *watch, apr_uint32_t events)
{
    rpcproxy_chan_t *chan =
        (rpcproxy_chan_t *)((char *)watch - offsetof(rpcproxy_chan_t, watch));
    suspended_t *s = chan->private;

    switch (s->stage) {
    case STAGE_ACTIVE:
        on_active_event(chan, events);
        break;
    case STAGE_FLUSHING:
        go_on_flushing(chan);
        break;
    case STAGE_LINGERING:
        if (drained(chan)) {
            die(chan);
        }
        break;
    default:
        break;
    }
}

/* The hand-over.  The worker clears sbh as its last visible act. */
static void take_over(rpcproxy_chan_t *chan)
{
    suspended_t *s = chan->private;

    if (*(ap_sb_handle_t *volatile *)&chan->c->sbh != NULL) {
        /* A matter of microseconds, unless the worker lost its processor. */
        if (s->tries++ < HAND_OVER_TRIES) {
            rpcproxy_poller_defer(chan->poller, &chan->again);
        }
        else {
            rpcproxy_poller_timer(chan->poller, &chan->timer,
                                  chan->poller->now + HAND_OVER_RETRY);
        }
        return;
    }
    apr_socket_timeout_set(ap_get_conn_socket(chan->c), 0);
    s->stage = STAGE_ACTIVE;
    rpcproxy_vconns_join(chan);
}

static void start(rpcproxy_task_t *task)
{
    take_over(
        (rpcproxy_chan_t *)((char *)task - offsetof(rpcproxy_chan_t, start)));
}

static void try_again(rpcproxy_task_t *task)
{
    take_over(
        (rpcproxy_chan_t *)((char *)task - offsetof(rpcproxy_chan_t, again)));
}

static void on_timer(rpcproxy_timer_t *timer)
{
    rpcproxy_chan_t *chan =
        (rpcproxy_chan_t *)((char *)timer - offsetof(rpcproxy_chan_t, timer));
    suspended_t *s = chan->private;

    switch (s->stage) {
    case STAGE_HANDING_OVER:
        take_over(chan);
        break;
    case STAGE_ACTIVE:
        rpcproxy_filters_rest(chan);
        break;
    case STAGE_FLUSHING:
    case STAGE_LINGERING:
        die(chan);
        break;
    case STAGE_DYING:
        apr_pool_destroy(chan->c->pool); /* with it, the socket and `chan` */
        break;
    default:
        break;
    }
}

static int can_suspend(const conn_rec *c)
{
    const rpcproxy_server_t *conf =
        ap_get_module_config(ap_server_conf->module_config, &rpcproxy_module);
    int async = 0;

    return conf->blocking != 1 && c->cs && !c->master &&
           !c->clogging_input_filters &&
           ap_mpm_query(AP_MPMQ_IS_ASYNC, &async) == APR_SUCCESS && async;
}

int rpcproxy_channel_run(rpcproxy_chan_t *chan)
{
    conn_rec *c = chan->c;
    suspended_t *s;

    if (!can_suspend(c)) {
        return rpcproxy_blocking_run(chan);
    }
    s = apr_pcalloc(c->pool, sizeof(*s));
    rpcproxy_filters_init(&s->filters, chan);
    s->handed_over = apr_time_now();
    chan->private = s;
    chan->ops = &suspended_ops;
    chan->start.run = start;
    chan->again.run = try_again;
    chan->watch.ready = on_event;
    chan->timer.fire = on_timer;
    ap_set_module_config(c->conn_config, &rpcproxy_module, chan);
    return SUSPENDED;
}

/* The one place where a channel goes to its poller.  A connection that broke
 * meanwhile comes here in another state, and the MPM ends it. */
void rpcproxy_channel_suspended(conn_rec *c, request_rec *r)
{
    rpcproxy_chan_t *chan =
        ap_get_module_config(c->conn_config, &rpcproxy_module);

    (void)r;
    if (chan && c->cs->state == CONN_STATE_SUSPENDED && !c->aborted) {
        ap_set_module_config(c->conn_config, &rpcproxy_module, NULL);
        rpcproxy_poller_post(chan->poller, &chan->start);
    }
}
