/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_TRANSPORT_H
#define SUBMIT_TRANSPORT_H

/* A connection to the server on which MAIL may be said.  There are two ways to
 * one:
 *
 *   transport_curl    TCP, proxy, greeting, EHLO, TLS and AUTH are libcurl's work
 *                     (CURLOPT_CONNECT_ONLY)
 *   transport_plain   a relay without TLS and without login: a socket, and EHLO.
 *                     Loading libcurl takes longer than sending such a mail.
 *
 * The bytes after that are ours.  One thread a connection. */

#include "config.h"
#include "reply.h"
#include "report.h"

typedef enum transport_outcome_t {
    TRANSPORT_OK,
    TRANSPORT_DOWN,   /* no name, no connection, no greeting: later */
    TRANSPORT_TLS,    /* no STARTTLS, wrong certificate: later */
    TRANSPORT_AUTH,   /* no AUTH, wrong password: later */
    TRANSPORT_REFUSED /* our own rule: no password in clear text */
} transport_outcome_t;

typedef struct transport_t transport_t;
struct transport_t {
    int socket; /* does not block */
    reply_offers_t offers;
    const char *greeting; /* the server's first line, or NULL */
    const char *peer;     /* its address */
    /* One try: APR_EAGAIN when nothing can be done now. */
    apr_status_t (*write)(transport_t *t, const char *data, apr_size_t len,
                          apr_size_t *done);
    apr_status_t (*read)(transport_t *t, char *room, apr_size_t size,
                         apr_size_t *done);
    apr_status_t (*close)(void *t); /* a pool cleanup */
    const report_t *log;
    apr_pool_t *pool;
};

/* A way to a connection. */
typedef struct transport_way_t {
    /* Connects to `host` as `config` says.  With authentication configured, OK
     * means that the server answered 235.  Otherwise *why is a sentence. */
    transport_outcome_t (*open)(transport_t **transport,
                                const submit_config_t *config, const char *host,
                                const char *password, const report_t *log,
                                const char **why, apr_pool_t *pool);
    /* Finds what to log in with; NULL: there is no login. */
    apr_status_t (*password)(const char **password,
                             const submit_config_t *config, const char **why,
                             apr_pool_t *pool);
} transport_way_t;

extern const transport_way_t transport_curl, transport_plain;

/* 1 when transport_plain can do what `config` wants. */
int transport_plain_fits(const submit_config_t *config);

/* How many seconds connection, TLS and login may take. */
int transport_seconds(const submit_config_t *config);

/* Sends all, or fails within `seconds` without progress. */
apr_status_t transport_send(transport_t *transport, const char *data,
                            apr_size_t len, int seconds);

/* What has come, at least one byte; APR_EOF when the server closed, APR_TIMEUP
 * after `seconds`. */
apr_status_t transport_receive(transport_t *transport, char *room,
                               apr_size_t size, apr_size_t *len, int seconds);

void transport_close(transport_t *transport);

#endif
