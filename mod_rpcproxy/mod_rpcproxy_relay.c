/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A channel whose virtual connection another child has: its HTTP side stays
 * here, and its bytes go through a Unix socket.  Neither side is read further
 * than the other one takes. */

#include "mod_rpcproxy_relay.h"

#include <apr_strings.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

APLOG_USE_MODULE(rpcproxy);

/* Messages and reads of one turn. */
#define ROUNDS_A_TURN 4
/* When to look how much OUT's client has taken: soon, then more seldom. */
#define LOOK_FIRST apr_time_from_msec(10)
#define LOOK_LAST apr_time_from_msec(1000)

typedef struct rpcproxy_relay_t rpcproxy_relay_t;

struct rpcproxy_relay_t {
    rpcproxy_relay_t *next, **at; /* in the poller's list */
    rpcproxy_chan_t *chan;
    rpcproxy_poller_t *poller;
    rpcproxy_wire_t wire;
    rpcproxy_watch_t watch; /* of the wire */
    rpcproxy_timer_t look;
    rpcproxy_task_t again; /* more to read, or the end */
    apr_interval_time_t pause;
    apr_size_t to_read; /* bytes that may still come from the client */
    apr_uint64_t moved; /* bytes of IN, and as it was at the last look */
    apr_uint64_t moved_before;
    apr_size_t untaken; /* written to the client and not reported */
    int up_ended;       /* the owner has been told that the client ended */
    int ended;
};

static void settle(rpcproxy_relay_t *x);

/* The channel is finished with `code`; what is left goes with the task. */
static void end(rpcproxy_relay_t *x, unsigned int code)
{
    if (x->ended) {
        return;
    }
    x->ended = 1;
    *x->at = x->next;
    if (x->next) {
        x->next->at = x->at;
    }
    rpcproxy_limits_relay_leave();
    x->chan->relay = NULL;
    x->chan->ops->finish(x->chan, code);
    rpcproxy_poller_watch(x->poller, &x->watch, 0);
    rpcproxy_poller_timer(x->poller, &x->look, 0);
    rpcproxy_wire_close(&x->wire);
    rpcproxy_poller_defer(x->poller, &x->again);
}

static void owner_lost(rpcproxy_relay_t *x)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, x->chan->server,
                 PN(13073) "channel of %s for %s ends: the process that has "
                           "its virtual connection has gone",
                 x->chan->identity.user, x->chan->identity.target);
    end(x, VCONN_CALL_FAILED);
}

/* Client to owner. */

static int reads_client(const rpcproxy_relay_t *x)
{
    return !x->ended && !x->up_ended && x->to_read > 0 && !x->wire.first;
}

static void end_up(rpcproxy_relay_t *x)
{
    if (!x->up_ended) {
        x->up_ended = 1;
        if (!x->wire.first) {
            shutdown(x->wire.fd, SHUT_WR);
        }
    }
}

/* One read; 1 when there may be more. */
static int read_client(rpcproxy_relay_t *x)
{
    unsigned char *scratch = x->poller->scratch;
    apr_size_t len = x->to_read < RELAY_UP_MAX ? x->to_read : RELAY_UP_MAX;
    apr_status_t rv = x->chan->ops->read(x->chan, scratch, &len);

    if (rv != APR_SUCCESS) {
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            end_up(x);
        }
        return 0;
    }
    if (x->chan->out) {
        x->to_read -= len;
    }
    x->moved += len;
    if (rpcproxy_wire_send(&x->wire, RELAY_DATA, 0, scratch, len)) {
        owner_lost(x);
        return 0;
    }
    return !x->chan->drained;
}

static void pump_up(rpcproxy_relay_t *x)
{
    int i;

    for (i = 0; i < ROUNDS_A_TURN; i++) {
        if (!reads_client(x) || !read_client(x)) {
            return;
        }
    }
    /* Bytes in a filter's buffer wake nobody. */
    rpcproxy_poller_defer(x->poller, &x->again);
}

static void run_again(rpcproxy_task_t *task)
{
    rpcproxy_relay_t *x =
        (rpcproxy_relay_t *)((char *)task - offsetof(rpcproxy_relay_t, again));

    if (x->ended) {
        free(x);
        return;
    }
    pump_up(x);
    settle(x);
}

/* Owner to client. */

static void write_client(rpcproxy_relay_t *x, const void *bytes, apr_size_t len)
{
    x->chan->ops->write(x->chan, bytes, len);
    if (len) {
        if (!x->untaken) {
            x->pause = LOOK_FIRST;
            rpcproxy_poller_timer(x->poller, &x->look,
                                  x->poller->now + x->pause);
        }
        x->untaken += len;
    }
}

