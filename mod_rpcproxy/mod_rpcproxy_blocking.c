/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The HTTP side of a channel where the MPM cannot suspend: the worker thread
 * stays with its channel for life, reads or writes in blocking calls, and
 * exchanges bytes with the poller through one bounded buffer.
 *
 * Prefork ends its process in a signal handler on the very thread that serves,
 * and that handler waits for the poller.  Signals are therefore held while the
 * worker has anything that the poller may wait for, and let in where it waits
 * itself: in a call to the client, or for the poller. */

#include "mod_rpcproxy.h"

#include <apr_strings.h>
#include <errno.h>
#include <http_protocol.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <util_filter.h>

APLOG_USE_MODULE(rpcproxy);

#define READ_SIZE 16384
/* More than this waiting for the client and the tunnel is told to stop. */
#define OUT_HIGH 65536

typedef struct blocking_t {
    rpcproxy_chan_t *chan;
    /* Not APR's, whose cleanups would wait for ever in a signal handler. */
    pthread_mutex_t mutex; /* guards all of this but `wanted` */
    sem_t wake;            /* the worker, when it is `asleep` */
    int asleep;
    sigset_t signals;            /* the worker's, when they are let in */
    unsigned char in[READ_SIZE]; /* from the worker to the poller */
    apr_size_t in_at, in_len;
    apr_status_t in_end; /* APR_EOF or an error follows those bytes */
    unsigned char *out;  /* from the poller to the worker */
    apr_size_t out_len, out_room;
    int header;             /* the answer's header must go out */
    int out_failed;         /* the client has gone */
    rpcproxy_task_t report; /* makes the poller look at this channel */
    int reported;           /* `report` waits in the inbox */
    int finished;           /* the worker answers `code` and returns */
    unsigned int code;
    int wanted; /* the poller's own: it wants to know of bytes */
} blocking_t;

void rpcproxy_signals_hold(sigset_t *before)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

