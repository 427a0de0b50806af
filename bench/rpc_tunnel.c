/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "rpc_tunnel.h"
#include "lib/bytes.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW (256 * 1024)

/* [MS-RPCH] 2.2.3.5, as many as a client needs. */
enum {
    RTS_RECEIVE_WINDOW = 0,
    RTS_FLOW_CONTROL_ACK = 1,
    RTS_COOKIE = 3,
    RTS_CHANNEL_LIFETIME = 4,
    RTS_CLIENT_KEEPALIVE = 5,
    RTS_VERSION = 6,
    RTS_ASSOCIATION_GROUP = 12,
    RTS_DESTINATION = 13
};

enum { RTS_FLAG_PING = 1 }; /* 2.2.3.4 */

/* --- PDUs --- */

static void put_header(bytes_writer_t *w, int ptype, int flags, size_t len,
                       uint32_t call)
{
    bytes_put(w, "\5\0", 2);
    bytes_put_u8(w, (unsigned char)ptype);
    bytes_put_u8(w, (unsigned char)flags);
    bytes_put(w, "\20\0\0\0", 4); /* little-endian, ASCII, IEEE */
    bytes_put_u16(w, (uint16_t)len);
    bytes_put_u16(w, 0);
    bytes_put_u32(w, call);
}

static void put_rts(bytes_writer_t *w, int flags, int commands, size_t len)
{
    put_header(w, PTYPE_RTS, PFC_FIRST_FRAG | PFC_LAST_FRAG, len, 0);
    bytes_put_u16(w, (uint16_t)flags);
    bytes_put_u16(w, (uint16_t)commands);
}

static void put_command(bytes_writer_t *w, uint32_t command, uint32_t value)
{
    bytes_put_u32(w, command);
    bytes_put_u32(w, value);
}

static void put_cookie(bytes_writer_t *w, uint32_t command,
                       const unsigned char *cookie)
{
    bytes_put_u32(w, command);
    bytes_put(w, cookie, 16);
}

/* CONN/A1: [MS-RPCH] 2.2.4.2. */
static void put_a1(bytes_writer_t *w, const unsigned char *vc,
                   const unsigned char *out)
{
    put_rts(w, 0, 4, 76);
    put_command(w, RTS_VERSION, 1);
    put_cookie(w, RTS_COOKIE, vc);
    put_cookie(w, RTS_COOKIE, out);
    put_command(w, RTS_RECEIVE_WINDOW, WINDOW);
}

/* CONN/B1: [MS-RPCH] 2.2.4.5. */
static void put_b1(bytes_writer_t *w, const unsigned char *vc,
                   const unsigned char *in, const unsigned char *group)
{
    put_rts(w, 0, 6, 104);
    put_command(w, RTS_VERSION, 1);
    put_cookie(w, RTS_COOKIE, vc);
    put_cookie(w, RTS_COOKIE, in);
    put_command(w, RTS_CHANNEL_LIFETIME, 1 << 30);
    put_command(w, RTS_CLIENT_KEEPALIVE, 300000);
    put_cookie(w, RTS_ASSOCIATION_GROUP, group);
}

/* A bind of one made-up interface with NDR; rpc_server does not mind which. */
static void put_bind(bytes_writer_t *w)
{
    put_header(w, PTYPE_BIND, PFC_FIRST_FRAG | PFC_LAST_FRAG, 72, 1);
    bytes_put_u16(w, FRAGMENT_MAX);
    bytes_put_u16(w, FRAGMENT_MAX);
    bytes_put_u32(w, 0);
    bytes_put_u32(w, 1);         /* contexts */
    bytes_put(w, "\0\0\1\0", 4); /* id 0, one transfer syntax */
    bytes_put(w, "Postern.bench..\1", 16);
    bytes_put_u32(w, 1);
    bytes_put(w,
              "\x04\x5d\x88\x8a\xeb\x1c\xc9\x11"
              "\x9f\xe8\x08\x00\x2b\x10\x48\x60",
              16);
    bytes_put_u32(w, 2);
}

/* --- set-up --- */

static const char *open_channel(stream_t *s, const tunnel_options_t *o,
                                const char *method, const char *length,
                                const bytes_writer_t *pdu)
{
    char request[2048];
    int n = snprintf(request, sizeof(request),
                     "%s /rpc/rpcproxy.dll?%s HTTP/1.1\r\n"
                     "Accept: application/rpc\r\nUser-Agent: MSRPC\r\n"
                     "Host: localhost\r\n%sContent-Length: %s\r\n"
                     "Cache-Control: no-cache\r\nPragma: no-cache\r\n"
                     "Connection: Keep-Alive\r\n\r\n",
                     method, o->target, o->basic, length);

    if (n < 0 || (size_t)n + pdu->used > sizeof(request)) {
        return "the request is too long";
    }
    if (stream_open(s, &o->to, o->tls) != 0) {
        return "cannot connect";
    }
    memcpy(request + n, pdu->start, pdu->used);
    if (stream_write(s, request, (size_t)n + pdu->used) != 0) {
        return "cannot send the request";
    }
    return NULL;
}

