/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What the calendar server said, and what came of it in a window, is kept for a
 * short time in the shared memory of a socache provider: people look at the same
 * colleagues again and again while they move a meeting about. */

#include "mod_freebusy.h"

#include "lib/log.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(freebusy);

#define MUTEX "freebusy-cache"

void freebusy_cache_register(apr_pool_t *pconf)
{
    ap_mutex_register(pconf, MUTEX, NULL, APR_LOCK_DEFAULT, 0);
}

const char *freebusy_cache_create(freebusy_server_t *server, const char *text,
                                  cmd_parms *cmd)
{
    const char *colon = strchr(text, ':'), *why, *name = text, *args = NULL;

    if (colon) {
        name = apr_pstrmemdup(cmd->pool, text, (apr_size_t)(colon - text));
        args = colon + 1;
    }
    server->provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name,
                                          AP_SOCACHE_PROVIDER_VERSION);
    if (!server->provider) {
        return apr_psprintf(cmd->pool,
                            "FreeBusyCache: there is no provider \"%s\"; load "
                            "mod_socache_%s before, or write shmcb",
                            name, name);
    }
    why = server->provider->create(&server->instance, args, cmd->temp_pool,
                                   cmd->pool);
    return why ? apr_psprintf(cmd->pool,
                              "FreeBusyCache: %s; write shmcb or "
                              "shmcb:/path(bytes)",
                              why)
               : NULL;
}

static apr_status_t destroy(void *data)
{
    freebusy_server_t *server = data;

    if (server->instance) {
        server->provider->destroy(server->instance, server->main);
        server->instance = NULL;
    }
    return APR_SUCCESS;
}

apr_status_t freebusy_cache_init(freebusy_server_t *server, server_rec *s,
                                 apr_pool_t *pconf)
{
    struct ap_socache_hints hints = {FREEBUSY_KEY_LENGTH, 4096,
                                     apr_time_from_sec(60)};
    apr_status_t rv = APR_SUCCESS;

    if (!server->provider) {
        return APR_SUCCESS;
    }
    if (server->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) {
        rv = ap_global_mutex_create(&server->mutex, NULL, MUTEX, NULL, s, pconf,
                                    0);
    }
    if (rv == APR_SUCCESS) {
        rv = server->provider->init(server->instance, "freebusy", &hints, s,
                                    pconf);
    }
    if (rv == APR_SUCCESS) {
        server->main = s;
        apr_pool_cleanup_register(pconf, server, destroy,
                                  apr_pool_cleanup_null);
    }
    return rv;
}

void freebusy_cache_child(freebusy_server_t *server, server_rec *s,
                          apr_pool_t *pchild)
{
    apr_status_t rv;

    if (!server->mutex) {
        return;
    }
    rv = apr_global_mutex_child_init(
        &server->mutex, apr_global_mutex_lockfile(server->mutex), pchild);
    if (rv != APR_SUCCESS) {
        ap_log_error(
            APLOG_MARK, APLOG_ERR, rv, s,
            PN(14031) "lock of the cache of calendars is lost: nothing "
                      "is kept");
        server->provider = NULL;
    }
}

void freebusy_cache_key_init(apr_sha1_ctx_t *sha, const char *what,
                             const char *scope)
{
    apr_sha1_init(sha);
    apr_sha1_update(sha, what, (unsigned)strlen(what) + 1);
    apr_sha1_update(sha, scope, (unsigned)strlen(scope) + 1);
}

/* Who may see what is in the source's business: everything that its answer
 * depends on is in the key. */
void freebusy_cache_key_end(apr_sha1_ctx_t *sha,
                            const placeholder_values_t *values,
                            unsigned char *key)
{
    const char *parts[] = {values->user, values->mail, values->domain,
                           values->guid};
    size_t i;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        apr_sha1_update(sha, parts[i], (unsigned)strlen(parts[i]) + 1);
    }
    apr_sha1_final(key, sha);
}

static int lock(freebusy_server_t *server)
{
    return !server->mutex ||
           apr_global_mutex_lock(server->mutex) == APR_SUCCESS;
}

static void unlock(freebusy_server_t *server)
{
    if (server->mutex) {
        apr_global_mutex_unlock(server->mutex);
    }
}

/* A hundred answers are taken through the same room. */
unsigned char *freebusy_cache_room(request_rec *r)
{
    unsigned char *room =
        ap_get_module_config(r->request_config, &freebusy_module);

    if (!room) {
        room = apr_palloc(r->pool, FREEBUSY_CACHE_ENTRY_MAX);
        ap_set_module_config(r->request_config, &freebusy_module, room);
    }
    return room;
}

static freebusy_server_t *server_of(request_rec *r)
{
    return ap_get_module_config(r->server->module_config, &freebusy_module);
}

int freebusy_cache_is_there(request_rec *r)
{
    return server_of(r)->provider != NULL;
}

int freebusy_cache_get(request_rec *r, const unsigned char *key,
                       const char **data, apr_size_t *len)
{
    freebusy_server_t *server = server_of(r);
    unsigned char *room = freebusy_cache_room(r);
    unsigned got = FREEBUSY_CACHE_ENTRY_MAX;
    apr_status_t rv;

    if (!server->provider || !lock(server)) {
        return 0;
    }
    rv = server->provider->retrieve(server->instance, r->server, key,
                                    FREEBUSY_KEY_LENGTH, room, &got, r->pool);
    unlock(server);
    if (rv != APR_SUCCESS || got > FREEBUSY_CACHE_ENTRY_MAX) {
        return 0;
    }
    *data = apr_pstrmemdup(r->pool, (char *)room, got);
    *len = got;
    return 1;
}

void freebusy_cache_put(request_rec *r, const unsigned char *key,
                        apr_interval_time_t lasts, const char *data,
                        apr_size_t len)
{
    freebusy_server_t *server = server_of(r);

    if (len == 0 || len > FREEBUSY_CACHE_ENTRY_MAX || !server->provider ||
        !lock(server)) {
        return;
    }
    /* One that does not fit is not kept: no error. */
    server->provider->store(server->instance, r->server, key,
                            FREEBUSY_KEY_LENGTH, apr_time_now() + lasts,
                            (unsigned char *)data, (unsigned)len, r->pool);
    unlock(server);
}
