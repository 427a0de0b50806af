/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* rpc_server ADDRESS:PORT
 *
 * The DCE/RPC back end of the measurements: acknowledges any bind, then
 * echoes, pours out or swallows (the OP_* of rpc_tunnel.h).  One thread, epoll;
 * it does as little as a back end can, so that what is in front of it shows.
 * Prints "ready" when it listens, and runs until it is killed. */

#include "rpc_tunnel.h"
#include "lib/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define IN_ROOM (256 * 1024)
#define OUT_ROOM (1024 * 1024)
#define RESPONSE_HEADER 24

typedef struct client_t {
    int fd;
    unsigned char *in, *out;
    size_t in_used, out_start, out_end;
    uint32_t pour, pour_step; /* OP_SOURCE: bytes left, per fragment */
    uint32_t swallowed;       /* OP_SINK: stub bytes so far */
    uint32_t call;
    int hang_up, waits_to_write;
} client_t;

static int poller;

/* --- answers --- */

static void put_header(bytes_writer_t *w, int ptype, int flags, size_t len,
                       uint32_t call)
{
    bytes_put(w, "\5\0", 2);
    bytes_put_u8(w, (unsigned char)ptype);
    bytes_put_u8(w, (unsigned char)flags);
    bytes_put(w, "\20\0\0\0", 4);
    bytes_put_u16(w, (uint16_t)len);
    bytes_put_u16(w, 0);
    bytes_put_u32(w, call);
}

static void writer_of(client_t *c, bytes_writer_t *w)
{
    bytes_writer_init(w, c->out + c->out_end, OUT_ROOM - c->out_end);
}

static void answer(client_t *c, int flags, const void *stub, size_t len)
{
    bytes_writer_t w;

    writer_of(c, &w);
    put_header(&w, PTYPE_RESPONSE, flags, RESPONSE_HEADER + len, c->call);
    bytes_put_u32(&w, (uint32_t)len);
    bytes_put_u32(&w, 0);
    bytes_put(&w, stub, len);
    if (w.failed) {
        c->hang_up = 1;
    }
    c->out_end += w.used;
}

static void acknowledge_bind(client_t *c)
{
    bytes_writer_t w;

    writer_of(c, &w);
    put_header(&w, PTYPE_BIND_ACK, PFC_FIRST_FRAG | PFC_LAST_FRAG, 60, c->call);
    bytes_put_u16(&w, FRAGMENT_MAX);
    bytes_put_u16(&w, FRAGMENT_MAX);
    bytes_put_u32(&w, 0x1234);
    bytes_put_u16(&w, 5); /* secondary address, then padding to 4 */
    bytes_put(&w, "6001\0\0", 6);
    bytes_put_u32(&w, 1);
    bytes_put_u32(&w, 0); /* accepted */
    bytes_put(&w,
              "\x04\x5d\x88\x8a\xeb\x1c\xc9\x11"
              "\x9f\xe8\x08\x00\x2b\x10\x48\x60",
              16);
    bytes_put_u32(&w, 2);
    c->out_end += w.used;
}

static void pour(client_t *c)
{
    static const unsigned char zeros[FRAGMENT_MAX];
    int first = PFC_FIRST_FRAG;

    while (c->pour > 0 && OUT_ROOM - c->out_end > FRAGMENT_MAX) {
        uint32_t n = c->pour < c->pour_step ? c->pour : c->pour_step;

        c->pour -= n;
        answer(c, first | (c->pour ? 0 : PFC_LAST_FRAG), zeros, n);
        first = 0;
    }
}

static void take_request(client_t *c, int flags, int opnum,
                         const unsigned char *stub, size_t len)
{
    bytes_reader_t r;
    bytes_writer_t w;
    unsigned char count[4];

    switch (opnum) {
    case OP_ECHO:
        if (flags & PFC_LAST_FRAG) {
            answer(c, PFC_FIRST_FRAG | PFC_LAST_FRAG, stub, len);
        }
        break;
    case OP_SOURCE:
        bytes_reader_init(&r, stub, len);
        c->pour = bytes_get_u32(&r);
        c->pour_step = bytes_get_u32(&r);
        if (c->pour_step == 0 ||
            c->pour_step > FRAGMENT_MAX - RESPONSE_HEADER) {
            c->hang_up = 1;
            c->pour = 0;
        }
        pour(c);
        break;
    case OP_SINK:
        c->swallowed += (uint32_t)len;
        if (flags & PFC_LAST_FRAG) {
            bytes_writer_init(&w, count, sizeof(count));
            bytes_put_u32(&w, c->swallowed);
            answer(c, PFC_FIRST_FRAG | PFC_LAST_FRAG, count, sizeof(count));
            c->swallowed = 0;
        }
        break;
    default:
        c->hang_up = 1;
    }
}

