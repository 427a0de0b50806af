/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_MAILBOX_PRIVATE_H
#define POSTERN_MOD_MAILBOX_PRIVATE_H

/* What the glue files of this module share. */

#include "breaker.h"
#include "delay.h"
#include "ldaprole.h"
#include "ldapurl.h"
#include "logincache.h"
#include "mod_mailbox.h"
#include "record.h"

#include <http_config.h>

extern module AP_MODULE_DECLARE_DATA mailbox_module;

typedef struct mailbox_file_t mailbox_file_t;
typedef struct mailbox_cache_t mailbox_cache_t;

/* `user` may ask about `target`: an account, an address, or "*". */
typedef struct mailbox_delegate_t {
    const char *user, *target;
} mailbox_delegate_t;

/* How the connection to the directory is protected. */
typedef enum mailbox_tls_e {
    MAILBOX_TLS_NONE,
    MAILBOX_TLS_LDAPS,
    MAILBOX_TLS_STARTTLS
} mailbox_tls_e;

/* Directives, merged down to the location.  A NULL or negative member is
 * unset. */
typedef struct mailbox_conf_t {
    const apr_array_header_t *domains; /* const char * */
    mailbox_file_t *file;
    const char *ldap_text; /* the URL as written: identifies the source */
    const ldapurl_t *ldap;
    breaker_t *breaker; /* of ldap */
    mailbox_tls_e tls;  /* of ldap */
    const char *bind_dn;
    const char *bind_password;
    const char *attribute[LDAPROLE_COUNT]; /* "" is none */
    apr_interval_time_t timeout;
    logincache_t *logins;
    apr_interval_time_t login_ttl; /* 0: off */
    mailbox_cache_t *cache;
    apr_interval_time_t cache_ttl; /* 0: off */
    apr_interval_time_t cache_negative_ttl;
    int hashes; /* mod_authn_socache wants them here; -1 unset */
    const delay_rules_t *login_delay;
    const apr_array_header_t *delegates;           /* mailbox_delegate_t */
    const apr_array_header_t *delegate_attributes; /* const char *, then NULL;
                                                      empty is none */
    const apr_array_header_t *delegate_groups;     /* const char * */
    int env;
} mailbox_conf_t;

/* --- mod_mailbox_config.c --- */

extern const command_rec mailbox_directives[];
void *mailbox_create_conf(apr_pool_t *p, char *section);
void *mailbox_merge_conf(apr_pool_t *p, void *base, void *more);
const mailbox_conf_t *mailbox_conf(const request_rec *r);
/* The attributes by role, defaults filled in. */
void mailbox_roles(const mailbox_conf_t *conf, ldaproles_t *roles);
/* 1 when r's location has a source. */
int mailbox_has_source(const mailbox_conf_t *conf);
/* 1 when any section names a directory; *starttls when one says STARTTLS. */
int mailbox_uses_ldap(server_rec *s, int *starttls);
/* Hook check_config: combinations of directives that cannot work. */
int mailbox_check_config(apr_pool_t *p, apr_pool_t *log, apr_pool_t *temp,
                         server_rec *s);

/* --- mod_mailbox_find.c --- */

/* As mailbox_find() of mod_mailbox.h, but a user without mail address is
 * found.  The record lives as long as the request. */
apr_status_t mailbox_find_record(request_rec *r, mailbox_key_e key,
                                 const char *value, const record_t **found);
void mailbox_register_functions(void);
/* The record as other modules see it, or NULL without a mail address. */
const mailbox_t *mailbox_of_record(const record_t *record, apr_pool_t *pool);
/* What identifies the sources and how they are asked: the same text, the same
 * answers. */
const char *mailbox_sources(const mailbox_conf_t *conf, apr_pool_t *pool);

/* --- mod_mailbox_file.c --- */

/* Reads the file at `path` for the first time; NULL with a sentence in *why
 * when it is wrong.  Lives in `p`. */
mailbox_file_t *mailbox_file_open(const char *path, const char **why,
                                  apr_pool_t *p);
