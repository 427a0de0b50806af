/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_FETCH_H
#define POSTERN_FETCH_H

/* Several HTTP requests at once, with one deadline for all of them (libcurl).
 *
 * Only http and https; redirects are not followed, proxies of the environment
 * not used, encodings not asked for, answers cut off at a limit.  Certificates
 * are always checked.  A request whose kept connection turns out to be closed
 * is sent again, once: ask nothing that must not be asked twice.  Any thread; call fetch_init() once per process before. */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct fetch_limits_t {
    apr_interval_time_t total; /* for all requests together */
    apr_size_t max_bytes;      /* of one answer's body */
    int parallel;              /* connections at a time */
    const char *ca_file;       /* CAs to trust; NULL: those of the system */
} fetch_limits_t;

typedef struct fetch_t {
    /* The request. */
    const char *url;
    const char *method; /* NULL: GET, or POST with a body */
    const char *body;   /* or NULL */
    apr_size_t body_len;
    const char *const *headers;  /* "Name: value", ends with NULL; or NULL */
    const char *user, *password; /* for Basic, or NULL */
    /* The answer. */
    apr_status_t rv;  /* APR_SUCCESS: an HTTP answer came, whatever its status;
                         APR_TIMEUP the deadline, APR_ENOSPC too long, APR_EINVAL
                         no URL we fetch, APR_EGENERAL connection or TLS */
    const char *why;  /* with any other than APR_SUCCESS: in English, no URL */
    long status;      /* of HTTP, 0 when none came */
    const char *data; /* NUL behind it */
    apr_size_t len;
} fetch_t;

apr_status_t fetch_init(void);

/* Runs the `count` requests at `items` and returns when each has its answer or
 * its error, at the deadline at the latest. */
void fetch_all(fetch_t *items, int count, const fetch_limits_t *limits,
               apr_pool_t *pool);

#endif
