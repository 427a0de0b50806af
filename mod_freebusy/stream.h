/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_STREAM_H
#define POSTERN_STREAM_H

/* A TCP connection as a client, with TLS from its start or later (OpenSSL), and
 * one deadline for everything on it.  A stream belongs to one thread and ends
 * with its pool. */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct stream_t stream_t;

/* Connects to host:port.  *why is a text in `pool` or static when it fails. */
apr_status_t stream_open(stream_t **stream, const char *host, int port,
                         apr_time_t deadline, const char **why,
                         apr_pool_t *pool);

/* TLS from now on; the certificate must be one for the host, by `ca_file` or,
 * when NULL, the CAs of the system. */
apr_status_t stream_start_tls(stream_t *stream, const char *ca_file,
                              const char **why);

/* Sends all of it. */
apr_status_t stream_send(stream_t *stream, const char *bytes, apr_size_t len);

/* What is there, at least one byte, at most `room`.  APR_EOF at the end. */
apr_status_t stream_receive(stream_t *stream, char *to, apr_size_t room,
                            apr_size_t *got);

/* 1 when both ends are on this machine by loopback. */
int stream_is_loopback(const stream_t *stream);

#endif
