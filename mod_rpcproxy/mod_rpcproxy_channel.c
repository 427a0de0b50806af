/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The HTTP side of a channel that its worker thread has left: the handler
 * suspends the connection, and the poller reads through the input filters,
 * writes through the output filters and ends the request, never blocking.
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
 *   its memory is kept for a next request                 give_back_memory()
 *   mod_ssl holds small writes until metadata comes       nudge_type
 *   FLUSH, and more than 64 KiB, write blocking           flush(), WRITE_MAX
 *   mod_reqtimeout ends a silent body                     .._drop_reqtimeout()
 *   nothing but a blocking read sends 100 Continue        .._read_hello()
 *   mod_logio's filter stands before the core's           is_bare(), add_bytes_in
 *   the state after the request spoils the accounting     suspended_finish()
 *   they count where the MPM decides to accept            rpcproxy.conf
 *   one without a free slot for its successor stops       rpcproxy.conf
 *   accept() out of descriptors ends the whole child      limits
 *   a poll set names what an earlier event has ended      poller, deferred tasks
 *   names, and all that blocks, would stop every tunnel   resolved by the worker
 *   mod_status does not tell them                         status
 */

#include "mod_rpcproxy.h"

#include <ap_mpm.h>
#include <errno.h>
#include <http_connection.h>
#include <http_main.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>
#include <mpm_common.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <util_filter.h>

APLOG_USE_MODULE(rpcproxy);

/* What the core's filter reads at once. */
#define READ_SIZE APR_BUCKET_BUFF_SIZE
/* The worker still writes to its connection state a moment after the hand-over
 * is visible: its memory must not go before this. */
#define YOUNGEST_END apr_time_from_msec(200)
/* After the use of a buffer until it is given back. */
#define REST_TIME apr_time_from_sec(10)
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
    stage_e stage;
    apr_bucket_brigade *in, *out;
    int plain;      /* no filter keeps bytes back */
    int bare;       /* nor changes one: once drained, */
    int direct;     /* they can be passed by */
    apr_off_t left; /* of the body, when bare */
    APR_OPTIONAL_FN_TYPE(ap_logio_add_bytes_in) * add_bytes_in;
    int wanted;
    int used;  /* buffers of the filters, not long ago */
    int tries; /* of the hand-over */
    apr_time_t handed_over;
} suspended_t;

/* A bucket that means nothing.  mod_ssl keeps small writes together until some
 * metadata comes; a FLUSH would make the core block. */

static apr_status_t nudge_read(apr_bucket *b, const char **bytes,
                               apr_size_t *len, apr_read_type_e block)
{
    (void)b;
    (void)block;
    *bytes = NULL;
    *len = 0;
    return APR_SUCCESS;
}

static const apr_bucket_type_t nudge_type = {"RPCPROXY_NUDGE",
                                             5,
                                             APR_BUCKET_METADATA,
                                             apr_bucket_destroy_noop,
                                             nudge_read,
                                             apr_bucket_setaside_noop,
                                             apr_bucket_split_notimpl,
                                             apr_bucket_simple_copy};

static apr_bucket *nudge_create(apr_bucket_alloc_t *alloc)
{
    apr_bucket *b = apr_bucket_alloc(sizeof(*b), alloc);

    APR_BUCKET_INIT(b);
    b->free = apr_bucket_free;
    b->list = alloc;
    b->type = &nudge_type;
    b->length = 0;
    b->start = 0;
    b->data = NULL;
    return b;
}

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

/* What the filters hold goes to the socket as far as it takes it: the last
 * filter, the core's, does that when it is given nothing. */
static void flush(rpcproxy_chan_t *chan)
{
    ap_filter_t *f = chan->c->output_filters;
    apr_status_t rv;

    while (f->next) {
        f = f->next;
    }
    rv = f->frec->filter_func.out_func(f, NULL);
    if ((rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv)) || chan->c->aborted) {
        chan->broken = 1;
    }
    chan->blocked = !chan->broken && chan->c->data_in_output_filters;
}

/* Straight from the socket: half the calls and none of the copies. */
static apr_status_t read_socket(rpcproxy_chan_t *chan, void *buf,
                                apr_size_t *len)
{
    suspended_t *s = chan->private;
    apr_size_t wanted = (apr_off_t)*len < s->left ? *len : (apr_size_t)s->left;
    ssize_t n = wanted ? recv(chan->watch.fd, buf, wanted, MSG_DONTWAIT) : 0;

    *len = 0;
    chan->drained = n < (ssize_t)wanted;
    if (n == 0) {
        return APR_EOF;
    }
    if (n < 0) {
        return errno == EINTR ? APR_EAGAIN : errno;
    }
    if (s->add_bytes_in) {
        s->add_bytes_in(chan->c, n);
    }
    s->left -= n;
    *len = (apr_size_t)n;
    return APR_SUCCESS;
}

/* A connection keeps the buffers that it has had, for a next request or the
 * next bytes.  None are due for a while here, and there are thousands of such
 * connections: the one from which buffers come first gives back some. */