/* Reads the answer's header off OUT; what follows it stays in the buffer. */
static const char *read_http_header(tunnel_t *t)
{
    for (;;) {
        unsigned char *end = memmem(t->rx, t->rx_end, "\r\n\r\n", 4), *line;

        if (end) {
            line = memmem(t->rx, t->rx_end, "\r\n", 2);
            snprintf(t->status, sizeof(t->status), "%.*s", (int)(line - t->rx),
                     (const char *)t->rx);
            t->rx_start = (size_t)(end - t->rx) + 4;
            return strncmp(t->status, "HTTP/1.", 7) == 0 &&
                           strncmp(t->status + 8, " 200", 4) == 0
                       ? NULL
                       : t->status;
        }
        if (tunnel_fill(t) <= 0) {
            return "no answer from the proxy";
        }
    }
}

/* IN with B1 and OUT with A1 are sent together, as Outlook does; C2 says that
 * requests may follow. */
static const char *open_rpch(tunnel_t *t, const tunnel_options_t *o)
{
    unsigned char cookies[48], a1[76], b1[104];
    bytes_writer_t w;
    const unsigned char *pdu;
    const char *why;
    size_t len;

    RAND_bytes(cookies, sizeof(cookies));
    RAND_bytes(t->out_cookie, sizeof(t->out_cookie));
    bytes_writer_init(&w, b1, sizeof(b1));
    put_b1(&w, cookies, cookies + 16, cookies + 32);
    why = open_channel(&t->in, o, "RPC_IN_DATA", "1073741824", &w);
    if (why) {
        return why;
    }
    bytes_writer_init(&w, a1, sizeof(a1));
    put_a1(&w, cookies, t->out_cookie);
    why = open_channel(&t->out, o, "RPC_OUT_DATA", "76", &w);
    if (why || (why = read_http_header(t)) != NULL) {
        return why;
    }
    for (;;) {
        int more = tunnel_next(t, &pdu, &len);

        if (more != 0) {
            return more > 0 ? "an RPC PDU before C2" : "malformed PDU";
        }
        if (t->in_available > 0) { /* C2 has told the IN window */
            return NULL;
        }
        if (tunnel_fill(t) <= 0) {
            return "C2 did not come";
        }
    }
}

static const char *open_connect(tunnel_t *t, const tunnel_options_t *o)
{
    char request[1024];
    int n = snprintf(request, sizeof(request),
                     "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", o->target,
                     o->target, o->basic);

    if (stream_open(&t->in, &o->to, o->tls) != 0) {
        return "cannot connect";
    }
    t->out = t->in;
    if (stream_write(&t->in, request, (size_t)n) != 0) {
        return "cannot send the request";
    }
    return read_http_header(t);
}

static const char *open_tcp(tunnel_t *t, const tunnel_options_t *o)
{
    if (stream_open(&t->in, &o->to, o->tls) != 0) {
        return "cannot connect";
    }
    t->out = t->in;
    return NULL;
}

static const char *bind_association(tunnel_t *t)
{
    unsigned char bind[72];
    bytes_writer_t w;
    const unsigned char *pdu;
    size_t len;

    bytes_writer_init(&w, bind, sizeof(bind));
    put_bind(&w);
    if (stream_write(&t->in, bind, w.used) != 0) {
        return "cannot send the bind";
    }
    t->in_sent += (uint32_t)w.used;
    if (!tunnel_receive(t, &pdu, &len)) {
        return "no bind_ack";
    }
    return pdu[2] == PTYPE_BIND_ACK ? NULL : "the bind was refused";
}

const char *tunnel_open(tunnel_t *t, const tunnel_options_t *options)
{
    static const char *(*const open[])(tunnel_t *, const tunnel_options_t *) = {
        [VIA_TCP] = open_tcp,
        [VIA_CONNECT] = open_connect,
        [VIA_RPCH] = open_rpch};
    const char *why;

    memset(t, 0, sizeof(*t));
    t->via = options->via;
    t->in.fd = t->out.fd = -1;
    t->rx = malloc(TUNNEL_ROOM);
    if (!t->rx) {
        return "no memory";
    }
    why = open[options->via](t, options);
    if (!why) {
        why = bind_association(t);
    }
    if (why) {
        tunnel_close(t);
    }
    return why;
}

void tunnel_close(tunnel_t *t)
{
    if (t->out.fd != t->in.fd) {
        stream_close(&t->out);
    }
    stream_close(&t->in);
    free(t->rx);
    t->rx = NULL;
}

