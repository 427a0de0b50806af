/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Finds an endpoint of a back end that accepts: one after the other, each with
 * its share of the time that is left.  Where an endpoint mapper is to tell the
 * port, it is asked first, on the same descriptor's place in the poller. */

#include "mod_rpcproxy.h"

#include <errno.h>
#include <http_main.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "known.h"

APLOG_USE_MODULE(rpcproxy);

typedef enum stage_e {
    STAGE_DIALING,
    STAGE_DIALING_MAPPER,
    STAGE_BINDING, /* the mapper's bind_ack must come */
    STAGE_MAPPING  /* its answer */
} stage_e;

struct rpcproxy_connect_t {
    target_endpoint_t endpoint[TARGET_ENDPOINTS_MAX];
    int endpoints;
    int next; /* behind the one that is tried */
    apr_time_t by;
    stage_e stage;
    int remembered; /* the port was told by the mapper a while ago */
    apr_size_t have;
    unsigned char answer[EPM_ANSWER_MAX];
};

static void try_next(rpcproxy_backend_t *b, int error, const char *why);
static void dial(rpcproxy_backend_t *b, stage_e stage, int port);

/* What all pollers of this child have learned. */
static known_t *known(void)
{
    const rpcproxy_server_t *conf =
        ap_get_module_config(ap_server_conf->module_config, &rpcproxy_module);

    return conf->known;
}

static const target_endpoint_t *tried(const struct rpcproxy_connect_t *c)
{
    return &c->endpoint[c->next - 1];
}

void rpcproxy_connect_cancel(rpcproxy_backend_t *b)
{
    rpcproxy_poller_timer(b->poller, &b->timer, 0);
    free(b->connect);
    b->connect = NULL;
}

/* Said once, not by every client that comes while it is dead. */
static void note_failed(rpcproxy_backend_t *b, int error, const char *why)
{
    struct rpcproxy_connect_t *c = b->connect;
    char text[TARGET_ENDPOINT_TEXT];

    if (known_set_failed(known(), tried(c), 1, b->poller->now) &&
        c->next < c->endpoints) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, error, b->tunnel->server,
                     PN(13041) "%s, a back end of %s, is not reached: %s; the "
                               "next one is tried",
                     target_endpoint_text(text, tried(c)),
                     b->tunnel->vconn.identity.target, why);
    }
}

/* The endpoint that is tried is no good. */
static void failed(rpcproxy_backend_t *b, int error, const char *why)
{
    struct rpcproxy_connect_t *c = b->connect;

    rpcproxy_backend_hang_up(b);
    if (c->remembered) {
        c->remembered = 0;
        known_set_port(known(), tried(c), 0, b->poller->now);
        if (error != ETIMEDOUT) {
            dial(b, STAGE_DIALING_MAPPER, EPM_PORT);
            return;
        }
    }
    note_failed(b, error, why);
    try_next(b, error, why);
}

static void connected(rpcproxy_backend_t *b)
{
    known_set_failed(known(), tried(b->connect), 0, b->poller->now);
    rpcproxy_connect_cancel(b);
    rpcproxy_backend_connected(b);
}

/* Sends a question of the mapper's protocol and waits for its answer. */
static void question(rpcproxy_backend_t *b, stage_e stage,
                     const unsigned char *bytes, apr_size_t len)
{
    ssize_t n = send(b->watch.fd, bytes, len, MSG_NOSIGNAL);

    if (n != (ssize_t)len) {
        failed(b, n < 0 ? errno : 0, "endpoint mapper takes no question");
        return;
    }
    b->connect->stage = stage;
    b->connect->have = 0;
    rpcproxy_poller_watch(b->poller, &b->watch, EPOLLIN);
}

static void dialed(rpcproxy_backend_t *b)
{
    unsigned char bytes[EPM_QUESTION_MAX];

    if (b->connect->stage == STAGE_DIALING) {
        connected(b);
    }
    else {
        question(b, STAGE_BINDING, bytes, epm_write_bind(bytes, sizeof(bytes)));
    }
}

static void answered(rpcproxy_backend_t *b, int port)
{
    const epm_interface_t *interface = &tried(b->connect)->interface;
    unsigned char bytes[EPM_QUESTION_MAX];

    if (b->connect->stage == STAGE_BINDING) {
        question(b, STAGE_MAPPING, bytes,
                 epm_write_map(interface, bytes, sizeof(bytes)));
        return;
    }
    rpcproxy_backend_hang_up(b);
    known_set_port(known(), tried(b->connect), port, b->poller->now);
    dial(b, STAGE_DIALING, port);
}

