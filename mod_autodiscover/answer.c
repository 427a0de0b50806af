/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "answer.h"
#include "uuid.h"

#include "lib/exchange.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* The version when none is configured. */
static const discover_version_t default_version = {
    EXCHANGE_MAJOR, EXCHANGE_MINOR, EXCHANGE_BUILD, EXCHANGE_REVISION};

/* Members of one name that go from the settings to the answer, with the
 * variables filled in. */
#define ROW(member, place)                                                     \
    {                                                                          \
        offsetof(discover_settings_t, member),                                 \
            offsetof(discover_answer_t, member), place                         \
    }
static const struct {
    apr_size_t from;
    apr_size_t to;
    discover_place_e place;
} members[] = {
    ROW(organization, DISCOVER_PLACE_TEXT),
    ROW(deployment_id, DISCOVER_PLACE_TEXT),
    ROW(pox_url, DISCOVER_PLACE_URL),
    ROW(ews_url, DISCOVER_PLACE_URL),
    ROW(as_url, DISCOVER_PLACE_URL),
    ROW(oof_url, DISCOVER_PLACE_URL),
    ROW(oab_url, DISCOVER_PLACE_URL),
    ROW(eas_url, DISCOVER_PLACE_URL),
    ROW(ecp_url, DISCOVER_PLACE_URL),
    ROW(owa_url, DISCOVER_PLACE_URL),
    ROW(mapi_url, DISCOVER_PLACE_URL),
    ROW(exchange_server, DISCOVER_PLACE_HOST),
    ROW(exchange_auth, DISCOVER_PLACE_TEXT),
    ROW(server_dn, DISCOVER_PLACE_TEXT),
    ROW(mdb_dn, DISCOVER_PLACE_TEXT),
    ROW(rpc_host, DISCOVER_PLACE_HOST),
    ROW(rpc_auth, DISCOVER_PLACE_TEXT),
    ROW(cert_principal, DISCOVER_PLACE_HOST),
    ROW(login_name, DISCOVER_PLACE_TEXT),
    ROW(public_folders, DISCOVER_PLACE_TEXT),
    ROW(display_name, DISCOVER_PLACE_TEXT),
    ROW(caldav_url, DISCOVER_PLACE_URL),
    ROW(carddav_url, DISCOVER_PLACE_URL),
};
#undef ROW

static const char **string_at(void *base, apr_size_t offset)
{
    return (const char **)((char *)base + offset);
}

/* Fills in the variables of every string of `members`.  What cannot be filled
 * in is an error, or with `is_public` not offered. */
static apr_status_t expand_all(discover_answer_t *answer,
                               const discover_settings_t *settings,
                               int is_public, const char **why,
                               apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *from =
            *(const char *const *)((const char *)settings + members[i].from);
        apr_status_t rv = APR_SUCCESS;

        if (from) {
            rv = discover_variables_expand(string_at(answer, members[i].to),
                                           from, &answer->mailbox,
                                           members[i].place, why, pool);
        }
        if (rv != APR_SUCCESS && !is_public) {
            return rv;
        }
        if (rv != APR_SUCCESS) {
            *string_at(answer, members[i].to) = "";
        }
    }
    return APR_SUCCESS;
}

/* `value`, or `otherwise` when the directive was not given, or NULL for None. */
static const char *or_default(const char *value, const char *otherwise)
{
    value = value ? value : otherwise;
    return value && *value ? value : NULL;
}

static apr_status_t copy_server(discover_mail_server_t *to,
                                const discover_mail_server_t *from,
                                const discover_mailbox_t *mailbox,
                                int is_public, const char **why,
                                apr_pool_t *pool)
{
    apr_status_t rv;

    if (!from || !*from->host) {
        return APR_SUCCESS;
    }
    *to = *from;
    to->host = NULL;
    rv = discover_variables_expand(&to->host, from->host, mailbox,
                                   DISCOVER_PLACE_HOST, why, pool);
    return is_public ? APR_SUCCESS : rv;
}

/* Everything that the administrator gave, filled in.  A mailbox whose host is
 * not known is on the server itself; before login no host is known. */
