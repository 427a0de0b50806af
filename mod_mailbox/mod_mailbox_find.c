/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* One question to all sources, asked once per request; the optional functions
 * of mod_mailbox.h. */

#include "mod_mailbox_private.h"

#include "lib/log.h"
#include "lib/mailaddr.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(mailbox);

/* An answer, kept for the rest of the request. */
typedef struct answer_t {
    const char *sources; /* who gave it */
    apr_status_t status;
    const record_t *record;
    const mailbox_t *mailbox; /* NULL without a mail address */
} answer_t;

/* The request that sub-requests and internal redirects come from: its pool and
 * its answers serve all of them. */
static request_rec *topmost(request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

static apr_hash_t *answers(request_rec *top)
{
    apr_hash_t *hash =
        ap_get_module_config(top->request_config, &mailbox_module);

    if (!hash) {
        hash = apr_hash_make(top->pool);
        ap_set_module_config(top->request_config, &mailbox_module, hash);
    }
    return hash;
}

const char *mailbox_sources(const mailbox_conf_t *conf, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(char *));
    int role;

    APR_ARRAY_PUSH(parts, const char *) =
        conf->file ? mailbox_file_path(conf->file) : "";
    APR_ARRAY_PUSH(parts, const char *) = conf->ldap ? conf->ldap_text : "";
    APR_ARRAY_PUSH(parts, const char *) =
        conf->tls == MAILBOX_TLS_NONE ? "clear" : "TLS";
    APR_ARRAY_PUSH(parts, const char *) = conf->bind_dn ? conf->bind_dn : "";
    for (role = 0; role < LDAPROLE_COUNT; role++) {
        APR_ARRAY_PUSH(parts, const char *) =
            conf->attribute[role] ? conf->attribute[role] : "default";
    }
    if (conf->domains) {
        apr_array_cat(parts, conf->domains);
    }
    return apr_array_pstrcat(pool, parts, '\n');
}

/* The value as sources take it, or NULL when it cannot name a mailbox. */
static const char *normal_value(mailbox_key_e key, const char *value,
                                apr_pool_t *pool)
{
    mailaddr_t addr;
    const char *why;

    switch (key) {
    case MAILBOX_BY_LOGIN:
        return value; /* parsed by the sources */
    case MAILBOX_BY_ADDRESS:
        return mailaddr_parse(&addr, value, strlen(value), &why, pool) ==
                       APR_SUCCESS
                   ? addr.text
                   : NULL;
    case MAILBOX_BY_LEGACY_DN:
        value = record_text(value, strlen(value), pool);
        return value && *value == '/' ? value : NULL;
    }
    return NULL;
}

/* An unset source is told once: in each request that needs it. */
static apr_status_t no_source(request_rec *r)
{
    ap_log_rerror(
        APLOG_MARK, APLOG_ERR, 0, r,
        PN(10021) "no source of mailboxes is configured for %s; write "
                  "MailboxLDAPURL or MailboxFile",
        r->uri);
    return APR_ENOTIMPL;
}

/* File first, then directory. */
static apr_status_t ask_sources(request_rec *r, const mailbox_conf_t *conf,
                                mailbox_key_e key, const char *value,
                                const record_t **found, apr_pool_t *pool)
{
    apr_status_t rv = APR_NOTFOUND;

    if (!mailbox_has_source(conf)) {
        return no_source(r);
    }
    value = normal_value(key, value, pool);
    if (value && conf->file) {
        rv = mailbox_file_find(r, conf, key, value, found, pool);
    }
    if (value && rv == APR_NOTFOUND && conf->ldap) {
        rv = mailbox_cache_find(r, conf, key, value, found, pool);
    }
    return rv;
}

const mailbox_t *mailbox_of_record(const record_t *record, apr_pool_t *pool)
{
    mailbox_t *mailbox;

    if (!record || !record->mail) {
        return NULL;
    }
    mailbox = apr_pcalloc(pool, sizeof(*mailbox));
    mailbox->user = record->user;
    mailbox->mail = record->mail;
    mailbox->domain = record->domain;
    mailbox->display_name = record->display_name;
    mailbox->legacy_dn = record->legacy_dn;
    mailbox->guid = record->guid;
    mailbox->host = record->host;
    mailbox->addresses = record->addresses;
    return mailbox;
}

static int has_address(const record_t *record, const char *address)
{
    int i;

    for (i = 0; i < record->addresses->nelts; i++) {
        if (mailaddr_same(APR_ARRAY_IDX(record->addresses, i, const char *),
                          address)) {
            return 1;
        }
    }
    return 0;
}

/* 1 when `record` is what the question would find. */
static int answers_to(const record_t *record, mailbox_key_e key,
                      const char *value)
{
    switch (key) {
    case MAILBOX_BY_ADDRESS:
        return has_address(record, value);
    case MAILBOX_BY_LEGACY_DN:
        return record->legacy_dn &&
               ap_cstr_casecmp(record->legacy_dn, value) == 0;
    case MAILBOX_BY_LOGIN:
        break;
    }
    return 0;
}

/* A record that was found in this request by another of its names: who logs in
 * and then asks for his own address costs one search. */
static answer_t *found_already(request_rec *top, const char *sources,
                               mailbox_key_e key, const char *value)
{
    apr_hash_index_t *i;

    for (i = apr_hash_first(top->pool, answers(top)); i; i = apr_hash_next(i)) {
        answer_t *answer = apr_hash_this_val(i);

        if (answer->record && strcmp(answer->sources, sources) == 0 &&
            answers_to(answer->record, key, value)) {
            return answer;
        }
    }
    return NULL;
}

static answer_t *ask_anew(request_rec *r, request_rec *top, const char *sources,
                          mailbox_key_e key, const char *value)
{
    answer_t *answer = apr_pcalloc(top->pool, sizeof(*answer));

    answer->sources = sources;
    answer->status =
        ask_sources(r, mailbox_conf(r), key, value, &answer->record, top->pool);
    answer->mailbox = mailbox_of_record(answer->record, top->pool);
    return answer;
}

static const answer_t *ask(request_rec *r, mailbox_key_e key, const char *value)
{
    request_rec *top = topmost(r);
    const char *sources = mailbox_sources(mailbox_conf(r), top->pool);
    const char *question =
        apr_psprintf(top->pool, "%d\n%s\n%s", (int)key, sources, value);
    answer_t *answer =
        apr_hash_get(answers(top), question, APR_HASH_KEY_STRING);

    if (!answer) {
        answer = found_already(top, sources, key, value);
    }
    if (!answer) {
        answer = ask_anew(r, top, sources, key, value);
    }
    apr_hash_set(answers(top), question, APR_HASH_KEY_STRING, answer);
    return answer;
}

apr_status_t mailbox_find_record(request_rec *r, mailbox_key_e key,
                                 const char *value, const record_t **found)
{
    const answer_t *answer = ask(r, key, value);

    *found = answer->record;
    return answer->status;
}

static apr_status_t mailbox_find(request_rec *r, mailbox_key_e key,
                                 const char *value, const mailbox_t **found)
{
    const answer_t *answer = ask(r, key, value);

    *found = answer->mailbox;
    if (answer->status == APR_SUCCESS && !answer->mailbox) {
        return APR_INCOMPLETE;
    }
    return answer->status;
}

void mailbox_register_functions(void)
{
    APR_REGISTER_OPTIONAL_FN(mailbox_find);
}
