/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The TCP connection of a virtual connection to its RPC server. */

#include "mod_rpcproxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

apr_size_t rpcproxy_held_take(rpcproxy_held_t *held, unsigned char *to)
{
    apr_size_t len = held->len;

    if (len) {
        memcpy(to, held->bytes, len);
    }
    free(held->bytes);
    held->bytes = NULL;
    held->len = 0;
    return len;
}

void rpcproxy_held_keep(rpcproxy_held_t *held, const void *bytes,
                        apr_size_t len)
{
    unsigned char *copy = NULL;

    if (len) {
        copy = malloc(len);
        if (!copy) {
            ap_abort_on_oom();
        }
        memcpy(copy, bytes, len);
    }
    free(held->bytes);
    held->bytes = copy;
    held->len = len;
}

static void held_append(rpcproxy_held_t *held, const void *bytes,
                        apr_size_t len)
{
    unsigned char *all = realloc(held->bytes, held->len + len);

    if (!all) {
        ap_abort_on_oom();
    }
    memcpy(all + held->len, bytes, len);
    held->bytes = all;
    held->len += len;
}

void rpcproxy_backend_hang_up(rpcproxy_backend_t *b)
{
    if (b->watch.fd >= 0) {
        rpcproxy_poller_watch(b->poller, &b->watch, 0);
        close(b->watch.fd);
        b->watch.fd = -1;
    }
}

static void send_unsent(rpcproxy_backend_t *b)
{
    ssize_t n = send(b->watch.fd, b->unsent.bytes, b->unsent.len, MSG_NOSIGNAL);

    if (n > 0) {
        rpcproxy_held_keep(&b->unsent, b->unsent.bytes + n,
                           b->unsent.len - (apr_size_t)n);
        rpcproxy_tunnel_forwarded(b->tunnel, (apr_size_t)n);
        rpcproxy_tunnel_backend_writable(b->tunnel);
    }
    else if (errno != EAGAIN && errno != EINTR) {
        rpcproxy_tunnel_backend_down(b->tunnel,
                                     "back end closed the connection");
    }
}

static void on_event(rpcproxy_watch_t *watch, apr_uint32_t events)
{
    rpcproxy_backend_t *b =
        (rpcproxy_backend_t *)((char *)watch -
                               offsetof(rpcproxy_backend_t, watch));

    if ((events & EPOLLOUT) && b->unsent.len) {
        send_unsent(b);
    }
    if (events & EPOLLIN) {
        rpcproxy_tunnel_backend_ready(b->tunnel);
    }
    else if (events & (EPOLLERR | EPOLLHUP)) {
        rpcproxy_tunnel_backend_down(b->tunnel,
                                     "back end closed the connection");
    }
    else if (events & EPOLLRDHUP) {
        rpcproxy_tunnel_backend_ended(b->tunnel);
    }
}

void rpcproxy_backend_init(rpcproxy_backend_t *b, rpcproxy_tunnel_t *tunnel,
                           rpcproxy_poller_t *p)
{
    b->tunnel = tunnel;
    b->poller = p;
    b->watch.fd = -1;
}

void rpcproxy_backend_connected(rpcproxy_backend_t *b)
{
    const int on = 1;

    setsockopt(b->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    b->watch.ready = on_event;
    b->connected = 1;
    rpcproxy_tunnel_backend_up(b->tunnel);
}

apr_size_t rpcproxy_backend_send(rpcproxy_backend_t *b, const void *bytes,
                                 apr_size_t len)
{
    ssize_t n = 0;

    if (!b->unsent.len) {
        n = send(b->watch.fd, bytes, len, MSG_NOSIGNAL);
    }
    if (n < 0) {
        n = 0; /* a dead socket is reported by the poller */
    }
    if ((apr_size_t)n < len) {
        held_append(&b->unsent, (const char *)bytes + n, len - (apr_size_t)n);
    }
    return (apr_size_t)n;
}

apr_status_t rpcproxy_backend_read(rpcproxy_backend_t *b, void *buf,
                                   apr_size_t *len)
{
    ssize_t n = recv(b->watch.fd, buf, *len, 0);

    if (n > 0) {
        *len = (apr_size_t)n;
        return APR_SUCCESS;
    }
    *len = 0;
    if (n == 0) {
        return APR_EOF;
    }
    return errno == EINTR ? APR_EAGAIN : errno;
}

void rpcproxy_backend_keepalive(rpcproxy_backend_t *b, unsigned int seconds)
{
    const int on = 1, idle = (int)seconds;

    if (b->watch.fd >= 0) {
        setsockopt(b->watch.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        setsockopt(b->watch.fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    }
}

void rpcproxy_backend_close(rpcproxy_backend_t *b)
{
    rpcproxy_connect_cancel(b);
    rpcproxy_backend_hang_up(b);
    rpcproxy_held_keep(&b->unsent, NULL, 0);
}
