/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* AuthBasicProvider mailbox. */

#include "mod_mailbox_private.h"

#include "password.h"

#include "lib/log.h"

#include <ap_provider.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>

APLOG_USE_MODULE(mailbox);

/* In r->notes: the sources could not be asked. */
static const char unavailable_note[] = "mailbox-unavailable";

static APR_OPTIONAL_FN_TYPE(ap_authn_cache_store) * authn_cache_store;

void mailbox_note_unavailable(request_rec *r)
{
    apr_table_setn(r->notes, unavailable_note, "1");
}

static authn_status unavailable(request_rec *r)
{
    mailbox_note_unavailable(r);
    return AUTH_GENERAL_ERROR;
}

/* mod_auth_basic answers 500 when a provider is in trouble.  A directory that
 * is down is 503: the client comes again later, with the same password. */
void mailbox_answer_unavailable(request_rec *r)
{
    if (r->status == HTTP_INTERNAL_SERVER_ERROR &&
        apr_table_get(r->notes, unavailable_note)) {
        r->status = HTTP_SERVICE_UNAVAILABLE;
        r->status_line = "503 Service Unavailable";
        apr_table_setn(r->err_headers_out, "Retry-After", "30");
    }
}

static authn_status check_hash(request_rec *r, const record_t *record,
                               const char *password)
{
    if (!record->password || !password_matches(record->password, password)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, PN(10031) "user %s: %s",
                      record->user,
                      record->password ? "wrong password"
                                       : "has no password in MailboxFile");
        return AUTH_DENIED;
    }
    return AUTH_GRANTED;
}

static authn_status check_bind(request_rec *r, const record_t *record,
                               const char *password)
{
    apr_status_t rv = mailbox_ldap_bind(r, mailbox_conf(r), record, password);

    switch (rv) {
    case APR_SUCCESS:
        return AUTH_GRANTED;
    case APR_EACCES:
        return AUTH_DENIED;
    case APR_ENOTIMPL:
        return AUTH_GENERAL_ERROR; /* 500: the administrator must act */
    default:
        return unavailable(r);
    }
}

/* Gives mod_authn_socache, where it wants it, what it needs to check the same
 * password without us. */
static void remember(request_rec *r, const char *user, const char *password)
{
    const char *hash;

    if (authn_cache_store && mailbox_conf(r)->hashes == 1 &&
        (hash = password_hash(password, r->pool))) {
        authn_cache_store(r, "mailbox", user, NULL, hash);
    }
}

static authn_status not_found(request_rec *r, const char *password)
{
    const mailbox_conf_t *conf = mailbox_conf(r);

    if (conf->file) {
        mailbox_file_waste(r, conf, password);
    }
    return AUTH_USER_NOT_FOUND;
}

/* Asks the sources. */
static authn_status check_sources(request_rec *r, const char *user,
                                  const char *password)
{
    const record_t *record;
    authn_status result;

    switch (mailbox_find_record(r, MAILBOX_BY_LOGIN, user, &record)) {
    case APR_SUCCESS:
        result = record->dn ? check_bind(r, record, password)
                            : check_hash(r, record, password);
        if (result == AUTH_GRANTED) {
            remember(r, user, password);
        }
        return result;
    case APR_NOTFOUND:
        return not_found(r, password);
    case APR_EMISMATCH:
    case APR_ENOTIMPL:
        return AUTH_GENERAL_ERROR; /* 500: the administrator must act */
    default:
        return unavailable(r);
    }
}

/* The same with MailboxLoginCache. */
static authn_status check_remembered(request_rec *r, const mailbox_conf_t *conf,
                                     const char *user, const char *password)
{
    logincache_key_t key;
    authn_status result;

    logincache_key(conf->logins, &key, mailbox_sources(conf, r->pool), user,
                   password);
    if (logincache_knows(conf->logins, &key, r->request_time)) {
        return AUTH_GRANTED;
    }
    result = check_sources(r, user, password);
    if (result == AUTH_GRANTED) {
        logincache_remember(conf->logins, &key,
                            r->request_time + conf->login_ttl);
    }
    return result;
}

static authn_status check_password(request_rec *r, const char *user,
                                   const char *password)
{
    const mailbox_conf_t *conf = mailbox_conf(r);

    if (!*user || !*password) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(10032) "login with an empty %s is refused",
                      *user ? "password" : "user name");
        return AUTH_DENIED;
    }
    return conf->login_ttl > 0 ? check_remembered(r, conf, user, password)
                               : check_sources(r, user, password);
}

static const authn_provider mailbox_provider = {check_password, NULL};

static void retrieve(void)
{
    authn_cache_store = APR_RETRIEVE_OPTIONAL_FN(ap_authn_cache_store);
}

void mailbox_register_provider(apr_pool_t *p)
{
    ap_register_auth_provider(p, AUTHN_PROVIDER_GROUP, "mailbox",
                              AUTHN_PROVIDER_VERSION, &mailbox_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_optional_fn_retrieve(retrieve, NULL, NULL, APR_HOOK_MIDDLE);
}