static void answer(rpcproxy_relay_t *x, apr_uint32_t length)
{
    rpcproxy_success(x->chan->r, length);
    x->chan->answered = 1;
    x->chan->ops->write(x->chan, "", 0);
}

static void obey(rpcproxy_relay_t *x, const relay_head_t *head, apr_size_t len)
{
    switch (head->type) {
    case RELAY_DATA:
        write_client(x, x->poller->scratch, len);
        break;
    case RELAY_ANSWER:
        answer(x, head->value);
        break;
    case RELAY_FINISH:
        end(x, head->value);
        break;
    default:
        owner_lost(x);
        break;
    }
}

static void pump_down(rpcproxy_relay_t *x)
{
    int i;

    for (i = 0; i < ROUNDS_A_TURN && !x->ended && !x->chan->blocked; i++) {
        relay_head_t head;
        apr_size_t len = RPCPROXY_SCRATCH;
        apr_status_t rv =
            rpcproxy_wire_read(&x->wire, &head, x->poller->scratch, &len);

        if (APR_STATUS_IS_EAGAIN(rv)) {
            return;
        }
        if (rv != APR_SUCCESS) {
            owner_lost(x);
            return;
        }
        obey(x, &head, len);
    }
}

/* Reports what OUT's client has taken when it has taken all: the owner needs
 * to know that it is not the network that holds the window. */
static void look_at_out(rpcproxy_relay_t *x)
{
    if (x->chan->ops->unsent(x->chan) == 0) {
        if (rpcproxy_wire_send(&x->wire, RELAY_TAKEN, (apr_uint32_t)x->untaken,
                               NULL, 0)) {
            owner_lost(x);
            return;
        }
        x->untaken = 0;
        settle(x);
        return;
    }
    x->pause = 2 * x->pause < LOOK_LAST ? 2 * x->pause : LOOK_LAST;
    rpcproxy_poller_timer(x->poller, &x->look, x->poller->now + x->pause);
}

/* The client of IN has ended: what it had sent goes on as long as the owner
 * takes it (mod_rpcproxy_rest.c has the same for tunnels). */
static void look_at_in(rpcproxy_relay_t *x)
{
    if (x->up_ended) {
        return;
    }
    if (x->moved == x->moved_before) {
        end(x, 0);
        return;
    }
    x->moved_before = x->moved;
    rpcproxy_poller_timer(x->poller, &x->look,
                          x->poller->now + RPCPROXY_STANDSTILL);
}

static void on_look(rpcproxy_timer_t *timer)
{
    rpcproxy_relay_t *x =
        (rpcproxy_relay_t *)((char *)timer - offsetof(rpcproxy_relay_t, look));

    if (x->chan->out) {
        look_at_out(x);
    }
    else {
        look_at_in(x);
    }
}

/* Waiting. */

static void settle(rpcproxy_relay_t *x)
{
    apr_uint32_t events = EPOLLPRI; /* EPOLLHUP comes unasked */

    if (!x->ended && x->chan->broken) {
        end(x, 0);
    }
    if (x->ended) {
        return;
    }
    x->chan->ops->watch(x->chan, reads_client(x));
    if (!x->chan->blocked) {
        events |= EPOLLIN;
    }
    if (x->wire.first) {
        events |= EPOLLOUT;
    }
    rpcproxy_poller_watch(x->poller, &x->watch, events);
}

static void on_wire(rpcproxy_watch_t *watch, apr_uint32_t events)
{
    rpcproxy_relay_t *x =
        (rpcproxy_relay_t *)((char *)watch - offsetof(rpcproxy_relay_t, watch));

    if ((events & EPOLLOUT) && x->wire.first) {
        if (rpcproxy_wire_flush(&x->wire)) {
            owner_lost(x);
        }
        else if (!x->wire.first && x->up_ended) {
            shutdown(x->wire.fd, SHUT_WR);
        }
        else {
            pump_up(x);
        }
    }
    if (!x->ended && (events & EPOLLIN) && !x->chan->blocked) {
        pump_down(x);
    }
    else if (!x->ended && (events & (EPOLLHUP | EPOLLERR))) {
        owner_lost(x);
    }
    settle(x);
}

void rpcproxy_relay_readable(rpcproxy_chan_t *chan)
{
    rpcproxy_relay_t *x = chan->relay; /* which chan forgets at its end */

    pump_up(x);
    settle(x);
}

