/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A relay that takes mail in clear text from whoever connects: greeting, EHLO,
 * and HELO where EHLO is not known (RFC 5321 section 3.2). */

#include "transport.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 32768 };

typedef struct plain_t {
    transport_t base;
    const submit_config_t *config;
    const char *answer; /* the last reply, in one line */
} plain_t;

/* libcurl converts names beyond ASCII, speaks to proxies and sockets. */
int transport_plain_fits(const submit_config_t *config)
{
    const char *s;

    if (config->method || config->tls || config->proxy || config->unix_socket ||
        !config->server) {
        return 0;
    }
    for (s = config->server; *s; s++) {
        if (!apr_isascii(*s)) {
            return 0;
        }
    }
    return 1;
}

static apr_status_t close_plain(void *data)
{
    plain_t *t = data;

    if (t->base.socket >= 0) {
        close(t->base.socket);
        t->base.socket = -1;
    }
    return APR_SUCCESS;
}

static apr_status_t plain_write(transport_t *base, const char *data,
                                apr_size_t len, apr_size_t *done)
{
    ssize_t n = send(base->socket, data, len, MSG_NOSIGNAL);

    *done = n > 0 ? (apr_size_t)n : 0;
    return n >= 0 ? APR_SUCCESS : errno == EINTR ? APR_EAGAIN : errno;
}

static apr_status_t plain_read(transport_t *base, char *room, apr_size_t size,
                               apr_size_t *done)
{
    ssize_t n = recv(base->socket, room, size, 0);

    *done = n > 0 ? (apr_size_t)n : 0;
    return n >= 0 ? APR_SUCCESS : errno == EINTR ? APR_EAGAIN : errno;
}

/* ---- connection ---- */

static int settle(int fd, int milliseconds)
{
    struct pollfd one = {fd, POLLOUT, 0};
    socklen_t len = sizeof(int);
    int rv, error = 0;

    do {
        rv = poll(&one, 1, milliseconds);
    } while (rv < 0 && errno == EINTR);
    if (rv == 0) {
        return ETIMEDOUT;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 ? errno
                                                                   : error;
}

static int connect_one(plain_t *t, const struct addrinfo *a, int milliseconds)
{
    int rv = 0, one = 1,
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    a->ai_protocol);
    char name[NI_MAXHOST];

    if (fd < 0) {
        return errno;
    }
    if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
        rv = errno == EINPROGRESS ? settle(fd, milliseconds) : errno;
    }
    if (rv) {
        close(fd);
        return rv;
    }
    /* The message goes out in few pieces; none waits for an answer. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    t->base.socket = fd;
    rv = getnameinfo(a->ai_addr, a->ai_addrlen, name, sizeof(name), NULL, 0,
                     NI_NUMERICHOST);
    t->base.peer = rv ? "" : apr_pstrdup(t->base.pool, name);
    return 0;
}

/* Each address of the name has its share of the time. */
static int connect_any(plain_t *t, const struct addrinfo *all)
{
    const struct addrinfo *a;
    int count = 0, rv = ECONNREFUSED;

    for (a = all; a; a = a->ai_next) {
        count++;
    }
    for (a = all; a && rv; a = a->ai_next) {
        rv = connect_one(t, a, transport_seconds(t->config) * 1000 / count);
    }
    return rv;
}

static transport_outcome_t connect_to(plain_t *t, const char *host,
                                      const char **why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    apr_pool_t *pool = t->base.pool;
    const char *port = apr_itoa(pool, submit_config_port(t->config));
    int rv;

    if (*host == '[') {
        host = apr_pstrmemdup(pool, host + 1, strcspn(host + 1, "]"));
    }
    rv = getaddrinfo(host, port, &hints, &found);
    if (rv) {
        *why =
            apr_psprintf(pool, "the name of the server cannot be resolved (%s)",
                         gai_strerror(rv));
        return TRANSPORT_DOWN;
    }
    rv = connect_any(t, found);
    freeaddrinfo(found);
    if (rv) {
        *why = apr_psprintf(pool, "the server %s (%s)",
                            rv == ETIMEDOUT ? "does not answer"
                                            : "cannot be reached",
                            strerror(rv));
        return TRANSPORT_DOWN;
    }
    return TRANSPORT_OK;
}

/* ---- greeting and EHLO ---- */