static apr_status_t fill_in(discover_answer_t *a,
                            const discover_settings_t *settings, int is_public,
                            const char **server_name, const char **why,
                            apr_pool_t *pool)
{
    discover_mailbox_t *m = &a->mailbox;
    apr_status_t rv = APR_SUCCESS;

    if (settings->server_name) {
        rv = discover_variables_expand(server_name, settings->server_name, m,
                                       DISCOVER_PLACE_HOST, why, pool);
    }
    if (!m->host && !is_public) {
        m->host = *server_name;
    }
    if (rv == APR_SUCCESS) {
        rv = expand_all(a, settings, is_public, why, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = copy_server(&a->imap, settings->imap, m, is_public, why, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = copy_server(&a->pop3, settings->pop3, m, is_public, why, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = copy_server(&a->smtp, settings->smtp, m, is_public, why, pool);
    }
    return rv;
}

/* The start of a distinguished name up to its first /cn=, which names the
 * organization and its administrative group; NULL when there is none. */
static const char *organization_of(const char *dn, apr_pool_t *pool)
{
    const char *p;

    for (p = dn; p && *p; p++) {
        if (strncasecmp(p, "/cn=", 4) == 0) {
            return p > dn ? apr_pstrmemdup(pool, dn, (apr_size_t)(p - dn))
                          : NULL;
        }
    }
    return NULL;
}

static const char *without_dashes(const char *guid, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, strlen(guid) + 1), *to = out;

    for (; *guid; guid++) {
        if (*guid != '-') {
            *to++ = *guid;
        }
    }
    *to = '\0';
    return out;
}

const char *discover_answer_legacy_dn(const discover_settings_t *settings,
                                      const discover_mailbox_t *mailbox,
                                      apr_pool_t *pool)
{
    if (mailbox->legacy_dn) {
        return mailbox->legacy_dn;
    }
    return apr_pstrcat(
        pool, or_default(settings->organization, DISCOVER_ORGANIZATION),
        "/cn=Recipients/cn=",
        without_dashes(mailbox->guid ? mailbox->guid : "", pool), NULL);
}

/* Who the mailbox is in the world of Exchange. */
static void name_mailbox(discover_answer_t *a,
                         const discover_settings_t *settings, apr_pool_t *pool)
{
    const char *own = organization_of(a->mailbox.legacy_dn, pool);

    a->organization = or_default(a->organization, DISCOVER_ORGANIZATION);
    a->mailbox.legacy_dn =
        discover_answer_legacy_dn(settings, &a->mailbox, pool);
    if (own && !settings->organization) {
        a->organization = own;
    }
    if (!a->deployment_id) {
        a->deployment_id = discover_uuid_of(a->organization, pool);
    }
}

discover_version_t discover_answer_version(const discover_settings_t *settings)
{
    return settings->version ? *settings->version : default_version;
}

static void name_exchange(discover_answer_t *a,
                          const discover_settings_t *settings,
                          const char *server_name, apr_pool_t *pool)
{
    a->exchange_server = or_default(a->exchange_server, server_name);
    a->exchange_auth = or_default(a->exchange_auth, NULL);
    a->version = discover_answer_version(settings);
    if (!a->exchange_server) {
        a->server_dn = a->mdb_dn = NULL;
        return;
    }
    if (!a->server_dn) {
        a->server_dn = apr_pstrcat(
            pool, a->organization,
            "/cn=Configuration/cn=Servers/cn=", a->exchange_server, NULL);
    }
    if (!a->mdb_dn) {
        a->mdb_dn =
            apr_pstrcat(pool, a->server_dn, "/cn=Microsoft Private MDB", NULL);
    }
}

static const char *url_at(const char *host, const char *path, apr_pool_t *pool)
{
    return host ? apr_pstrcat(pool, "https://", host, path, NULL) : NULL;
}

static void name_web_services(discover_answer_t *a, const char *server_name,
                              apr_pool_t *pool)
{
    a->pox_url =
        or_default(a->pox_url,
                   url_at(server_name, "/autodiscover/autodiscover.xml", pool));
    a->ews_url =
        or_default(a->ews_url, url_at(server_name, "/EWS/Exchange.asmx", pool));
    a->as_url = or_default(a->as_url, a->ews_url);
    a->oof_url = or_default(a->oof_url, a->ews_url);
    a->oab_url = or_default(a->oab_url, NULL);
    a->eas_url = or_default(a->eas_url, NULL);
    a->ecp_url = or_default(a->ecp_url, NULL);
    a->owa_url = or_default(a->owa_url, NULL);
    a->mapi_url = a->mailbox.guid ? or_default(a->mapi_url, NULL) : NULL;
    if (a->mapi_url) {
        a->mapi_mailbox_id =
            apr_pstrcat(pool, a->mailbox.guid, "@", a->mailbox.domain, NULL);
    }
    a->caldav_url = or_default(a->caldav_url, NULL);
    a->carddav_url = or_default(a->carddav_url, NULL);
}

static void name_rpc_proxy(discover_answer_t *a,
                           const discover_settings_t *settings,
                           const char *server_name)
{
    a->rpc_host = or_default(a->rpc_host, server_name);
    a->rpc_ssl = settings->rpc_ssl != 0;
    a->rpc_auth = or_default(a->rpc_auth, DISCOVER_RPC_AUTH);
    a->cert_principal = or_default(a->cert_principal, DISCOVER_CERT_PRINCIPAL);
}

/* 1 when there is anything for a client to connect to. */
static int offers_something(const discover_answer_t *a)
{
    return a->ews_url || a->eas_url || a->exchange_server || a->rpc_host ||
           a->imap.host || a->pop3.host || a->smtp.host || a->caldav_url ||
           a->carddav_url;
}

discover_error_e discover_answer_redirect(discover_answer_t *a,
                                          const discover_settings_t *settings,
                                          const mailaddr_t *address,
                                          const char **why, apr_pool_t *pool)
{
    const discover_mailbox_t mailbox = {
        .user = address->local,
        .mail = address->text,
        .local = address->local,
        .domain = address->domain,
        .display_name = address->text,
        .guid = "",
    };
    apr_status_t rv;

    memset(a, 0, sizeof(*a));
    a->mailbox = mailbox;
    rv = settings->redirect_url
             ? discover_variables_expand(&a->redirect_url,
                                         settings->redirect_url, &mailbox,
                                         DISCOVER_PLACE_URL, why, pool)
             : discover_variables_expand(&a->redirect_address,
                                         settings->redirect_address, &mailbox,
                                         DISCOVER_PLACE_TEXT, why, pool);
    if (rv != APR_SUCCESS) {
        return DISCOVER_BROKEN;
    }
    if (a->redirect_address &&
        mailaddr_same(a->redirect_address, address->text)) {
        *why = "AutodiscoverRedirectAddress leads back to the same address";
        return DISCOVER_BROKEN;
    }
    return DISCOVER_OK;
}

static discover_error_e make(discover_answer_t *a,
                             const discover_settings_t *settings,
                             const discover_mailbox_t *mailbox, int is_public,
                             const char **why, apr_pool_t *pool)
{
    const char *server_name = NULL;

    memset(a, 0, sizeof(*a));
    a->mailbox = *mailbox;
    if (fill_in(a, settings, is_public, &server_name, why, pool) !=
        APR_SUCCESS) {
        return DISCOVER_BROKEN;
    }
    a->login_name = or_default(a->login_name, a->mailbox.mail);
    a->public_folders = or_default(a->public_folders, NULL);
    a->display_name = or_default(a->display_name, a->mailbox.domain);
    name_mailbox(a, settings, pool);
    name_exchange(a, settings, server_name, pool);
    name_web_services(a, server_name, pool);
    name_rpc_proxy(a, settings, server_name);
    a->ttl = settings->ttl;
    if (!offers_something(a)) {
        *why = "no service is configured";
        return DISCOVER_NO_CONFIGURATION;
    }
    return DISCOVER_OK;
}

discover_error_e discover_answer_make(discover_answer_t *answer,
                                      const discover_settings_t *settings,
                                      const discover_mailbox_t *mailbox,
                                      const char **why, apr_pool_t *pool)
{
    return make(answer, settings, mailbox, 0, why, pool);
}

discover_error_e discover_answer_make_public(
    discover_answer_t *answer, const discover_settings_t *settings,
    const discover_mailbox_t *mailbox, const char **why, apr_pool_t *pool)
{
    return make(answer, settings, mailbox, 1, why, pool);
}
