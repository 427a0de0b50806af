/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

double load_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

void load_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

/* --- samples --- */

void samples_add(samples_t *s, double us)
{
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 4096;
        s->at = realloc(s->at, s->room * sizeof(*s->at));
        if (!s->at) {
            load_die("no memory for samples");
        }
    }
    s->at[s->count++] = us;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double samples_percentile(samples_t *s, double percent)
{
    size_t i;

    if (s->count == 0) {
        return 0;
    }
    qsort(s->at, s->count, sizeof(*s->at), by_size);
    i = (size_t)((double)s->count * percent / 100);
    return s->at[i < s->count ? i : s->count - 1];
}

void samples_print(samples_t *s)
{
    printf("n=%zu p50=%.2f p99=%.2f max=%.2f", s->count,
           samples_percentile(s, 50), samples_percentile(s, 99),
           samples_percentile(s, 100));
}

/* --- streams --- */

void endpoint_parse(endpoint_t *e, const char *text)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found;
    char host[64];
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : sizeof(host);

    if (len >= sizeof(host)) {
        load_die("%s is not address:port", text);
    }
    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        load_die("%s is not address:port", text);
    }
    memcpy(&e->address, found->ai_addr, found->ai_addrlen);
    e->len = found->ai_addrlen;
    freeaddrinfo(found);
}

SSL_CTX *load_tls(const char *ca)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

    if (!tls || SSL_CTX_load_verify_locations(tls, ca, NULL) != 1) {
        load_die("cannot use the certificate authority %s", ca);
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS |
                              SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

static int handshake(stream_t *s, SSL_CTX *tls)
{
    s->ssl = SSL_new(tls);
    if (!s->ssl) {
        return -1;
    }
    SSL_set_fd(s->ssl, s->fd);
    SSL_set_tlsext_host_name(s->ssl, "localhost");
    if (SSL_connect(s->ssl) != 1) {
        ERR_print_errors_fp(stderr);
        return -1;
    }
    return 0;
}

int stream_open(stream_t *s, const endpoint_t *to, SSL_CTX *tls)
{
    struct timeval patience = {.tv_sec = 10};
    int one = 1;

    s->ssl = NULL;
    s->fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0) {
        return -1;
    }
    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(s->fd, (const struct sockaddr *)&to->address, to->len) != 0 ||
        (tls && handshake(s, tls) != 0)) {
        stream_close(s);
        return -1;
    }
    return 0;
}

/* What a read or write of OpenSSL that yielded no bytes means.  A blocking
 * socket whose time is over looks like "want read" as well. */
static long ssl_outcome(stream_t *s, int result)
{
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return STREAM_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return STREAM_END;
    default:
        ERR_clear_error();
        return STREAM_ERROR;
    }
}

long stream_read(stream_t *s, void *into, size_t room)
{
    ssize_t n;

    if (s->ssl) {
        int got = SSL_read(s->ssl, into, room > 1 << 20 ? 1 << 20 : (int)room);

        return got > 0 ? got : ssl_outcome(s, got);
    }
    n = recv(s->fd, into, room, 0);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? STREAM_AGAIN : STREAM_ERROR;
    }
    return n;
}

static long write_some(stream_t *s, const void *bytes, size_t len)
{
    ssize_t n;

    if (s->ssl) {
        int put = SSL_write(s->ssl, bytes, len > 1 << 20 ? 1 << 20 : (int)len);

        return put > 0 ? put : ssl_outcome(s, put);
    }
    n = send(s->fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? STREAM_AGAIN : STREAM_ERROR;
    }
    return n;
}

int stream_write(stream_t *s, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        long n = write_some(s, at, len);

        if (n == STREAM_AGAIN) {
            struct pollfd wait = {.fd = s->fd, .events = POLLOUT};

            if (poll(&wait, 1, 10000) != 1) {
                return -1;
            }
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

void stream_nonblocking(stream_t *s)
{
    fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
}

void stream_close(stream_t *s)
{
    SSL_free(s->ssl);
    s->ssl = NULL;
    if (s->fd >= 0) {
        close(s->fd);
    }
    s->fd = -1;
}

/* --- the rest --- */

char *load_basic(const char *user_password)
{
    char *line, coded[400];
    size_t len = user_password ? strlen(user_password) : 0;

    if (!user_password) {
        return strdup("");
    }
    if (len > 256) {
        load_die("user:password is too long");
    }
    EVP_EncodeBlock((unsigned char *)coded,
                    (const unsigned char *)user_password, (int)len);
    if (asprintf(&line, "Authorization: Basic %s\r\n", coded) < 0) {
        load_die("no memory");
    }
    return line;
}

void load_raise_descriptors(void)
{
    struct rlimit limit = {1048576, 1048576};

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 &&
        getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