void rpcproxy_signals_release(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* The poller's side. */

/* With the mutex. */
static void wake_worker(blocking_t *b)
{
    if (b->asleep) {
        b->asleep = 0;
        sem_post(&b->wake);
    }
}

static void run_report(rpcproxy_task_t *task)
{
    blocking_t *b = (blocking_t *)((char *)task - offsetof(blocking_t, report));
    rpcproxy_chan_t *chan = b->chan;
    int gone, bytes, attached;

    pthread_mutex_lock(&b->mutex);
    bytes = b->in_len > 0 || b->in_end;
    gone = b->out_failed || (b->in_end && !b->in_len && !b->wanted);
    chan->blocked = b->out_len > OUT_HIGH;
    /* A worker that is finished with may go with `chan` after the unlock. */
    attached = chan->tunnel || chan->relay;
    b->reported = 0;
    wake_worker(b);
    pthread_mutex_unlock(&b->mutex);
    if (!attached) {
        return;
    }
    if (gone) {
        chan->hung_up = 1;
        rpcproxy_tunnel_gone(chan);
    }
    else if (bytes && b->wanted) {
        rpcproxy_tunnel_readable(chan);
    }
    else {
        rpcproxy_tunnel_writable(chan);
    }
}

static apr_status_t blocking_read(rpcproxy_chan_t *chan, void *buf,
                                  apr_size_t *len)
{
    blocking_t *b = chan->private;
    apr_status_t rv = APR_SUCCESS;

    pthread_mutex_lock(&b->mutex);
    if (b->in_len) {
        *len = *len < b->in_len ? *len : b->in_len;
        memcpy(buf, b->in + b->in_at, *len);
        b->in_at += *len;
        b->in_len -= *len;
        wake_worker(b);
    }
    else {
        *len = 0;
        rv = b->in_end ? b->in_end : APR_EAGAIN;
    }
    pthread_mutex_unlock(&b->mutex);
    return rv;
}

static void blocking_write(rpcproxy_chan_t *chan, const void *bytes,
                           apr_size_t len)
{
    blocking_t *b = chan->private;

    pthread_mutex_lock(&b->mutex);
    if (b->out_len + len > b->out_room) {
        b->out_room = b->out_len + len + READ_SIZE;
        b->out = realloc(b->out, b->out_room);
        if (!b->out) {
            ap_abort_on_oom();
        }
    }
    if (len) {
        memcpy(b->out + b->out_len, bytes, len);
    }
    b->out_len += len;
    b->header = 1;
    chan->blocked = b->out_len > OUT_HIGH;
    wake_worker(b);
    pthread_mutex_unlock(&b->mutex);
}

static void on_hangup(rpcproxy_watch_t *watch, apr_uint32_t events)
{
    rpcproxy_chan_t *chan =
        (rpcproxy_chan_t *)((char *)watch - offsetof(rpcproxy_chan_t, watch));

    (void)events;
    rpcproxy_poller_watch(chan->poller, watch, 0);
    chan->hung_up = 1;
    if (chan->tunnel || chan->relay) {
        rpcproxy_tunnel_gone(chan);
    }
}

/* A worker that reads sees the end of its stream itself; others sleep. */
static void blocking_watch(rpcproxy_chan_t *chan, int read)
{
    blocking_t *b = chan->private;

    b->wanted = read;
    if (!chan->hung_up) {
        rpcproxy_poller_watch(chan->poller, &chan->watch,
                              chan->out || !read ? EPOLLRDHUP : 0);
    }
}

/* After this the worker may return, and `chan` be gone. */
static void let_go(rpcproxy_task_t *task)
{
    rpcproxy_chan_t *chan =
        (rpcproxy_chan_t *)((char *)task - offsetof(rpcproxy_chan_t, again));
    blocking_t *b = chan->private;

    pthread_mutex_lock(&b->mutex);
    b->finished = 1;
    apr_socket_shutdown(ap_get_conn_socket(chan->c), APR_SHUTDOWN_READ);
    wake_worker(b);
    pthread_mutex_unlock(&b->mutex);
}

static void blocking_finish(rpcproxy_chan_t *chan, unsigned int code)
{
    blocking_t *b = chan->private;

    chan->tunnel = NULL;
    b->code = code;
    rpcproxy_poller_watch(chan->poller, &chan->watch, 0);
    chan->again.run = let_go;
    rpcproxy_poller_defer(chan->poller, &chan->again);
}

static apr_size_t blocking_unsent(const rpcproxy_chan_t *chan)
{
    blocking_t *b = chan->private;
    apr_size_t len;

    pthread_mutex_lock(&b->mutex);
    len = b->out_len;
    pthread_mutex_unlock(&b->mutex);
    return len + rpcproxy_channel_queued(chan);
}

static const rpcproxy_chan_ops_t blocking_ops = {
    blocking_read, blocking_write, blocking_watch, blocking_finish,
    blocking_unsent};

/* The worker's side; the mutex and all signals are held unless it says
 * otherwise. */

static void hold(blocking_t *b)
{
    rpcproxy_signals_hold(&b->signals);
    pthread_mutex_lock(&b->mutex);
}

static void let_in(blocking_t *b)
{
    pthread_mutex_unlock(&b->mutex);
    rpcproxy_signals_release(&b->signals);
}

/* Until the poller has changed something. */
static void sleep_a_while(blocking_t *b)
{
    b->asleep = 1;
    let_in(b);
    while (sem_wait(&b->wake) != 0 && errno == EINTR) {
    }
    hold(b);
}

static void report(blocking_t *b)
{
    if (!b->reported && !b->finished) {
        b->reported = 1;
        rpcproxy_poller_post(b->chan->poller, &b->report);
    }
}

/* Without the mutex: the next bytes of the body. */
static apr_status_t read_body(request_rec *r, apr_bucket_brigade *bb,
                              unsigned char *buf, apr_size_t *len)
{
    apr_status_t rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                                     APR_BLOCK_READ, (apr_off_t)*len);

    if (rv == APR_SUCCESS) {
        rv = apr_brigade_flatten(bb, (char *)buf, len);
    }
    apr_brigade_cleanup(bb);
    if (rv == APR_SUCCESS && *len == 0) {
        rv = APR_EOF;
    }
    return rv;
}