/* Each line of an answer to EHLO but its first. */
static void take_offers(plain_t *t, const char *text)
{
    const char *line = strchr(text, '\n');

    while (line && line[1]) {
        line++;
        if (strcspn(line, "\r\n") > 4) {
            reply_offer(&t->base.offers, line + 4, strcspn(line + 4, "\r\n"),
                        t->base.pool);
        }
        line = strchr(line, '\n');
    }
}

static transport_outcome_t broken(const plain_t *t, apr_status_t rv,
                                  const char **why)
{
    if (APR_STATUS_IS_TIMEUP(rv)) {
        *why = "the server does not answer";
    }
    else if (t->answer) {
        *why = apr_psprintf(t->base.pool, "the server cannot be used (%s)",
                            t->answer);
    }
    else {
        *why = "the server closes the connection";
    }
    return TRANSPORT_DOWN;
}

/* Reads one reply whole; its code, or 0 with a sentence. */
static int read_answer(plain_t *t, char *text, const char **why)
{
    reply_reader_t reader;
    apr_size_t used = 0;

    reply_reader_init(&reader);
    while (used < ANSWER_MAX - 1) {
        const char *from = text + used;
        apr_size_t len = 0;
        reply_t reply;
        apr_status_t rv =
            transport_receive(&t->base, text + used, ANSWER_MAX - 1 - used,
                              &len, transport_seconds(t->config));

        if (rv != APR_SUCCESS) {
            broken(t, rv, why);
            return 0;
        }
        used += len;
        text[used] = '\0';
        rv = reply_read(&reader, &from, &len, &reply, why);
        if (rv == APR_SUCCESS) {
            t->answer = apr_pstrdup(t->base.pool, reply.text);
            report(t->base.log, LOG_DEBUG, "< %s", t->answer);
            return reply.code;
        }
        if (rv != APR_INCOMPLETE) {
            return 0;
        }
    }
    *why = "the server's answer is too long";
    return 0;
}

static int say_hello(plain_t *t, const char *verb, char *text, const char **why)
{
    apr_pool_t *pool = t->base.pool;
    const char *line = apr_pstrcat(
        pool, verb, " ", submit_config_hostname(t->config, pool), NULL);
    apr_status_t rv;

    report(t->base.log, LOG_DEBUG, "> %s", line);
    line = apr_pstrcat(pool, line, "\r\n", NULL);
    rv = transport_send(&t->base, line, strlen(line),
                        transport_seconds(t->config));
    if (rv != APR_SUCCESS) {
        broken(t, rv, why);
        return 0;
    }
    return read_answer(t, text, why);
}

static transport_outcome_t greet(plain_t *t, const char **why)
{
    char *text = apr_palloc(t->base.pool, ANSWER_MAX);
    int code = read_answer(t, text, why);

    if (code == 220) {
        t->base.greeting = t->answer;
        code = say_hello(t, "EHLO", text, why);
        if (code == 250) {
            take_offers(t, text);
        }
        else if (code >= 500) {
            code = say_hello(t, "HELO", text, why);
        }
    }
    if (code != 0 && code != 250) {
        broken(t, APR_SUCCESS, why);
    }
    return code == 250 ? TRANSPORT_OK : TRANSPORT_DOWN;
}

static transport_outcome_t open_plain(transport_t **transport,
                                      const submit_config_t *config,
                                      const char *host, const char *password,
                                      const report_t *log, const char **why,
                                      apr_pool_t *pool)
{
    plain_t *t = apr_pcalloc(pool, sizeof(*t));
    transport_outcome_t outcome;

    (void)password;
    t->config = config;
    t->base.pool = pool;
    t->base.log = log;
    t->base.socket = -1;
    t->base.write = plain_write;
    t->base.read = plain_read;
    t->base.close = close_plain;
    apr_pool_cleanup_register(pool, t, close_plain, apr_pool_cleanup_null);
    report(log, LOG_DEBUG, "Creating connection to host (%s:%d)", host,
           submit_config_port(config));
    outcome = connect_to(t, host, why);
    if (outcome == TRANSPORT_OK) {
        outcome = greet(t, why);
    }
    if (outcome != TRANSPORT_OK) {
        transport_close(&t->base);
        return outcome;
    }
    *transport = &t->base;
    return TRANSPORT_OK;
}

const transport_way_t transport_plain = {open_plain, NULL};
