/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Messages between two children over a non-blocking Unix socket. */

#include "mod_rpcproxy_relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct rpcproxy_message_t {
    struct rpcproxy_message_t *next;
    apr_size_t len;
    unsigned char bytes[];
} rpcproxy_message_t;

void rpcproxy_wire_init(rpcproxy_wire_t *wire, int fd)
{
    wire->fd = fd;
    wire->first = NULL;
    wire->end = &wire->first;
}

static void drop_first(rpcproxy_wire_t *wire)
{
    rpcproxy_message_t *message = wire->first;

    wire->first = message->next;
    if (!wire->first) {
        wire->end = &wire->first;
    }
    free(message);
}

void rpcproxy_wire_close(rpcproxy_wire_t *wire)
{
    while (wire->first) {
        drop_first(wire);
    }
    if (wire->fd >= 0) {
        close(wire->fd);
        wire->fd = -1;
    }
}

static void keep(rpcproxy_wire_t *wire, const struct iovec part[2])
{
    apr_size_t len = part[0].iov_len + part[1].iov_len;
    rpcproxy_message_t *message = malloc(sizeof(*message) + len);

    if (!message) {
        ap_abort_on_oom();
    }
    message->next = NULL;
    message->len = len;
    memcpy(message->bytes, part[0].iov_base, part[0].iov_len);
    if (part[1].iov_len) {
        memcpy(message->bytes + part[0].iov_len, part[1].iov_base,
               part[1].iov_len);
    }
    *wire->end = message;
    wire->end = &message->next;
}

static int must_wait(int error)
{
    return error == EAGAIN || error == EINTR || error == ENOBUFS;
}

int rpcproxy_wire_send(rpcproxy_wire_t *wire, relay_type_e type,
                       apr_uint32_t value, const void *bytes, apr_size_t len)
{
    relay_head_t head = {(apr_uint32_t)type, value};
    struct iovec part[2] = {{&head, sizeof(head)}, {(void *)bytes, len}};
    struct msghdr message = {0};

    message.msg_iov = part;
    message.msg_iovlen = len ? 2 : 1;
    if (!wire->first) {
        if (sendmsg(wire->fd, &message, MSG_NOSIGNAL) >= 0) {
            return 0;
        }
        if (!must_wait(errno)) {
            return errno;
        }
    }
    keep(wire, part);
    return 0;
}

int rpcproxy_wire_flush(rpcproxy_wire_t *wire)
{
    while (wire->first) {
        if (send(wire->fd, wire->first->bytes, wire->first->len, MSG_NOSIGNAL) <
            0) {
            return must_wait(errno) ? 0 : errno;
        }
        drop_first(wire);
    }
    return 0;
}

/* A peer that closed while we still had sent it something is an error once;
 * what it had sent before can be read after that. */
static apr_status_t receive(rpcproxy_wire_t *wire, struct msghdr *message,
                            int flags, apr_size_t *len)
{
    ssize_t n = recvmsg(wire->fd, message, flags);

    if (n < 0 && errno == ECONNRESET) {
        n = recvmsg(wire->fd, message, flags);
    }
    *len = 0;
    if (n == 0) {
        return APR_EOF;
    }
    if (n < 0) {
        return errno == EINTR ? APR_EAGAIN : errno;
    }
    if (n < (ssize_t)sizeof(relay_head_t)) {
        return APR_EGENERAL;
    }
    *len = (apr_size_t)n - sizeof(relay_head_t);
    return APR_SUCCESS;
}

apr_status_t rpcproxy_wire_read(rpcproxy_wire_t *wire, relay_head_t *head,
                                void *bytes, apr_size_t *len)
{
    struct iovec part[2] = {{head, sizeof(*head)}, {bytes, *len}};
    struct msghdr message = {0};
    apr_status_t rv;

    message.msg_iov = part;
    message.msg_iovlen = 2;
    rv = receive(wire, &message, 0, len);
    return rv == APR_SUCCESS && (message.msg_flags & MSG_TRUNC) ? APR_EGENERAL
                                                                : rv;
}

apr_status_t rpcproxy_wire_peek(rpcproxy_wire_t *wire, relay_head_t *head)
{
    struct iovec part = {head, sizeof(*head)};
    struct msghdr message = {0};
    apr_size_t len;

    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return receive(wire, &message, MSG_PEEK, &len);
}