static epm_result_e judge(struct rpcproxy_connect_t *c, int *port,
                          const char **why)
{
    return c->stage == STAGE_BINDING ? epm_read_bind(c->answer, c->have, why)
                                     : epm_read_map(port, &tried(c)->interface,
                                                    c->answer, c->have, why);
}

static void read_answer(rpcproxy_backend_t *b)
{
    struct rpcproxy_connect_t *c = b->connect;
    const char *why = NULL;
    epm_result_e result;
    int port = 0;
    ssize_t n =
        recv(b->watch.fd, c->answer + c->have, sizeof(c->answer) - c->have, 0);

    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            failed(b, n < 0 ? errno : 0, "endpoint mapper hangs up");
        }
        return;
    }
    c->have += (apr_size_t)n;
    result = judge(c, &port, &why);
    if (result == EPM_OK) {
        answered(b, port);
    }
    else if (result != EPM_MORE) {
        failed(b, 0, why);
    }
}

static void on_event(rpcproxy_watch_t *watch, apr_uint32_t events)
{
    rpcproxy_backend_t *b =
        (rpcproxy_backend_t *)((char *)watch -
                               offsetof(rpcproxy_backend_t, watch));
    int error = 0;
    socklen_t size = sizeof(error);

    (void)events;
    if (b->connect->stage >= STAGE_BINDING) {
        read_answer(b);
        return;
    }
    getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        failed(b, error, "no connection");
    }
    else {
        dialed(b);
    }
}

static void on_timer(rpcproxy_timer_t *timer)
{
    failed((rpcproxy_backend_t *)((char *)timer -
                                  offsetof(rpcproxy_backend_t, timer)),
           ETIMEDOUT, "no answer in its share of RPCProxyConnectTimeout");
}

/* Connects to a port of the endpoint that is tried. */
static void dial(rpcproxy_backend_t *b, stage_e stage, int port)
{
    target_address_t to = tried(b->connect)->address;
    int error = 0;

    b->connect->stage = stage;
    target_set_port(&to, port);
    b->watch.fd =
        socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (b->watch.fd < 0 ||
        connect(b->watch.fd, &to.any, tried(b->connect)->size) != 0) {
        error = errno;
    }
    if (error == EINPROGRESS) {
        rpcproxy_poller_watch(b->poller, &b->watch, EPOLLOUT);
    }
    else if (error) {
        failed(b, error, "no connection");
    }
    else {
        dialed(b);
    }
}

static void give_up(rpcproxy_backend_t *b, int error, const char *why)
{
    rpcproxy_connect_cancel(b);
    ap_log_error(APLOG_MARK, APLOG_ERR, error, b->tunnel->server,
                 PN(13040) "cannot connect %s to the back end of %s: %s",
                 b->tunnel->vconn.identity.user,
                 b->tunnel->vconn.identity.target, why);
    rpcproxy_tunnel_backend_down(b->tunnel, "cannot connect to the back end");
}

/* `error` and `why` are the last one's. */
static void try_next(rpcproxy_backend_t *b, int error, const char *why)
{
    struct rpcproxy_connect_t *c = b->connect;
    apr_interval_time_t left = c->by - b->poller->now;
    int port;

    if (c->next == c->endpoints || left <= 0) {
        give_up(b, error, why);
        return;
    }
    rpcproxy_poller_timer(b->poller, &b->timer,
                          b->poller->now + left / (c->endpoints - c->next));
    c->next++;
    port = target_port(&tried(c)->address);
    if (port) {
        dial(b, STAGE_DIALING, port);
        return;
    }
    port = known_port(known(), tried(c), b->poller->now);
    c->remembered = port != 0;
    dial(b, port ? STAGE_DIALING : STAGE_DIALING_MAPPER,
         port ? port : EPM_PORT);
}

void rpcproxy_connect_init(apr_pool_t *pchild, server_rec *s)
{
    rpcproxy_server_t *conf =
        ap_get_module_config(s->module_config, &rpcproxy_module);

    conf->known = apr_palloc(pchild, sizeof(*conf->known));
    known_init(conf->known);
}

void rpcproxy_connect_start(rpcproxy_backend_t *b, const rpcproxy_chan_t *chan)
{
    struct rpcproxy_connect_t *c = calloc(1, sizeof(*c));

    if (!c) {
        ap_abort_on_oom();
    }
    memcpy(c->endpoint, chan->endpoint,
           sizeof(*c->endpoint) * (apr_size_t)chan->endpoints);
    c->endpoints = chan->endpoints;
    c->by = chan->connect_by;
    known_order(known(), c->endpoint, c->endpoints, b->poller->now);
    b->connect = c;
    b->watch.ready = on_event;
    b->timer.fire = on_timer;
    try_next(b, ETIMEDOUT, "no time is left (RPCProxyConnectTimeout)");
}
