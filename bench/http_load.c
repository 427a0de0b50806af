/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* http_load -p ADDRESS:PORT [-t CA-FILE] [-u USER:PASSWORD] [-b BODY-FILE]
 *           [-h "Name: value"]... CONNECTIONS SECONDS PATH
 *
 * Keep-alive requests, one in flight on each connection: POST with the body of
 * the file (text/xml), else GET.  Every answer must have status 200 and a
 * Content-Length.  Prints rps, p50, p99, max (microseconds), and the bytes of
 * the last answer's body. */

#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ANSWER_MAX (2 * 1024 * 1024)

static char *request;
static size_t request_len, last_body, reconnects;
static endpoint_t server;
static SSL_CTX *tls;
static int poller;

typedef struct connection_t {
    stream_t stream;
    char *rx;
    size_t used, expected; /* whole answer, 0: header not complete yet */
    double started;
} connection_t;

static void connect_to_server(connection_t *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    if (stream_open(&c->stream, &server, tls) != 0) {
        load_die("cannot connect");
    }
    stream_nonblocking(&c->stream);
    epoll_ctl(poller, EPOLL_CTL_ADD, c->stream.fd, &event);
}

static void start_request(connection_t *c);

/* A server may close a connection between two answers; the time that this
 * costs is part of the sample. */
static void reconnect(connection_t *c)
{
    double started = c->started;

    if (c->used > 0 || ++reconnects > 10000) {
        load_die("the server closed a connection");
    }
    stream_close(&c->stream);
    connect_to_server(c);
    start_request(c);
    c->started = started;
}

static void start_request(connection_t *c)
{
    c->used = c->expected = 0;
    c->started = load_now();
    if (stream_write(&c->stream, request, request_len) != 0) {
        reconnect(c);
    }
}

/* Sets `expected` when the header is there. */
static void read_header(connection_t *c)
{
    char *end = memmem(c->rx, c->used, "\r\n\r\n", 4), *length;

    if (!end) {
        return;
    }
    *end = '\0';
    if (strncmp(c->rx + 8, " 200", 4) != 0) {
        load_die("answer: %.*s", (int)strcspn(c->rx, "\r"), c->rx);
    }
    length = strcasestr(c->rx, "\r\nContent-Length:");
    if (!length) {
        load_die("an answer without Content-Length");
    }
    last_body = (size_t)strtoul(length + 17, NULL, 10);
    c->expected = (size_t)(end - c->rx) + 4 + last_body;
    if (c->expected >= ANSWER_MAX) {
        load_die("an answer of %zu bytes", c->expected);
    }
}

/* 1 when the answer is complete. */
static int take_bytes(connection_t *c)
{
    for (;;) {
        long n = stream_read(&c->stream, c->rx + c->used, ANSWER_MAX - c->used);

        if (n == STREAM_AGAIN) {
            return 0;
        }
        if (n <= 0) {
            reconnect(c);
            return 0;
        }
        c->used += (size_t)n;
        if (c->expected == 0) {
            read_header(c);
        }
        if (c->expected > 0 && c->used >= c->expected) {
            return 1;
        }
    }
}

static void run(int count, double seconds)
{
    connection_t *all = calloc((size_t)count, sizeof(*all));
    struct epoll_event events[64];
    samples_t samples = {0};
    int i, n;
    double end;

    for (i = 0; all && i < count; i++) {
        all[i].rx = malloc(ANSWER_MAX);
        if (!all[i].rx) {
            load_die("no memory");
        }
        connect_to_server(&all[i]);
    }
    end = load_now() + seconds * 1e6;
    for (i = 0; i < count; i++) {
        start_request(&all[i]);
    }
    while (load_now() < end) {
        n = epoll_wait(poller, events, 64, 5000);
        if (n == 0) {
            load_die("no answer in 5 s");
        }
        for (i = 0; i < n; i++) {
            connection_t *c = events[i].data.ptr;

            if (take_bytes(c)) {
                samples_add(&samples, load_now() - c->started);
                start_request(c);
            }
        }
    }
    printf("rps=%.1f ", (double)samples.count / seconds);
    samples_print(&samples);
    printf(" bytes=%zu reconnects=%zu\n", last_body, reconnects);
}

static char *read_body(const char *path, size_t *len)
{
    static char body[ANSWER_MAX];
    FILE *file = fopen(path, "rb");

    if (!file) {
        load_die("cannot read %s", path);
    }
    *len = fread(body, 1, sizeof(body), file);
    fclose(file);
    return body;
}

static void make_request(const char *path, const char *body, size_t body_len,
                         const char *headers)
{
    char *head;
    int n;

    if (body) {
        n = asprintf(&head,
                     "POST %s HTTP/1.1\r\nHost: localhost\r\n%s"
                     "Content-Type: text/xml; charset=utf-8\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     path, headers, body_len);
    }
    else {
        n = asprintf(&head, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                     path, headers);
    }
    request = n > 0 ? realloc(head, (size_t)n + body_len + 1) : NULL;
    if (!request) {
        load_die("no memory");
    }
    if (body) {
        memcpy(request + n, body, body_len);
    }
    request_len = (size_t)n + body_len;
}

int main(int argc, char **argv)
{
    char headers[4096] = "", *body = NULL;
    size_t body_len = 0;
    int option;

    load_raise_descriptors();
    while ((option = getopt(argc, argv, "p:t:u:b:h:")) != -1) {
        size_t used = strlen(headers);

        if (option == 'p') {
            endpoint_parse(&server, optarg);
        }
        else if (option == 't') {
            tls = load_tls(optarg);
        }
        else if (option == 'u') {
            snprintf(headers + used, sizeof(headers) - used, "%s",
                     load_basic(optarg));
        }
        else if (option == 'b') {
            body = read_body(optarg, &body_len);
        }
        else if (option == 'h') {
            snprintf(headers + used, sizeof(headers) - used, "%s\r\n", optarg);
        }
    }
    if (argc - optind != 3 || server.len == 0) {
        load_die("how? see the head of http_load.c");
    }
    make_request(argv[optind + 2], body, body_len, headers);
    poller = epoll_create1(0);
    run((int)strtol(argv[optind], NULL, 10), strtod(argv[optind + 1], NULL));
    return 0;
}
