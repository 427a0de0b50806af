/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_TRANSPORT_H
#define SUBMIT_TRANSPORT_H

/* A connection to the server on which MAIL may be said: TCP, greeting, EHLO,
 * TLS and AUTH are libcurl's work (CURLOPT_CONNECT_ONLY), the bytes after that
 * are ours.  One thread a connection. */

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

/* Connects to `host` as `config` says.  With authentication configured, OK
 * means that the server answered 235.  Otherwise *why is a sentence. */
transport_outcome_t transport_open(transport_t **transport,
                                   const submit_config_t *config,
                                   const char *host, const char *password,
                                   const report_t *log, const char **why,
                                   apr_pool_t *pool);

const reply_offers_t *transport_offers(const transport_t *transport);

/* The server's address and its greeting, for people. */
const char *transport_describe(const transport_t *transport, apr_pool_t *pool);

/* Sends all, or fails within `seconds` without progress. */
apr_status_t transport_send(transport_t *transport, const char *data,
                            apr_size_t len, int seconds);

/* What has come, at least one byte; APR_EOF when the server closed, APR_TIMEUP
 * after `seconds`. */
apr_status_t transport_receive(transport_t *transport, char *room,
                               apr_size_t size, apr_size_t *len, int seconds);

void transport_close(transport_t *transport);

#endif
