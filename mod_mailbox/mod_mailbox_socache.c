/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The socache provider "mailbox": stands before another one whose cache is in
 * another server, and waits for that server only so long.
 *
 * The clients of memcached and Redis that httpd has wait without limit for a
 * server that is silent without being gone.  Their calls are made by another
 * thread here.  A cache may forget anything at any time, so who uses it has a
 * way on, and takes it when the thread is late. */

#include "mod_mailbox_private.h"

#include "lib/errand.h"
#include "lib/log.h"

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(mailbox);

#define PATIENCE_MS 300

struct ap_socache_instance_t {
    const char *name;                /* provider:arguments, for the log */
    ap_socache_provider_t *provider; /* the other one */
    ap_socache_instance_t *instance; /* of it */
    errand_t errand;
};

typedef enum question_e { STORE, RETRIEVE, REMOVE } question_e;

/* One question to the other provider, with copies of all that it needs. */
typedef struct job_t {
    question_e question;
    const ap_socache_instance_t *cache;
    server_rec *server;
    apr_pool_t *pool;
    unsigned char *id;
    unsigned int idlen;
    apr_time_t expiry;
    unsigned char *data; /* in, or room for it */
    unsigned int len;
    apr_status_t rv;
} job_t;

/* The provider that `text` names, before its colon, and its name. */
static ap_socache_provider_t *named(const char **name, const char *text,
                                    apr_pool_t *temp)
{
    *name = apr_pstrmemdup(temp, text, strcspn(text, ":"));
    return ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, *name,
                              AP_SOCACHE_PROVIDER_VERSION);
}

/* Those that need a mutex between processes share memory or a file. */
static int is_on_this_machine(const ap_socache_provider_t *provider)
{
    return (provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) != 0;
}

static const char *create(ap_socache_instance_t **made, const char *text,
                          apr_pool_t *temp, apr_pool_t *p)
{
    ap_socache_instance_t *cache = apr_pcalloc(p, sizeof(*cache));
    const char *name, *args;

    if (!text) {
        return "mailbox stands before another cache; write mailbox:memcache:"
               "192.0.2.1:11211 or mailbox:redis:192.0.2.1:6379";
    }
    args = strchr(text, ':');
    cache->name = apr_pstrdup(p, text);
    cache->provider = named(&name, text, temp);
    if (!cache->provider) {
        return apr_psprintf(temp,
                            "there is no provider \"%s\"; write mailbox:%s "
                            "after a2enmod socache_%s",
                            name, text, name);
    }
    if (is_on_this_machine(cache->provider)) {
        return apr_psprintf(temp,
                            "%s is on this machine and keeps nobody waiting; "
                            "write it without mailbox:",
                            name);
    }
    *made = cache;
    return cache->provider->create(&cache->instance, args ? args + 1 : NULL,
                                   temp, p);
}

static apr_status_t init(ap_socache_instance_t *cache, const char *name,
                         const struct ap_socache_hints *hints, server_rec *s,
                         apr_pool_t *pool)
{
    return cache->provider->init(cache->instance, name, hints, s, pool);
}

static void destroy(ap_socache_instance_t *cache, server_rec *s)
{
    cache->provider->destroy(cache->instance, s);
}

/* By the errand's thread. */
static void ask(void *data)
{
    job_t *job = data;
    ap_socache_provider_t *provider = job->cache->provider;
    ap_socache_instance_t *instance = job->cache->instance;

    switch (job->question) {
    case STORE:
        job->rv = provider->store(instance, job->server, job->id, job->idlen,
                                  job->expiry, job->data, job->len, job->pool);
        break;
    case RETRIEVE:
        job->rv = provider->retrieve(instance, job->server, job->id, job->idlen,
                                     job->data, &job->len, job->pool);
        break;
    case REMOVE:
        job->rv = provider->remove(instance, job->server, job->id, job->idlen,
                                   job->pool);
        break;
    }
}

static job_t *make_job(question_e question, const ap_socache_instance_t *cache,
                       server_rec *s, const unsigned char *id,
                       unsigned int idlen)
{
    apr_pool_t *pool;
    job_t *job;

    if (errand_pool(&pool) != APR_SUCCESS) {
        return NULL;
    }
    job = apr_pcalloc(pool, sizeof(*job));
    job->question = question;
    job->cache = cache;
    job->server = s;
    job->pool = pool;
    job->id = apr_pmemdup(pool, id, idlen);
    job->idlen = idlen;
    return job;
}

