/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/hostaddr.h"

#include <apr_network_io.h>
#include <apr_strings.h>
#include <arpa/inet.h>

#define FRESH apr_time_from_sec(60)    /* how long an answer is not doubted */
#define AGAIN apr_time_from_sec(5)     /* one asks anew so often */
#define MOMENT apr_time_from_msec(300) /* with an old answer at hand */

static int is_numeric(const char *host)
{
    unsigned char address[16];

    return inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1;
}

/* The system's resolver. */
static apr_status_t resolve(hostaddr_list_t *list, const char *host,
                            apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_status_t rv =
        apr_sockaddr_info_get(&address, host, APR_UNSPEC, 0, 0, pool);

    list->count = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (; address && list->count < HOSTADDR_MAX; address = address->next) {
        if (apr_sockaddr_ip_getbuf(list->text[list->count],
                                   sizeof(list->text[0]),
                                   address) == APR_SUCCESS) {
            list->count++;
        }
    }
    return list->count ? APR_SUCCESS : APR_NOTFOUND;
}

apr_status_t hostaddr_create(hostaddr_t **made, const char *host,
                             apr_pool_t *pool)
{
    hostaddr_t *addr = apr_pcalloc(pool, sizeof(*addr));

    addr->host = host;
    addr->numeric = is_numeric(host);
    addr->resolve = resolve;
    if (addr->numeric) {
        apr_cpystrn(addr->known.text[0], host, sizeof(addr->known.text[0]));
        addr->known.count = 1;
    }
    *made = addr;
    return apr_thread_mutex_create(&addr->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pool);
}

/* One question to the resolver, with all that its thread needs. */
typedef struct job_t {
    hostaddr_resolve_t *resolve;
    const char *host;
    apr_pool_t *pool;
    hostaddr_list_t list;
    apr_status_t rv;
} job_t;

static void work(void *data)
{
    job_t *job = data;

    job->rv = job->resolve(&job->list, job->host, job->pool);
}

static apr_status_t ask(hostaddr_t *addr, hostaddr_list_t *list,
                        apr_interval_time_t limit)
{
    apr_pool_t *pool;
    job_t *job;
    apr_status_t rv = errand_pool(&pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    job = apr_pcalloc(pool, sizeof(*job));
    job->resolve = addr->resolve;
    job->host = apr_pstrdup(pool, addr->host);
    job->pool = pool;
    rv = errand_run(&addr->errand, work, job, pool, limit);
    if (rv != APR_SUCCESS) {
        return rv == APR_EBUSY ? APR_TIMEUP : rv;
    }
    rv = job->rv;
    *list = job->list;
    apr_pool_destroy(pool);
    return rv;
}

/* 1 when what is known will do; otherwise the caller is to ask. */
static int look_up(hostaddr_t *addr, hostaddr_list_t *list, apr_time_t now)
{
    int enough;

    apr_thread_mutex_lock(addr->mutex);
    *list = addr->known;
    enough = list->count && (addr->numeric || now < addr->ask_at);
    if (!enough) {
        addr->ask_at = now + AGAIN;
    }
    apr_thread_mutex_unlock(addr->mutex);
    return enough;
}

static void remember(hostaddr_t *addr, const hostaddr_list_t *list,
                     apr_time_t now)
{
    apr_thread_mutex_lock(addr->mutex);
    addr->known = *list;
    addr->ask_at = now + FRESH;
    apr_thread_mutex_unlock(addr->mutex);
}

apr_status_t hostaddr_get(hostaddr_t *addr, hostaddr_list_t *list,
                          apr_time_t now, apr_interval_time_t limit)
{
    hostaddr_list_t answer;
    apr_status_t rv;

    if (look_up(addr, list, now)) {
        return APR_SUCCESS;
    }
    rv = ask(addr, &answer, list->count && limit > MOMENT ? MOMENT : limit);
    if (rv == APR_SUCCESS) {
        *list = answer;
        remember(addr, list, now);
    }
    return list->count ? APR_SUCCESS : rv;
}