/* --- receiving --- */

/* Acts on one RTS PDU; only C2 and acknowledgements matter to a client that
 * does not recycle. */
static void take_rts(tunnel_t *t, const unsigned char *pdu, size_t len)
{
    bytes_reader_t r;
    unsigned flags, commands, first;

    bytes_reader_init(&r, pdu + 16, len - 16);
    flags = bytes_get_u16(&r);
    commands = bytes_get_u16(&r);
    first = bytes_get_u32(&r);
    if (flags == 0 && commands == 3 && first == RTS_VERSION) { /* C2 */
        bytes_get_u32(&r);
        bytes_get_u32(&r);
        t->in_available = bytes_get_u32(&r);
    }
    else if (flags == 2 && commands == 2 && first == RTS_DESTINATION) {
        bytes_get_u32(&r);
        bytes_get_u32(&r);
        t->in_received = bytes_get_u32(&r);
        t->in_available = bytes_get_u32(&r);
    }
}

/* FlowControlAckWithDestination to the outbound proxy, on IN, when half of our
 * window is used: [MS-RPCH] 3.2.1.1.5.1.2. */
static void acknowledge(tunnel_t *t)
{
    unsigned char ack[56];
    bytes_writer_t w;

    if (t->out_received - t->out_acked < WINDOW / 2) {
        return;
    }
    bytes_writer_init(&w, ack, sizeof(ack));
    put_rts(&w, 2, 2, sizeof(ack));
    put_command(&w, RTS_DESTINATION, 3);
    put_command(&w, RTS_FLOW_CONTROL_ACK, t->out_received);
    bytes_put_u32(&w, WINDOW);
    bytes_put(&w, t->out_cookie, 16);
    stream_write(&t->in, ack, w.used);
    t->out_acked = t->out_received;
}

int tunnel_next(tunnel_t *t, const unsigned char **pdu, size_t *len)
{
    for (;;) {
        const unsigned char *at = t->rx + t->rx_start;
        size_t left = t->rx_end - t->rx_start, n;

        if (left < 16) {
            return 0;
        }
        n = at[8] | (size_t)at[9] << 8;
        if (at[0] != 5 || n < 16) {
            return -1;
        }
        if (left < n) {
            return 0;
        }
        t->rx_start += n;
        if (at[2] != PTYPE_RTS || t->via != VIA_RPCH) {
            t->out_received += (uint32_t)n;
            if (t->via == VIA_RPCH) {
                acknowledge(t);
            }
            *pdu = at;
            *len = n;
            return 1;
        }
        take_rts(t, at, n);
    }
}

long tunnel_fill(tunnel_t *t)
{
    long n;

    if (t->rx_start == t->rx_end) {
        t->rx_start = t->rx_end = 0;
    }
    else if (t->rx_start > TUNNEL_ROOM / 2) {
        memmove(t->rx, t->rx + t->rx_start, t->rx_end - t->rx_start);
        t->rx_end -= t->rx_start;
        t->rx_start = 0;
    }
    n = stream_read(&t->out, t->rx + t->rx_end, TUNNEL_ROOM - t->rx_end);
    if (n > 0) {
        t->rx_end += (size_t)n;
    }
    return n;
}

int tunnel_receive(tunnel_t *t, const unsigned char **pdu, size_t *len)
{
    int found;

    while ((found = tunnel_next(t, pdu, len)) == 0) {
        if (tunnel_fill(t) <= 0) {
            return 0;
        }
    }
    return found > 0;
}

/* --- sending --- */

int tunnel_request(tunnel_t *t, int flags, uint16_t opnum, const void *stub,
                   size_t len)
{
    unsigned char fragment[FRAGMENT_MAX];
    bytes_writer_t w;

    bytes_writer_init(&w, fragment, sizeof(fragment));
    put_header(&w, PTYPE_REQUEST, flags, REQUEST_HEADER + len, 2);
    bytes_put_u32(&w, (uint32_t)len);
    bytes_put_u16(&w, 0);
    bytes_put_u16(&w, opnum);
    bytes_put(&w, stub, len);
    if (w.failed) {
        load_die("a fragment of %zu bytes is too long", len);
    }
    t->in_sent += (uint32_t)w.used;
    return stream_write(&t->in, fragment, w.used);
}

int tunnel_ping(tunnel_t *t)
{
    unsigned char ping[20];
    bytes_writer_t w;

    bytes_writer_init(&w, ping, sizeof(ping));
    put_rts(&w, RTS_FLAG_PING, 0, sizeof(ping));
    return stream_write(&t->in, ping, w.used);
}

int tunnel_has_window(const tunnel_t *t, size_t len)
{
    uint32_t in_flight = t->in_sent - t->in_received;

    return t->via != VIA_RPCH || in_flight + len <= t->in_available;
}
