/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A channel that came to another child, as the owner of its virtual connection
 * sees it: the same operations as of a client's connection here. */

#include "mod_rpcproxy_relay.h"

#include <apr_strings.h>
#include <errno.h>
#include <http_main.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

APLOG_USE_MODULE(rpcproxy);

#define HELLO_TIME apr_time_from_sec(5)
/* The other child flushes and closes first. */
#define LEAVE_TIME apr_time_from_sec(10)

typedef enum stage_e {
    STAGE_HELLO,
    STAGE_JOINING, /* on the way to its poller */
    STAGE_ACTIVE,
    STAGE_LEAVING, /* finished; the other child closes */
    STAGE_GONE     /* waits for its task */
} stage_e;

typedef struct relayed_t {
    rpcproxy_chan_t chan; /* chan.watch, chan.timer, chan.again are in use */
    stage_e stage;
    rpcproxy_wire_t wire;
    int wanted;
    int data_waits; /* nobody reads OUT, and its next message is data */
    int answer_sent;
    apr_size_t untaken; /* bytes that the client is not known to have taken */
    target_endpoint_t endpoint[TARGET_ENDPOINTS_MAX];
    unsigned char hello[RELAY_HELLO_MAX];
} relayed_t;

static relayed_t *relayed_of(rpcproxy_chan_t *chan)
{
    return chan->private;
}

/* A virtual host has one name in the processes of all generations. */
const char *rpcproxy_relayed_server_name(const server_rec *s, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s:%u/%s:%u", s->defn_name ? s->defn_name : "",
                        s->defn_line_number,
                        s->server_hostname ? s->server_hostname : "", s->port);
}

static server_rec *server_named(const char *name)
{
    server_rec *s, *found = NULL;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    for (s = ap_server_conf; s && !found; s = s->next) {
        if (strcmp(rpcproxy_relayed_server_name(s, pool), name) == 0) {
            found = s;
        }
    }
    apr_pool_destroy(pool);
    return found;
}

static void run_free(rpcproxy_task_t *task)
{
    rpcproxy_chan_t *chan =
        (rpcproxy_chan_t *)((char *)task - offsetof(rpcproxy_chan_t, again));

    free(relayed_of(chan));
}

/* Memory goes when no event of this round can name it any more. */
static void drop(relayed_t *x)
{
    rpcproxy_chan_t *chan = &x->chan;

    x->stage = STAGE_GONE;
    rpcproxy_poller_watch(chan->poller, &chan->watch, 0);
    rpcproxy_poller_timer(chan->poller, &chan->timer, 0);
    rpcproxy_wire_close(&x->wire);
    rpcproxy_poller_defer(chan->poller, &chan->again);
}

static void check(relayed_t *x, int error)
{
    if (error) {
        x->chan.broken = 1;
    }
    x->chan.blocked = !x->chan.broken && x->wire.first != NULL;
}

/* What a report says of OUT's client. */
static void note_taken(relayed_t *x, apr_size_t len)
{
    x->untaken -= len < x->untaken ? len : x->untaken;
}

/* The operations. */

static apr_status_t relayed_read(rpcproxy_chan_t *chan, void *buf,
                                 apr_size_t *len)
{
    relayed_t *x = relayed_of(chan);
    apr_size_t room = *len;
    relay_head_t head;
    apr_status_t rv;

    do {
        *len = room;
        rv = rpcproxy_wire_read(&x->wire, &head, buf, len);
        if (rv == APR_SUCCESS && head.type == RELAY_TAKEN) {
            note_taken(x, head.value);
        }
    } while (rv == APR_SUCCESS && head.type == RELAY_TAKEN);
    x->data_waits = 0;
    if (rv == APR_SUCCESS && (head.type != RELAY_DATA || !*len)) {
        rv = APR_EGENERAL;
    }
    return rv;
}

static void relayed_write(rpcproxy_chan_t *chan, const void *bytes,
                          apr_size_t len)
{
    relayed_t *x = relayed_of(chan);
    int error = 0;

    if (chan->answered && !x->answer_sent) {
        x->answer_sent = 1;
        error = rpcproxy_wire_send(&x->wire, RELAY_ANSWER,
                                   chan->options.lifetime, NULL, 0);
    }
    if (!error && len) {
        x->untaken += len;
        error = rpcproxy_wire_send(&x->wire, RELAY_DATA, 0, bytes, len);
    }
    check(x, error);
}

