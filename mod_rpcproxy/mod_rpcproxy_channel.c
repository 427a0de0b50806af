/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The HTTP side of a channel that its worker thread has left: the handler
 * suspends the connection, and the poller reads through the input filters,
 * writes through the output filters and ends the request, never blocking. */

#include "mod_rpcproxy.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

APLOG_USE_MODULE(rpcproxy);

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

int rpcproxy_channel_run(rpcproxy_chan_t *chan)
{
    return rpcproxy_blocking_run(chan);
}