const char *mailbox_file_path(const mailbox_file_t *file);
/* APR_SUCCESS with a copy in r->pool's topmost request, or APR_NOTFOUND. */
apr_status_t mailbox_file_find(request_rec *r, const mailbox_conf_t *conf,
                               mailbox_key_e key, const char *value,
                               const record_t **found, apr_pool_t *pool);
/* Spends the time that a wrong password would take. */
void mailbox_file_waste(request_rec *r, const mailbox_conf_t *conf,
                        const char *password);

/* --- mod_mailbox_ldap.c --- */

/* Optional functions of mod_ldap; 1 when it is loaded. */
int mailbox_ldap_loaded(void);
void mailbox_ldap_retrieve(void);
/* Warns when mod_ldap's time limits let a dead directory hold requests. */
void mailbox_ldap_check_limits(server_rec *s);
/* Hook child_init: limits where mod_ldap sets none. */
void mailbox_ldap_child_init(apr_pool_t *pchild, server_rec *s);

apr_status_t mailbox_ldap_find(request_rec *r, const mailbox_conf_t *conf,
                               mailbox_key_e key, const char *value,
                               const record_t **found, apr_pool_t *pool);
/* APR_SUCCESS: the password is right.  APR_EACCES: it is not, or the account
 * may not log in (logged).  APR_ENOTIMPL: the directory is configured without
 * TLS (logged).  Other: it is down (logged). */
apr_status_t mailbox_ldap_bind(request_rec *r, const mailbox_conf_t *conf,
                               const record_t *record, const char *password);

/* APR_SUCCESS when the entry `base` of the directory matches the filter, or
 * APR_NOTFOUND; APR_ENOTIMPL without a directory; other: it is down (logged). */
apr_status_t mailbox_ldap_matches(request_rec *r, const mailbox_conf_t *conf,
                                  const char *base, const char *filter);

/* Puts the record of each entry that matches `filter`, of `limit` at most, into
 * `records` (const record_t *) alone.  APR_SUCCESS, also with none; other: the
 * directory is down (logged). */
apr_status_t mailbox_ldap_list(request_rec *r, const mailbox_conf_t *conf,
                               const char *filter, int limit,
                               apr_array_header_t *records, apr_pool_t *pool);

/* --- mod_mailbox_rights.c --- */

void mailbox_register_rights(apr_pool_t *p);
/* The entry of a mailbox, which this request has found before; NULL without a
 * directory. */
const char *mailbox_dn(request_rec *r, const mailbox_t *mailbox);

/* --- mod_mailbox_delegated.c --- */

void mailbox_register_delegated(void);

/* --- mod_mailbox_cache.c --- */

/* Makes the cache `text`, provider[:arguments]; NULL, or a sentence. */
const char *mailbox_cache_create(mailbox_cache_t **cache, const char *text,
                                 cmd_parms *cmd);
void mailbox_register_cache(void);
/* As mailbox_ldap_find(), through the cache if there is one. */
apr_status_t mailbox_cache_find(request_rec *r, const mailbox_conf_t *conf,
                                mailbox_key_e key, const char *value,
                                const record_t **found, apr_pool_t *pool);

/* --- mod_mailbox_socache.c --- */

void mailbox_register_socache(apr_pool_t *p);
/* 1 when the provider that `text` names, before its colon, asks another server
 * and nothing bounds how long. */
int mailbox_socache_may_hang(const char *text, apr_pool_t *temp);

/* --- mod_mailbox_delay.c --- */

void *mailbox_create_server(apr_pool_t *p, server_rec *s);
void mailbox_register_delay(void);

/* --- mod_mailbox_basic.c, mod_mailbox_show.c --- */

void mailbox_register_provider(apr_pool_t *p);
void mailbox_answer_unavailable(request_rec *r);
/* A 500 becomes 503: the sources could not be asked. */
void mailbox_note_unavailable(request_rec *r);
int mailbox_show(request_rec *r);
int mailbox_set_env(request_rec *r);

#endif