static void relayed_watch(rpcproxy_chan_t *chan, int read)
{
    relayed_t *x = relayed_of(chan);
    apr_uint32_t events = EPOLLPRI;

    x->wanted = read;
    if (read || (chan->out && !chan->hung_up && !x->data_waits)) {
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

static void relayed_finish(rpcproxy_chan_t *chan, unsigned int code)
{
    relayed_t *x = relayed_of(chan);

    chan->tunnel = NULL;
    check(x, rpcproxy_wire_send(&x->wire, RELAY_FINISH, code, NULL, 0));
    if (chan->broken) {
        drop(x);
        return;
    }
    x->stage = STAGE_LEAVING;
    rpcproxy_poller_watch(chan->poller, &chan->watch,
                          chan->blocked ? EPOLLPRI | EPOLLOUT : EPOLLPRI);
    rpcproxy_poller_timer(chan->poller, &chan->timer,
                          chan->poller->now + LEAVE_TIME);
}

static apr_size_t relayed_unsent(const rpcproxy_chan_t *chan)
{
    const relayed_t *x = chan->private;

    return x->untaken;
}

static const rpcproxy_chan_ops_t relayed_ops = {
    relayed_read, relayed_write, relayed_watch, relayed_finish, relayed_unsent};

/* Events. */

static void hung_up(rpcproxy_chan_t *chan)
{
    chan->hung_up = 1;
    rpcproxy_tunnel_gone(chan);
}

/* Nobody reads OUT, but its reports are taken as they come. */
static void take_reports(relayed_t *x)
{
    relay_head_t head;
    apr_size_t len;
    apr_status_t rv;

    while ((rv = rpcproxy_wire_peek(&x->wire, &head)) == APR_SUCCESS) {
        if (head.type != RELAY_TAKEN) {
            x->data_waits = 1;
            rpcproxy_tunnel_writable(&x->chan); /* waits for other things now */
            return;
        }
        len = 0;
        rpcproxy_wire_read(&x->wire, &head, NULL, &len);
        note_taken(x, head.value);
    }
    if (!APR_STATUS_IS_EAGAIN(rv)) {
        hung_up(&x->chan);
    }
}

static void on_active_event(relayed_t *x, apr_uint32_t events)
{
    rpcproxy_chan_t *chan = &x->chan;

    if (events & (EPOLLERR | EPOLLHUP)) {
        chan->broken = 1;
        rpcproxy_tunnel_gone(chan);
    }
    else if (chan->blocked && (events & EPOLLOUT)) {
        check(x, rpcproxy_wire_flush(&x->wire));
        rpcproxy_tunnel_writable(chan);
    }
    else if (x->wanted && (events & EPOLLIN)) {
        rpcproxy_tunnel_readable(chan);
    }
    else if (events & EPOLLIN) {
        take_reports(x);
    }
    else if (events & EPOLLRDHUP) {
        hung_up(chan);
    }
}

static void on_leaving_event(relayed_t *x, apr_uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP)) {
        drop(x);
    }
    else if (events & EPOLLOUT) {
        check(x, rpcproxy_wire_flush(&x->wire));
        if (x->chan.broken) {
            drop(x);
        }
        else if (!x->chan.blocked) {
            rpcproxy_poller_watch(x->chan.poller, &x->chan.watch, EPOLLPRI);
        }
    }
}

static void run_join(rpcproxy_task_t *task)
{
    rpcproxy_chan_t *chan =
        (rpcproxy_chan_t *)((char *)task - offsetof(rpcproxy_chan_t, start));

    relayed_of(chan)->stage = STAGE_ACTIVE;
    rpcproxy_vconns_join(chan);
}