void rpcproxy_relay_writable(rpcproxy_chan_t *chan)
{
    rpcproxy_relay_t *x = chan->relay;

    pump_down(x);
    settle(x);
}

/* The owner decides; a client that is there no more has nothing to wait for. */
void rpcproxy_relay_gone(rpcproxy_chan_t *chan)
{
    rpcproxy_relay_t *x = chan->relay;

    if (chan->out || chan->broken) {
        end_up(x);
    }
    else if (!reads_client(x)) {
        x->moved_before = x->moved;
        rpcproxy_poller_timer(x->poller, &x->look,
                              x->poller->now + RPCPROXY_STANDSTILL);
    }
    settle(x);
}

/* The beginning and the end. */

static void describe(const rpcproxy_chan_t *chan, relay_hello_t *to)
{
    memset(to, 0, sizeof(*to));
    to->hello = chan->hello;
    to->options = chan->options;
    to->out = chan->out;
    to->partial_timeout = chan->partial_timeout;
    _Static_assert(sizeof(to->most) == sizeof(chan->most), "every limit");
    memcpy(to->most, chan->most, sizeof(to->most));
    to->trace = chan->trace;
    to->endpoints = chan->endpoints;
    to->connect_by = chan->connect_by;
    if (chan->endpoints) {
        memcpy(to->endpoint, chan->endpoint,
               sizeof(*to->endpoint) * (apr_size_t)chan->endpoints);
    }
    memcpy(to->network, chan->network, sizeof(to->network));
    to->user = chan->identity.user;
    to->target = chan->identity.target;
    to->client = chan->client;
    to->backend = chan->backend;
    to->server = rpcproxy_relayed_server_name(chan->server, chan->r->pool);
}

static int say_hello(rpcproxy_wire_t *wire, const rpcproxy_chan_t *chan)
{
    unsigned char bytes[RELAY_HELLO_MAX];
    relay_hello_t hello;
    apr_size_t len;

    describe(chan, &hello);
    len = relay_hello_write(&hello, bytes, sizeof(bytes));
    if (!len) {
        return EMSGSIZE;
    }
    return send(wire->fd, bytes, len, MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* A socket that the owner has, or will have, accepted; -1 with errno. */
static int connect_to(pid_t owner)
{
    struct sockaddr_storage address;
    socklen_t size;
    int fd;

    if (!rpcproxy_pairs_address(owner, &address, &size)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) != 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static rpcproxy_relay_t *create(rpcproxy_chan_t *chan, int fd)
{
    rpcproxy_relay_t *x = calloc(1, sizeof(*x));
    rpcproxy_poller_t *p = chan->poller;

    if (!x) {
        ap_abort_on_oom();
    }
    x->chan = chan;
    x->poller = p;
    x->watch.fd = fd;
    x->watch.ready = on_wire;
    x->look.fire = on_look;
    x->again.run = run_again;
    if (!chan->out) {
        x->to_read = (apr_size_t)-1;
    }
    else if (chan->hello.kind == HELLO_OUT_NEXT) {
        x->to_read = RPCPROXY_C1_SIZE;
    }
    rpcproxy_wire_init(&x->wire, fd);
    x->next = p->relays;
    x->at = &p->relays;
    if (x->next) {
        x->next->at = &x->next;
    }
    p->relays = x;
    chan->relay = x;
    return x;
}

void rpcproxy_relay_join(rpcproxy_chan_t *chan, pid_t owner)
{
    rpcproxy_wire_t wire;
    int error;

    rpcproxy_wire_init(&wire, connect_to(owner));
    error = wire.fd < 0 ? errno : say_hello(&wire, chan);
    if (error) {
        rpcproxy_wire_close(&wire);
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, error, chan->r,
                      PN(13074) "%s of %s for %s refused: the process %" //
                      APR_PID_T_FMT " that has its virtual connection cannot "
                                "be reached",
                      chan->r->method, chan->identity.user,
                      chan->identity.target, owner);
        rpcproxy_limits_relay_leave();
        chan->ops->finish(chan, VCONN_CALL_FAILED);
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, chan->r,
                  PN(13075) "%s of %s for %s is relayed to the process %" //
                  APR_PID_T_FMT,
                  chan->r->method, chan->identity.user, chan->identity.target,
                  owner);
    create(chan, wire.fd);
    rpcproxy_relay_readable(chan);
}

void rpcproxy_relay_stop(rpcproxy_poller_t *p)
{
    while (p->relays) {
        end(p->relays, VCONN_TOO_BUSY);
    }
}
