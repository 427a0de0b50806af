/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_GLUE_H
#define POSTERN_MOD_GLUE_H

/* What every document-answering module of ours needs from httpd: a request
 * body of bounded size, and an answer.  Linked into each module.  Message
 * numbers 19001.. */

#include <httpd.h>
#include <http_config.h>

/* Reads the whole request body, at most `max` bytes counted after any input
 * filter (Content-Length, chunked and compressed bodies alike), into
 * r->pool.  OK, or the HTTP status to return: 413 above `max`, 400 or 408 when
 * the client's body is broken or late. */
int glue_read_body(request_rec *r, apr_size_t max, const char **bytes,
                   apr_size_t *len);

/* Answers `len` bytes at `bytes`, which must live as long as r->pool, with
 * r->status (200 unless set before), not to be cached by anybody.  Returns OK,
 * or DONE when the client has gone. */
int glue_send(request_rec *r, const char *content_type, const char *bytes,
              apr_size_t len);

/* 405 with an Allow header that names `allowed` ("POST", "GET, POST"). */
int glue_method_not_allowed(request_rec *r, const char *allowed);

/* 1 when the path of `r` is `path`, without regard to the case of ASCII
 * letters. */
int glue_path_is(const request_rec *r, const char *path);

/* For directive setters: NULL when `url` is an absolute URL with a host, of
 * scheme https (or http, when `plain` is set), without user, blank or control
 * character; else what to write instead, in `pool`. */
const char *glue_check_url(const char *directive, const char *url, int plain,
                           apr_pool_t *pool);

/* For directive setters: NULL when `host` can be a host name or an IP address
 * without port; else what to write instead, in `pool`. */
const char *glue_check_host(const char *directive, const char *host,
                            apr_pool_t *pool);

#endif