static void take_pdu(client_t *c, const unsigned char *pdu, size_t len)
{
    bytes_reader_t r;

    bytes_reader_init(&r, pdu + 12, 4);
    c->call = bytes_get_u32(&r);
    if (pdu[2] == PTYPE_BIND) {
        acknowledge_bind(c);
    }
    else if (pdu[2] == PTYPE_REQUEST && len >= REQUEST_HEADER) {
        take_request(c, pdu[3], pdu[22] | pdu[23] << 8, pdu + REQUEST_HEADER,
                     len - REQUEST_HEADER);
    }
    else {
        fprintf(stderr, "rpc_server: PDU of type %d and %zu bytes\n", pdu[2],
                len);
        c->hang_up = 1;
    }
}

/* --- sockets --- */

static void take_pdus(client_t *c)
{
    size_t at = 0;

    while (c->in_used - at >= 16 && !c->hang_up) {
        size_t len = c->in[at + 8] | (size_t)c->in[at + 9] << 8;

        if (c->in[at] != 5 || len < 16) {
            fprintf(stderr, "rpc_server: no PDU\n");
            c->hang_up = 1;
            return;
        }
        if (c->in_used - at < len) {
            break;
        }
        take_pdu(c, c->in + at, len);
        at += len;
    }
    memmove(c->in, c->in + at, c->in_used - at);
    c->in_used -= at;
}

/* Writes what there is; asks for an event when the socket is full. */
static void flush(client_t *c)
{
    struct epoll_event event = {.data.ptr = c};

    do {
        while (c->out_start < c->out_end) {
            ssize_t n = send(c->fd, c->out + c->out_start,
                             c->out_end - c->out_start, MSG_NOSIGNAL);

            if (n < 0) {
                c->hang_up |= errno != EAGAIN;
                goto wait;
            }
            c->out_start += (size_t)n;
        }
        c->out_start = c->out_end = 0;
        pour(c);
    } while (c->out_end > 0);
wait:
    if ((c->out_start < c->out_end) != c->waits_to_write) {
        c->waits_to_write = !c->waits_to_write;
        event.events = EPOLLIN | (c->waits_to_write ? EPOLLOUT : 0);
        epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
    }
}

static void client_event(client_t *c, unsigned events)
{
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(c->fd, c->in + c->in_used, IN_ROOM - c->in_used, 0);

        if (n > 0) {
            c->in_used += (size_t)n;
            take_pdus(c);
        }
        else if (n == 0 || errno != EAGAIN) {
            c->hang_up = 1;
        }
    }
    flush(c);
    if (c->hang_up) {
        close(c->fd);
        free(c->in);
        free(c->out);
        free(c);
    }
}

static void accept_client(int listener)
{
    struct epoll_event event = {.events = EPOLLIN};
    client_t *c;
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

    if (fd < 0) {
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    c = calloc(1, sizeof(*c));
    if (!c || !(c->in = malloc(IN_ROOM)) || !(c->out = malloc(OUT_ROOM))) {
        load_die("no memory");
    }
    c->fd = fd;
    event.data.ptr = c;
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static int listen_on(const char *where)
{
    endpoint_t e;
    int one = 1, fd;

    endpoint_parse(&e, where);
    fd = socket(e.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&e.address, e.len) != 0 ||
        listen(fd, 4096) != 0) {
        load_die("cannot listen on %s: %s", where, strerror(errno));
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[256], event = {.events = EPOLLIN};
    int listener;

    if (argc != 2) {
        load_die("usage: rpc_server ADDRESS:PORT");
    }
    load_raise_descriptors();
    listener = listen_on(argv[1]);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int i, n = epoll_wait(poller, events, 256, -1);

        for (i = 0; i < n; i++) {
            if (events[i].data.ptr) {
                client_event(events[i].data.ptr, events[i].events);
            }
            else {
                accept_client(listener);
            }
        }
    }
}
