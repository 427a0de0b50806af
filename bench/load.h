/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_BENCH_LOAD_H
#define POSTERN_BENCH_LOAD_H

/* What the load programs share: a clock, samples, and a stream that is plain
 * TCP or TLS.  A load program measures; where something does not work it says
 * so on standard error and counts it as failed. */

#include <openssl/ssl.h>
#include <stddef.h>
#include <sys/socket.h>

/* Microseconds since some fixed point. */
double load_now(void);

/* Ends the program with status 2 and a message: wrong use, or nothing there to
 * measure. */
void load_die(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* Durations in microseconds. */
typedef struct samples_t {
    double *at;
    size_t count, room;
} samples_t;

void samples_add(samples_t *s, double us);

/* The value below which `percent` of the samples lie; 0 when there is none.
 * Sorts. */
double samples_percentile(samples_t *s, double percent);

/* Prints "n=.. p50=.. p99=.. max=.." without a line end. */
void samples_print(samples_t *s);

typedef struct endpoint_t {
    struct sockaddr_storage address;
    socklen_t len;
} endpoint_t;

/* Parses "127.0.0.1:80" or "[::1]:80"; ends the program when it is neither. */
void endpoint_parse(endpoint_t *e, const char *text);

typedef struct stream_t {
    int fd;
    SSL *ssl; /* NULL: plain */
} stream_t;

/* A client context that trusts the certificate authority in file `ca`. */
SSL_CTX *load_tls(const char *ca);

/* Connects, with TLS when `tls` is not NULL; the socket blocks, with 10 s as
 * the longest wait, and sends small writes at once.  0, or -1. */
int stream_open(stream_t *s, const endpoint_t *to, SSL_CTX *tls);

enum { STREAM_END = 0, STREAM_ERROR = -1, STREAM_AGAIN = -2 };

/* Reads up to `room` bytes: how many, or one of STREAM_*. */
long stream_read(stream_t *s, void *into, size_t room);

/* Writes everything, waiting where it must.  0, or -1. */
int stream_write(stream_t *s, const void *bytes, size_t len);

void stream_nonblocking(stream_t *s);
void stream_close(stream_t *s);

/* "Authorization: Basic ...\r\n" for user:password, or "" for NULL; to be
 * freed. */
char *load_basic(const char *user_password);

/* Lets the program have as many descriptors as the system allows. */
void load_raise_descriptors(void);

#endif
