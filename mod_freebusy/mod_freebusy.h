/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_FREEBUSY_H
#define POSTERN_MOD_FREEBUSY_H

/* What the glue files of mod_freebusy share.  Message numbers 14001.. */

#include "ews_request.h"
#include "script_store.h"
#include "source.h"

#include "mod_mailbox/mod_mailbox.h"

#include <apr_sha1.h>

#include <ap_provider.h>
#include <ap_socache.h>
#include <http_config.h>
#include <httpd.h>
#include <util_mutex.h>

/* Per directory; numbers are FREEBUSY_UNSET and pointers NULL until set. */
#define FREEBUSY_UNSET (-1)

typedef struct freebusy_conf_t {
    int engine;
    const source_t *source;
    const char *source_user, *source_password, *source_ca;
    apr_array_header_t *source_headers; /* const char * */
    int view;                           /* availability_grant_e */
    apr_interval_time_t timeout;
    apr_interval_time_t cache_time; /* 0: nothing is kept */
    apr_int64_t max_bytes;
    const char *zone_name;
    const timezone_t *zone;
    const hours_t *hours;            /* zone not filled in */
    const script_store_t *oof_store; /* without the login below */
    const char *oof_user, *oof_password, *oof_authorize, *oof_ca;
    apr_array_header_t *oof_domains; /* const char *, lower case */
    int oof_external;                /* oof_audience_e */
    const char *oof_include;
} freebusy_conf_t;

/* One for all servers: the cache of calendars, if one is configured. */
typedef struct freebusy_server_t {
    ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* NULL where the provider needs none */
    server_rec *main;
} freebusy_server_t;

extern module AP_MODULE_DECLARE_DATA freebusy_module;
extern const command_rec freebusy_commands[];

void *freebusy_create_conf(apr_pool_t *pool, char *directory);
void *freebusy_merge_conf(apr_pool_t *pool, void *outer, void *inner);

void *freebusy_create_server(apr_pool_t *pool, server_rec *s);
void *freebusy_merge_server(apr_pool_t *pool, void *outer, void *inner);

/* The cache: its mutex (pre_config), its directive, its memory (post_config),
 * its lock in a child. */
void freebusy_cache_register(apr_pool_t *pconf);
const char *freebusy_cache_create(freebusy_server_t *server, const char *text,
                                  cmd_parms *cmd);
apr_status_t freebusy_cache_init(freebusy_server_t *server, server_rec *s,
                                 apr_pool_t *pconf);
void freebusy_cache_child(freebusy_server_t *server, server_rec *s,
                          apr_pool_t *pchild);

#define FREEBUSY_KEY_LENGTH APR_SHA1_DIGESTSIZE
#define FREEBUSY_CACHE_ENTRY_MAX (64 * 1024) /* what is longer is not kept */

/* The key of an entry: what it is, and all that it depends on beside the values
 * of the mailbox; further bytes may be added between. */
void freebusy_cache_key_init(apr_sha1_ctx_t *sha, const char *what,
                             const char *scope);
void freebusy_cache_key_end(apr_sha1_ctx_t *sha,
                            const placeholder_values_t *values,
                            unsigned char *key);

/* 1 when a cache is configured. */
int freebusy_cache_is_there(request_rec *r);

/* Takes an entry from the cache (1), with a NUL behind it, or not (0).  Puts one
 * there, if it is not too long. */
int freebusy_cache_get(request_rec *r, const unsigned char *key,
                       const char **data, apr_size_t *len);
void freebusy_cache_put(request_rec *r, const unsigned char *key,
                        apr_interval_time_t lasts, const char *data,
                        apr_size_t len);

/* Room for the bytes of one entry, the same for the whole request: whoever calls
 * any of these functions overwrites it. */
unsigned char *freebusy_cache_room(request_rec *r);

/* mod_mailbox's look-up; APR_ENOTIMPL when that module is not loaded. */
apr_status_t freebusy_find(request_rec *r, mailbox_key_e key, const char *value,
                           const mailbox_t **found);
int freebusy_may_ask(request_rec *r, const mailbox_t *caller,
                     const mailbox_t *target);

/* When the calendars or the mail server must have answered. */
apr_time_t freebusy_deadline(const freebusy_conf_t *conf);

/* The values of a mailbox for file names and URLs. */
placeholder_values_t freebusy_values(const mailbox_t *mailbox);

/* The answers; `caller` may be NULL for a login without a mailbox. */
xml_out_t *freebusy_availability(request_rec *r, const freebusy_conf_t *conf,
                                 const mailbox_t *caller,
                                 const ews_request_t *request);
xml_out_t *freebusy_oof(request_rec *r, const freebusy_conf_t *conf,
                        const mailbox_t *caller, const ews_request_t *request);

#endif