static void give_back_memory(rpcproxy_chan_t *chan)
{
    apr_allocator_t *allocator = apr_pool_allocator_get(chan->c->pool);
    apr_memnode_t *first = apr_allocator_alloc(allocator, READ_SIZE);
    apr_memnode_t *second = apr_allocator_alloc(allocator, READ_SIZE);

    apr_allocator_max_free_set(allocator, 1);
    if (first) {
        apr_allocator_free(allocator, first);
    }
    if (second) {
        apr_allocator_free(allocator, second);
    }
    apr_allocator_max_free_set(allocator, ap_max_mem_free);
}

static void note_use(rpcproxy_chan_t *chan)
{
    suspended_t *s = chan->private;

    if (!s->used) {
        s->used = 1;
        rpcproxy_poller_timer(chan->poller, &chan->timer,
                              chan->poller->now + REST_TIME);
    }
}

static apr_status_t read_filters(rpcproxy_chan_t *chan, void *buf,
                                 apr_size_t *len)
{
    suspended_t *s = chan->private;
    int ended;
    apr_status_t rv =
        ap_get_brigade(chan->r->input_filters, s->in, AP_MODE_READBYTES,
                       APR_NONBLOCK_READ, (apr_off_t)*len);

    note_use(chan);
    if (rv == APR_SUCCESS) {
        ended = !APR_BRIGADE_EMPTY(s->in) &&
                APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(s->in));
        rv = apr_brigade_flatten(s->in, buf, len);
        if (rv == APR_SUCCESS && *len == 0) {
            rv = ended ? APR_EOF : APR_EAGAIN;
        }
        /* The core filter gives all of what it has read from the socket. */
        chan->drained = s->plain && !ended && *len < READ_SIZE;
    }
    apr_brigade_cleanup(s->in);
    if (chan->c->data_in_output_filters) {
        flush(chan); /* TLS answers some of what it reads */
    }
    s->left -= rv == APR_SUCCESS ? (apr_off_t)*len : 0;
    s->direct = s->bare && chan->drained;
    return rv;
}

static apr_status_t suspended_read(rpcproxy_chan_t *chan, void *buf,
                                   apr_size_t *len)
{
    const suspended_t *s = chan->private;

    return s->direct ? read_socket(chan, buf, len)
                     : read_filters(chan, buf, len);
}

static void suspended_write(rpcproxy_chan_t *chan, const void *bytes,
                            apr_size_t len)
{
    suspended_t *s = chan->private;
    apr_bucket_alloc_t *alloc = chan->c->bucket_alloc;
    apr_status_t rv;

    note_use(chan);
    if (len) {
        APR_BRIGADE_INSERT_TAIL(s->out,
                                apr_bucket_transient_create(bytes, len, alloc));
    }
    APR_BRIGADE_INSERT_TAIL(s->out, nudge_create(alloc));
    rv = ap_pass_brigade(chan->r->output_filters, s->out);
    apr_brigade_cleanup(s->out);
    if (rv != APR_SUCCESS) {
        chan->broken = 1;
    }
    else {
        flush(chan);
    }
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
    flush(chan);
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
    suspended_read, suspended_write, suspended_watch, suspended_finish,
    rpcproxy_channel_queued};

static void on_active_event(rpcproxy_chan_t *chan, apr_uint32_t events)
{
    suspended_t *s = chan->private;

    if (events & (EPOLLERR | EPOLLHUP)) {
        chan->broken = 1;
        rpcproxy_tunnel_gone(chan);
    }
    else if (chan->blocked && (events & EPOLLOUT)) {
        flush(chan);
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
        s->used = 0;
        give_back_memory(chan);
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

/* 1 when all that stands between the socket and us only counts. */
static int is_bare(const ap_filter_t *f)
{
    static const char *const known[] = {"http_in", "log_input_output",
                                        "core_in"};
    size_t i;

    for (; f; f = f->next) {
        for (i = 0; i < sizeof(known) / sizeof(known[0]) &&
                    strcasecmp(f->frec->name, known[i]) != 0;
             i++) {
        }
        if (i == sizeof(known) / sizeof(known[0])) {
            return 0;
        }
    }
    return 1;
}

/* What is to come of the body behind its first PDU, or -1. */
static apr_off_t body_left(const rpcproxy_chan_t *chan)
{
    const char *header = apr_table_get(chan->r->headers_in, "Content-Length");
    apr_off_t length;

    return header && ap_parse_strict_length(&length, header) &&
                   length >= (apr_off_t)chan->hello.size
               ? length - (apr_off_t)chan->hello.size
               : -1;
}

int rpcproxy_channel_run(rpcproxy_chan_t *chan)
{
    conn_rec *c = chan->c;
    suspended_t *s;

    if (!can_suspend(c)) {
        return rpcproxy_blocking_run(chan);
    }
    s = apr_pcalloc(c->pool, sizeof(*s));
    s->in = apr_brigade_create(c->pool, c->bucket_alloc);
    s->out = apr_brigade_create(c->pool, c->bucket_alloc);
    s->plain = !ap_ssl_conn_is_ssl(c) &&
               !apr_table_get(chan->r->headers_in, "Transfer-Encoding");
    s->left = body_left(chan);
    s->bare = s->plain && s->left >= 0 && is_bare(chan->r->input_filters);
    s->add_bytes_in = APR_RETRIEVE_OPTIONAL_FN(ap_logio_add_bytes_in);
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