/* Hands the body over until it ends, `most` bytes have come or the poller has
 * finished with the channel. */
static void pump_in(blocking_t *b, apr_size_t most)
{
    request_rec *r = b->chan->r;
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    unsigned char buf[READ_SIZE];

    while (!b->finished && !b->in_end && most > 0) {
        apr_size_t len = most < sizeof(buf) ? most : sizeof(buf);
        apr_status_t rv;

        let_in(b);
        rv = read_body(r, bb, buf, &len);
        hold(b);
        while (b->in_len && !b->finished) {
            sleep_a_while(b);
        }
        if (rv == APR_SUCCESS) {
            memcpy(b->in, buf, len);
            b->in_at = 0;
            b->in_len = len;
            most -= len;
        }
        else {
            b->in_end = rv;
        }
        report(b);
    }
}

/* Without the mutex. */
static int write_body(request_rec *r, apr_bucket_brigade *bb,
                      const unsigned char *bytes, apr_size_t len)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_status_t rv;

    if (len) {
        APR_BRIGADE_INSERT_TAIL(
            bb, apr_bucket_transient_create((const char *)bytes, len, alloc));
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(alloc));
    rv = ap_pass_brigade(r->output_filters, bb);
    apr_brigade_cleanup(bb);
    return rv == APR_SUCCESS && !r->connection->aborted;
}

/* Writes what the poller leaves, until it has finished with the channel. */
static void pump_out(blocking_t *b)
{
    request_rec *r = b->chan->r;
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);

    while (1) {
        unsigned char *bytes;
        apr_size_t len;
        int written;

        while (!b->header && !b->finished) {
            sleep_a_while(b);
        }
        if (!b->header || b->out_failed) {
            break;
        }
        bytes = b->out;
        len = b->out_len;
        b->out = NULL;
        b->out_len = b->out_room = 0;
        b->header = 0;
        let_in(b);
        written = write_body(r, bb, bytes, len);
        hold(b);
        free(bytes);
        if (!written) {
            b->out_failed = 1;
        }
        if (!written || len > OUT_HIGH) {
            report(b);
        }
    }
}

static void wait_for_finish(blocking_t *b)
{
    while (!b->finished || b->reported) {
        sleep_a_while(b);
    }
    free(b->out);
    b->out = NULL;
}

static void join_poller(rpcproxy_task_t *task)
{
    rpcproxy_vconns_join(
        (rpcproxy_chan_t *)((char *)task - offsetof(rpcproxy_chan_t, start)));
}

int rpcproxy_blocking_run(rpcproxy_chan_t *chan)
{
    blocking_t *b = apr_pcalloc(chan->r->pool, sizeof(*b));

    b->chan = chan;
    b->report.run = run_report;
    chan->private = b;
    chan->ops = &blocking_ops;
    chan->start.run = join_poller;
    chan->watch.ready = on_hangup;
    pthread_mutex_init(&b->mutex, NULL);
    sem_init(&b->wake, 0, 0);
    apr_socket_timeout_set(ap_get_conn_socket(chan->c), -1);
    hold(b);
    rpcproxy_poller_post(chan->poller, &chan->start);
    if (!chan->out) {
        pump_in(b, (apr_size_t)-1);
    }
    else {
        if (chan->hello.kind == HELLO_OUT_NEXT) {
            pump_in(b, RPCPROXY_C1_SIZE);
        }
        pump_out(b);
    }
    wait_for_finish(b);
    let_in(b);
    sem_destroy(&b->wake);
    pthread_mutex_destroy(&b->mutex);
    apr_socket_timeout_set(ap_get_conn_socket(chan->c), chan->server->timeout);
    if (!chan->answered && b->code) {
        return rpcproxy_refuse(chan->r, b->code);
    }
    if (!chan->answered) {
        rpcproxy_success(chan->r, 0);
    }
    return OK;
}