/* What the other child says of the channel; it runs as the same user. */
static int take_hello(relayed_t *x, apr_size_t len)
{
    rpcproxy_chan_t *chan = &x->chan;
    relay_hello_t hello;
    const char *why;

    if (relay_hello_read(&hello, x->hello, len, &why) != APR_SUCCESS ||
        !(chan->server = server_named(hello.server))) {
        return 0;
    }
    chan->hello = hello.hello;
    chan->options = hello.options;
    chan->out = hello.out;
    chan->partial_timeout = hello.partial_timeout;
    memcpy(chan->most, hello.most, sizeof(chan->most));
    chan->trace = hello.trace;
    memcpy(x->endpoint, hello.endpoint, sizeof(x->endpoint));
    chan->endpoint = x->endpoint;
    chan->endpoints = hello.endpoints;
    chan->connect_by = hello.connect_by;
    chan->client = hello.client;
    chan->backend = hello.backend;
    memcpy(chan->network, hello.network, sizeof(chan->network));
    chan->identity.user = hello.user;
    chan->identity.target = hello.target;
    chan->identity.server = chan->server;
    return 1;
}

static void on_hello(relayed_t *x)
{
    rpcproxy_chan_t *chan = &x->chan;
    ssize_t n = recv(x->wire.fd, x->hello, sizeof(x->hello), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0 || !take_hello(x, (apr_size_t)n)) {
        drop(x);
        return;
    }
    rpcproxy_poller_watch(chan->poller, &chan->watch, 0);
    rpcproxy_poller_timer(chan->poller, &chan->timer, 0);
    x->stage = STAGE_JOINING;
    chan->poller = rpcproxy_poller_of(&chan->hello.vconn);
    rpcproxy_poller_post(chan->poller, &chan->start);
}

static void on_event(rpcproxy_watch_t *watch, apr_uint32_t events)
{
    rpcproxy_chan_t *chan =
        (rpcproxy_chan_t *)((char *)watch - offsetof(rpcproxy_chan_t, watch));
    relayed_t *x = relayed_of(chan);

    switch (x->stage) {
    case STAGE_HELLO:
        on_hello(x);
        break;
    case STAGE_ACTIVE:
        on_active_event(x, events);
        break;
    case STAGE_LEAVING:
        on_leaving_event(x, events);
        break;
    default:
        break;
    }
}

/* The hello, or the other child's end, did not come in time. */
static void on_timer(rpcproxy_timer_t *timer)
{
    rpcproxy_chan_t *chan =
        (rpcproxy_chan_t *)((char *)timer - offsetof(rpcproxy_chan_t, timer));

    drop(relayed_of(chan));
}

/* The listening socket. */

typedef struct listener_t {
    rpcproxy_watch_t watch;
    rpcproxy_task_t start;
    rpcproxy_poller_t *poller;
} listener_t;

static int is_one_of_us(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == geteuid();
}

static void welcome(rpcproxy_poller_t *p, int fd)
{
    relayed_t *x = calloc(1, sizeof(*x));
    rpcproxy_chan_t *chan;

    if (!x) {
        ap_abort_on_oom();
    }
    chan = &x->chan;
    chan->private = x;
    chan->ops = &relayed_ops;
    chan->poller = p;
    chan->watch.fd = fd;
    chan->watch.ready = on_event;
    chan->timer.fire = on_timer;
    chan->start.run = run_join;
    chan->again.run = run_free;
    rpcproxy_wire_init(&x->wire, fd);
    rpcproxy_poller_watch(p, &chan->watch, EPOLLIN);
    rpcproxy_poller_timer(p, &chan->timer, p->now + HELLO_TIME);
}

static void on_connection(rpcproxy_watch_t *watch, apr_uint32_t events)
{
    listener_t *l = (listener_t *)((char *)watch - offsetof(listener_t, watch));
    int fd;

    (void)events;
    while ((fd = accept4(watch->fd, NULL, NULL,
                         SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        if (is_one_of_us(fd)) {
            welcome(l->poller, fd);
        }
        else {
            close(fd);
        }
    }
}

static void run_listen(rpcproxy_task_t *task)
{
    listener_t *l = (listener_t *)((char *)task - offsetof(listener_t, start));

    rpcproxy_poller_watch(l->poller, &l->watch, EPOLLIN);
}

void rpcproxy_relayed_listen(apr_pool_t *pchild, int fd)
{
    listener_t *l = apr_pcalloc(pchild, sizeof(*l));
    rts_cookie_t any = {{0}};

    l->watch.fd = fd;
    l->watch.ready = on_connection;
    l->start.run = run_listen;
    l->poller = rpcproxy_poller_of(&any);
    if (l->poller) {
        rpcproxy_poller_post(l->poller, &l->start);
    }
}
