/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_HOSTADDR_H
#define POSTERN_HOSTADDR_H

/* The addresses of a host whose name servers may be silent.
 *
 * The resolver has no time limit of ours, so it is called by another thread
 * (lib/errand.h).  An answer is good for a minute.  After that one caller asks
 * anew and waits a moment, while the others, and he too when nobody answers,
 * take the old one.  Any number of threads at once. */

#include <apr_pools.h>
#include <apr_thread_mutex.h>
#include <apr_time.h>

#include "lib/errand.h"

#define HOSTADDR_MAX 8 /* addresses of one host; others are left out */

typedef struct hostaddr_list_t {
    int count;
    char text[HOSTADDR_MAX][46]; /* numeric */
} hostaddr_list_t;

typedef apr_status_t hostaddr_resolve_t(hostaddr_list_t *list, const char *host,
                                        apr_pool_t *pool);

typedef struct hostaddr_t {
    const char *host;
    int numeric;                 /* it is an address: there is no question */
    hostaddr_resolve_t *resolve; /* who is asked; tests have their own */
    errand_t errand;
    apr_thread_mutex_t *mutex; /* guards the rest */
    hostaddr_list_t known;     /* the last good answer */
    apr_time_t ask_at;         /* until then nobody asks, if one is known */
} hostaddr_t;

/* Makes one for `host`, a name or an address, in `pool`; asks nobody.  An
 * error of the mutex. */
apr_status_t hostaddr_create(hostaddr_t **made, const char *host,
                             apr_pool_t *pool);

/* Yields at least one address in *list within `limit`.  Otherwise what the
 * resolver says, or APR_TIMEUP. */
apr_status_t hostaddr_get(hostaddr_t *addr, hostaddr_list_t *list,
                          apr_time_t now, apr_interval_time_t limit);

#endif
