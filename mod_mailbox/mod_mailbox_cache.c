/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What the directory said, or that it knows nobody of that name, is kept for a
 * short time in a socache provider, which all processes, or all machines,
 * share.  Passwords are not: each is still asked of the directory. */

#include "mod_mailbox_private.h"

#include "packed.h"

#include "lib/log.h"

#include <ap_socache.h>
#include <apr_lib.h>
#include <apr_sha1.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <string.h>
#include <util_mutex.h>

APLOG_USE_MODULE(mailbox);

#define POSITIVE_TTL apr_time_from_sec(60)
#define NEGATIVE_TTL apr_time_from_sec(10)

static const char mutex_type[] = "mailbox-cache";

/* One for all servers; hangs off the configuration's pool by mutex_type. */
struct mailbox_cache_t {
    ap_socache_provider_t *provider; /* NULL: nothing is kept */
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* when the provider needs one */
    server_rec *server;
};

/* --- configuration --- */

static mailbox_cache_t *cache_of(apr_pool_t *pconf)
{
    void *cache = NULL;

    apr_pool_userdata_get(&cache, mutex_type, pconf);
    return cache;
}

/* The provider that `text` names, before its colon.  One that may hang is asked
 * by way of "mailbox"; then *args is the whole text. */
static ap_socache_provider_t *provider_of(const char *text, const char **args,
                                          apr_pool_t *temp)
{
    const char *colon = strchr(text, ':');
    const char *name = apr_pstrmemdup(temp, text, strcspn(text, ":"));

    *args = colon ? colon + 1 : NULL;
    if (mailbox_socache_may_hang(text, temp)) {
        name = "mailbox";
        *args = text;
    }
    return ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name,
                              AP_SOCACHE_PROVIDER_VERSION);
}

const char *mailbox_cache_create(mailbox_cache_t **made, const char *text,
                                 cmd_parms *cmd)
{
    mailbox_cache_t *cache = apr_pcalloc(cmd->pool, sizeof(*cache));
    const char *args, *why;

    cache->provider = provider_of(text, &args, cmd->temp_pool);
    if (!cache->provider) {
        return apr_psprintf(cmd->pool,
                            "MailboxCache: there is no provider \"%.*s\"; "
                            "write shmcb after a2enmod socache_shmcb",
                            (int)strcspn(text, ":"), text);
    }
    why = cache->provider->create(&cache->instance, args, cmd->temp_pool,
                                  cmd->pool);
    if (why) {
        return apr_psprintf(cmd->pool,
                            "MailboxCache: %s; write shmcb or "
                            "shmcb:/path(bytes)",
                            why);
    }
    *made = cache;
    apr_pool_userdata_setn(cache, mutex_type, NULL, cmd->pool);
    return NULL;
}

static apr_status_t destroy(void *data)
{
    mailbox_cache_t *cache = data;

    cache->provider->destroy(cache->instance, cache->server);
    return APR_SUCCESS;
}

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    ap_mutex_register(pconf, mutex_type, NULL, APR_LOCK_DEFAULT, 0);
    return OK;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    struct ap_socache_hints hints = {APR_SHA1_DIGESTSIZE, 512, POSITIVE_TTL};
    mailbox_cache_t *cache = cache_of(pconf);
    apr_status_t rv = APR_SUCCESS;

    (void)plog;
    (void)ptemp;
    if (!cache ||
        ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    if (cache->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) {
        rv = ap_global_mutex_create(&cache->mutex, NULL, mutex_type, NULL, s,
                                    pconf, 0);
    }
    if (rv == APR_SUCCESS) {
        rv =
            cache->provider->init(cache->instance, "mailbox", &hints, s, pconf);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     PN(10071) "MailboxCache cannot be made");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    cache->server = s;
    apr_pool_cleanup_register(pconf, cache, destroy, apr_pool_cleanup_null);
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    mailbox_cache_t *cache = cache_of(s->process->pconf);
    apr_status_t rv;

    if (!cache || !cache->mutex) {
        return;
    }
    rv = apr_global_mutex_child_init(
        &cache->mutex, apr_global_mutex_lockfile(cache->mutex), pchild);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s,
                     PN(10072) "MailboxCache keeps nothing in this child");
        cache->provider = NULL;
    }
}

