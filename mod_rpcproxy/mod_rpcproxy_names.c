/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The addresses of back ends.  Names are looked up in worker threads, which may
 * wait, and never in a poller; the resolver, which has no time limit of ours,
 * is called by another thread (lib/errand.h).  While the name servers are
 * silent, the addresses that they told last are good. */

#include "mod_rpcproxy.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>

#include "lib/errand.h"

typedef struct list_t {
    int count;
    target_address_t address[TARGET_ENDPOINTS_MAX];
} list_t;

/* One host name of the configuration. */
typedef struct name_t {
    const char *host;
    list_t fixed; /* it is an address */
    errand_t errand;
    pthread_mutex_t mutex; /* guards the rest */
    list_t known;          /* the last good answer */
} name_t;

static void add(list_t *list, const struct sockaddr *address)
{
    target_address_t *to = &list->address[list->count];
    apr_size_t size =
        address->sa_family == AF_INET6 ? sizeof(to->six) : sizeof(to->four);

    if (list->count < TARGET_ENDPOINTS_MAX &&
        (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
        memcpy(to, address, size);
        list->count++;
    }
}

static void take_numeric(list_t *list, const char *host)
{
    target_address_t a;

    memset(&a, 0, sizeof(a));
    if (inet_pton(AF_INET, host, &a.four.sin_addr) == 1) {
        a.four.sin_family = AF_INET;
        add(list, &a.any);
    }
    else if (inet_pton(AF_INET6, host, &a.six.sin6_addr) == 1) {
        a.six.sin6_family = AF_INET6;
        add(list, &a.any);
    }
}

void *rpcproxy_name_create(apr_pool_t *pool, const char *host)
{
    name_t *name = apr_pcalloc(pool, sizeof(*name));

    name->host = host;
    take_numeric(&name->fixed, host);
    pthread_mutex_init(&name->mutex, NULL);
    return name;
}

/* One question to the resolver; lies in the errand's pool. */
typedef struct job_t {
    const char *host;
    list_t list;
    int error; /* EAI_* */
} job_t;

static void ask(void *data)
{
    job_t *job = data;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL, *a;

    job->error = getaddrinfo(job->host, NULL, &hints, &found);
    for (a = found; job->error == 0 && a; a = a->ai_next) {
        add(&job->list, a->ai_addr);
    }
    if (found) {
        freeaddrinfo(found);
    }
}

/* The answer of the name servers: APR_SUCCESS, APR_NOTFOUND when they know no
 * address, or anything else when they do not say. */
static apr_status_t ask_in_time(name_t *name, list_t *list,
                                apr_interval_time_t limit)
{
    apr_pool_t *pool;
    apr_status_t rv = errand_pool(&pool);
    job_t *job;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    job = apr_pcalloc(pool, sizeof(*job));
    job->host = name->host;
    rv = errand_run(&name->errand, ask, job, pool, limit);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *list = job->list;
    if (job->error || !list->count) {
        rv = job->error == EAI_AGAIN ? APR_EAGAIN : APR_NOTFOUND;
    }
    apr_pool_destroy(pool);
    return rv;
}

static void look_up(name_t *name, list_t *list, apr_interval_time_t limit)
{
    apr_status_t rv;

    if (name->fixed.count) {
        *list = name->fixed;
        return;
    }
    memset(list, 0, sizeof(*list));
    rv = ask_in_time(name, list, limit);
    pthread_mutex_lock(&name->mutex);
    if (rv == APR_SUCCESS || rv == APR_NOTFOUND) {
        name->known = *list;
    }
    else {
        *list = name->known;
    }
    pthread_mutex_unlock(&name->mutex);
}

/* Half of the time is for names, and each has its share of what is left. */
void rpcproxy_names_resolve(rpcproxy_chan_t *chan, const target_rule_t *rule,
                            int port, apr_interval_time_t limit)
{
    apr_time_t now = apr_time_now(), names_by = now + limit / 2;
    target_endpoint_t *endpoint =
        apr_palloc(chan->c->pool, sizeof(*endpoint) * TARGET_ENDPOINTS_MAX);
    list_t list;
    int i, j;

    chan->connect_by = now + limit;
    chan->endpoint = endpoint;
    for (i = 0; i < rule->backends; i++) {
        const target_backend_t *backend = &rule->backend[i];

        now = apr_time_now();
        look_up(backend->resolver, &list,
                now < names_by ? (names_by - now) / (rule->backends - i) : 0);
        for (j = 0; j < list.count && chan->endpoints < TARGET_ENDPOINTS_MAX;
             j++) {
            const struct sockaddr *a = &list.address[j].any;

            target_endpoint(&endpoint[chan->endpoints++], backend, a,
                            a->sa_family == AF_INET6
                                ? sizeof(struct sockaddr_in6)
                                : sizeof(struct sockaddr_in),
                            port);
        }
    }
}