/* 1 when the other provider has answered: the outcome is in job->rv, and the
 * caller destroys job->pool.  Otherwise the job is gone.  Logged by the one who
 * has waited; the others do not until the server speaks again. */
static int run(ap_socache_instance_t *cache, server_rec *s, job_t *job)
{
    apr_status_t rv = errand_run(&cache->errand, ask, job, job->pool,
                                 apr_time_from_msec(PATIENCE_MS));

    if (rv != APR_SUCCESS && rv != APR_EBUSY) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     PN(10073) "cache %s has not answered within %d ms; all "
                               "goes on without it until it does",
                     cache->name, PATIENCE_MS);
    }
    return rv == APR_SUCCESS;
}

/* Ends a job that was answered. */
static apr_status_t finish(job_t *job)
{
    apr_status_t rv = job->rv;

    apr_pool_destroy(job->pool);
    return rv;
}

static apr_status_t store(ap_socache_instance_t *cache, server_rec *s,
                          const unsigned char *id, unsigned int idlen,
                          apr_time_t expiry, unsigned char *data,
                          unsigned int len, apr_pool_t *pool)
{
    job_t *job = make_job(STORE, cache, s, id, idlen);

    (void)pool;
    if (!job) {
        return APR_ENOMEM;
    }
    job->expiry = expiry;
    job->data = apr_pmemdup(job->pool, data, len);
    job->len = len;
    /* Not stored is as good as stored and forgotten. */
    return run(cache, s, job) ? finish(job) : APR_SUCCESS;
}

static apr_status_t retrieve(ap_socache_instance_t *cache, server_rec *s,
                             const unsigned char *id, unsigned int idlen,
                             unsigned char *data, unsigned int *len,
                             apr_pool_t *pool)
{
    job_t *job = make_job(RETRIEVE, cache, s, id, idlen);

    (void)pool;
    if (!job) {
        return APR_ENOMEM;
    }
    job->data = apr_palloc(job->pool, *len);
    job->len = *len;
    if (!run(cache, s, job)) {
        return APR_NOTFOUND;
    }
    if (job->rv == APR_SUCCESS && job->len <= *len) {
        memcpy(data, job->data, job->len);
        *len = job->len;
    }
    return finish(job);
}

static apr_status_t remove_one(ap_socache_instance_t *cache, server_rec *s,
                               const unsigned char *id, unsigned int idlen,
                               apr_pool_t *pool)
{
    job_t *job = make_job(REMOVE, cache, s, id, idlen);

    (void)pool;
    if (!job) {
        return APR_ENOMEM;
    }
    return run(cache, s, job) ? finish(job) : APR_TIMEUP;
}

/* Writes to the client, which no other thread may do. */
static void status(ap_socache_instance_t *cache, request_rec *r, int flags)
{
    (void)cache;
    (void)r;
    (void)flags;
}

static apr_status_t iterate(ap_socache_instance_t *cache, server_rec *s,
                            void *context, ap_socache_iterator_t *iterator,
                            apr_pool_t *pool)
{
    (void)cache;
    (void)s;
    (void)context;
    (void)iterator;
    (void)pool;
    return APR_ENOTIMPL;
}

static const ap_socache_provider_t mailbox_socache = {
    .name = "mailbox",
    .create = create,
    .init = init,
    .destroy = destroy,
    .store = store,
    .retrieve = retrieve,
    .remove = remove_one,
    .status = status,
    .iterate = iterate,
};

int mailbox_socache_may_hang(const char *text, apr_pool_t *temp)
{
    const char *name;
    const ap_socache_provider_t *provider = named(&name, text, temp);

    return provider && provider != &mailbox_socache &&
           !is_on_this_machine(provider);
}

void mailbox_register_socache(apr_pool_t *p)
{
    ap_register_provider(p, AP_SOCACHE_PROVIDER_GROUP, "mailbox",
                         AP_SOCACHE_PROVIDER_VERSION, &mailbox_socache);
}