void mailbox_register_cache(void)
{
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}

/* --- requests --- */

/* How long one answer may be kept here. */
typedef struct times_t {
    apr_interval_time_t found;
    apr_interval_time_t not_found;
} times_t;

/* The key holds all that the answer depends on, and for how long: so no place
 * is told what another one kept for longer.  The directory compares names
 * without case. */
static void make_key(unsigned char *digest, const mailbox_conf_t *conf,
                     const times_t *times, mailbox_key_e key, const char *value,
                     apr_pool_t *pool)
{
    char *text =
        apr_psprintf(pool, "%" APR_TIME_T_FMT " %" APR_TIME_T_FMT " %d\n%s\n",
                     times->found, times->not_found, (int)key, value);
    char *p;
    const char *sources = mailbox_sources(conf, pool);
    apr_sha1_ctx_t sha;

    for (p = text; *p; p++) {
        *p = (char)apr_tolower(*p);
    }
    apr_sha1_init(&sha);
    apr_sha1_update(&sha, text, (unsigned)strlen(text));
    apr_sha1_update(&sha, sources, (unsigned)strlen(sources));
    apr_sha1_final(digest, &sha);
}

static int lock(mailbox_cache_t *cache)
{
    return !cache->mutex || apr_global_mutex_lock(cache->mutex) == APR_SUCCESS;
}

static void unlock(mailbox_cache_t *cache)
{
    if (cache->mutex) {
        apr_global_mutex_unlock(cache->mutex);
    }
}

/* As packed_read(); APR_EINVAL also when nothing is kept. */
static apr_status_t get(request_rec *r, mailbox_cache_t *cache,
                        const unsigned char *key, const record_t **found,
                        apr_pool_t *pool)
{
    unsigned char bytes[PACKED_MAX];
    unsigned len = sizeof(bytes);
    apr_status_t rv;

    if (!lock(cache)) {
        return APR_EINVAL;
    }
    rv = cache->provider->retrieve(cache->instance, r->server, key,
                                   APR_SHA1_DIGESTSIZE, bytes, &len, r->pool);
    unlock(cache);
    return rv == APR_SUCCESS && len <= sizeof(bytes)
               ? packed_read(bytes, len, found, pool)
               : APR_EINVAL;
}

/* What does not fit is not kept: no error. */
static void put(request_rec *r, mailbox_cache_t *cache,
                const unsigned char *key, const record_t *record,
                apr_interval_time_t ttl)
{
    unsigned char bytes[PACKED_MAX];
    apr_size_t len = packed_write(bytes, record);

    if (len == 0 || ttl <= 0 || !lock(cache)) {
        return;
    }
    cache->provider->store(cache->instance, r->server, key, APR_SHA1_DIGESTSIZE,
                           apr_time_now() + ttl, bytes, (unsigned)len, r->pool);
    unlock(cache);
}

apr_status_t mailbox_cache_find(request_rec *r, const mailbox_conf_t *conf,
                                mailbox_key_e key, const char *value,
                                const record_t **found, apr_pool_t *pool)
{
    times_t times = {conf->cache_ttl, conf->cache_negative_ttl};
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    apr_status_t rv;

    if (!conf->cache || !conf->cache->provider || times.found == 0) {
        return mailbox_ldap_find(r, conf, key, value, found, pool);
    }
    times.found = times.found > 0 ? times.found : POSITIVE_TTL;
    times.not_found = times.not_found >= 0 ? times.not_found : NEGATIVE_TTL;
    make_key(digest, conf, &times, key, value, r->pool);
    rv = get(r, conf->cache, digest, found, pool);
    if (rv != APR_EINVAL) {
        return rv;
    }
    rv = mailbox_ldap_find(r, conf, key, value, found, pool);
    if (rv == APR_SUCCESS) {
        put(r, conf->cache, digest, *found, times.found);
    }
    else if (rv == APR_NOTFOUND) {
        put(r, conf->cache, digest, NULL, times.not_found);
    }
    return rv;
}
