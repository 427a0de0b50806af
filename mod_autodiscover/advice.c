/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "advice.h"
#include "domain.h"
#include "variables.h"

#include <apr_strings.h>
#include <apr_uri.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define POX_PATH "/autodiscover/autodiscover.xml"
#define EAS_PATH "/Microsoft-Server-ActiveSync"

/* --- what stops httpd --- */

const char *discover_advice_contradiction(const discover_settings_t *s)
{
    if (s->server_name) {
        return NULL;
    }
    if (!s->ews_url && !s->eas_url && !s->rpc_host && !s->exchange_server &&
        !s->imap && !s->pop3 && !s->smtp) {
        return "Autodiscover is On, but there is nothing to tell: give the "
               "name of the server, such as AutodiscoverServerName "
               "mail.example.com";
    }
    if (!s->rpc_host) {
        return "AutodiscoverRpcProxy is missing: EXPR needs a host; write "
               "AutodiscoverRpcProxy mail.example.com, or None for no EXPR, "
               "or AutodiscoverServerName";
    }
    if (!s->exchange_server) {
        return "AutodiscoverExchangeServer is missing: EXCH needs a server; "
               "write AutodiscoverExchangeServer mail.example.com, or None "
               "for no EXCH, or AutodiscoverServerName";
    }
    if (!s->ews_url && (*s->rpc_host || *s->exchange_server)) {
        return "AutodiscoverEwsUrl is missing: Outlook needs it beside EXCH "
               "and EXPR; write AutodiscoverEwsUrl "
               "https://mail.example.com/EWS/Exchange.asmx, or "
               "AutodiscoverServerName";
    }
    return NULL;
}

int discover_advice_has_ews(const discover_settings_t *s)
{
    return s->ews_url ? *s->ews_url != '\0' : s->server_name != NULL;
}

/* A domain that `name`, which may have an asterisk, stands for. */
static const char *instance_of(const char *name, apr_pool_t *pool)
{
    return name[0] == '*' ? apr_pstrcat(pool, "x", name + 1, NULL) : name;
}

/* Where AutodiscoverRedirectAddress sends a mailbox of `domain`: another
 * domain, or NULL when that depends on the mailbox or nobody is sent on. */
static const char *next_domain(const discover_settings_t *s, const char *domain,
                               apr_pool_t *pool)
{
    const discover_mailbox_t mailbox = {
        .user = "x", .mail = "x@x", .local = "x", .domain = domain};
    const char *address, *at, *why;

    if (!s->redirect_address ||
        discover_variables_expand(&address, s->redirect_address, &mailbox,
                                  DISCOVER_PLACE_TEXT, &why,
                                  pool) != APR_SUCCESS) {
        return NULL;
    }
    at = strrchr(address, '@');
    return at && !strstr(s->redirect_address, "@%{local}") ? at + 1 : NULL;
}

/* 1 when mailboxes of `domain` are sent on as often as there are domains: then
 * it never ends.  A domain that * alone stands for may be served elsewhere. */
static int goes_on_for_ever(const discover_settings_t *base,
                            const apr_array_header_t *domains,
                            const char *domain, apr_pool_t *pool)
{
    const discover_domain_t *found;
    discover_settings_t settings;
    int i;

    for (i = 0; domain && i <= domains->nelts; i++) {
        found = discover_domain_find(domains, domain);
        if (!found || strcmp(found->name, "*") == 0) {
            return 0;
        }
        discover_settings_merge(&settings, base, found->settings);
        domain = next_domain(&settings, domain, pool);
    }
    return domain != NULL;
}

/* 1 when the URL is the one that clients come here by. */
static int is_here(const discover_settings_t *s, const char *url,
                   apr_pool_t *pool)
{
    const char *own =
        s->pox_url && *s->pox_url ? s->pox_url
        : s->server_name
            ? apr_pstrcat(pool, "https://", s->server_name, POX_PATH, NULL)
            : "";

    return strcasecmp(url, own) == 0;
}

const char *discover_advice_loop(const discover_settings_t *base,
                                 const apr_array_header_t *domains,
                                 apr_pool_t *pool)
{
    int i;

    for (i = 0; i < domains->nelts; i++) {
        const discover_domain_t *d =
            &APR_ARRAY_IDX(domains, i, discover_domain_t);
        discover_settings_t settings;

        discover_settings_merge(&settings, base, d->settings);
        if (goes_on_for_ever(base, domains, instance_of(d->name, pool), pool)) {
            return apr_psprintf(pool,
                                "AutodiscoverRedirectAddress of %s leads back "
                                "there; write the domain where the mailboxes "
                                "are now",
                                d->name);
        }
        if (settings.redirect_url &&
            is_here(&settings, settings.redirect_url, pool)) {
            return apr_psprintf(pool,
                                "AutodiscoverRedirectUrl of %s leads back to "
                                "this server; write the URL of the server "
                                "where the mailboxes are now",
                                d->name);
        }
    }
    return NULL;
}

/* --- what is only said --- */

static void tell(apr_array_header_t *advice, const char *sentence)
{
    int i;

    for (i = 0; i < advice->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(advice, i, const char *), sentence) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(advice, const char *) = sentence;
}

#define MEMBER(name) offsetof(discover_settings_t, name)

static const char *text_at(const discover_settings_t *s, apr_size_t member)
{
    const char *text = *(const char *const *)((const char *)s + member);

    return text && *text ? text : NULL;
}

/* What clients resolve and look for in a certificate. */
static const struct {
    const char *directive;
    apr_size_t member;
    int is_url;
} names[] = {
    {"AutodiscoverServerName", MEMBER(server_name), 0},
    {"AutodiscoverRpcProxy", MEMBER(rpc_host), 0},
    {"AutodiscoverPoxUrl", MEMBER(pox_url), 1},
    {"AutodiscoverEwsUrl", MEMBER(ews_url), 1},
    {"AutodiscoverAvailabilityUrl", MEMBER(as_url), 1},
    {"AutodiscoverOofUrl", MEMBER(oof_url), 1},
    {"AutodiscoverOabUrl", MEMBER(oab_url), 1},
    {"AutodiscoverActiveSyncUrl", MEMBER(eas_url), 1},
    {"AutodiscoverEcpUrl", MEMBER(ecp_url), 1},
    {"AutodiscoverOwaUrl", MEMBER(owa_url), 1},
    {"AutodiscoverMapiUrl", MEMBER(mapi_url), 1},
    {"AutodiscoverCalDavUrl", MEMBER(caldav_url), 1},
    {"AutodiscoverCardDavUrl", MEMBER(carddav_url), 1},
};

static const struct {
    const char *directive;
    apr_size_t member;
} mail_servers[] = {
    {"AutodiscoverImap", MEMBER(imap)},
    {"AutodiscoverPop3", MEMBER(pop3)},
    {"AutodiscoverSmtp", MEMBER(smtp)},
};

static const discover_mail_server_t *
mail_server_at(const discover_settings_t *s, apr_size_t member)
{
    const discover_mail_server_t *server =
        *(const discover_mail_server_t *const *)((const char *)s + member);

    return server && *server->host ? server : NULL;
}

/* A name without a dot is known in this network at most. */
static void check_name(const char *directive, const char *host,
                       apr_array_header_t *advice)
{
    if (host && !strchr(host, '.') && !strchr(host, ':') &&
        !strstr(host, "%{")) {
        tell(advice,
             apr_psprintf(advice->pool,
                          "%s: clients elsewhere do not know \"%s\"; write "
                          "the whole name, such as mail.example.com",
                          directive, host));
    }
}

static void check_names(const discover_settings_t *s,
                        apr_array_header_t *advice)
{
    apr_size_t i;
    apr_uri_t uri;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *text = text_at(s, names[i].member);

        if (text && !names[i].is_url) {
            check_name(names[i].directive, text, advice);
        }
        else if (text && !strstr(text, "%{") &&
                 apr_uri_parse(advice->pool, text, &uri) == APR_SUCCESS) {
            check_name(names[i].directive, uri.hostname, advice);
        }
    }
}

static void check_mail_servers(const discover_settings_t *s,
                               apr_array_header_t *advice)
{
    apr_size_t i;

    for (i = 0; i < sizeof(mail_servers) / sizeof(mail_servers[0]); i++) {
        const discover_mail_server_t *server =
            mail_server_at(s, mail_servers[i].member);

        if (!server) {
            continue;
        }
        check_name(mail_servers[i].directive, server->host, advice);
        if (server->security == DISCOVER_SECURITY_PLAIN) {
            tell(advice, apr_psprintf(advice->pool,
                                      "%s: plain sends passwords in the "
                                      "clear; write ssl or starttls",
                                      mail_servers[i].directive));
        }
    }
    if (mail_server_at(s, MEMBER(smtp)) &&
        mail_server_at(s, MEMBER(smtp))->port == 25) {
        tell(advice, "AutodiscoverSmtp: many networks let clients not out to "
                     "port 25; write 465 ssl or 587 starttls");
    }
}

/* Thunderbird and Apple's devices take servers to receive and to send, or
 * nothing. */
static void check_pair(const discover_settings_t *s, apr_array_header_t *advice)
{
    int receives = mail_server_at(s, MEMBER(imap)) != NULL ||
                   mail_server_at(s, MEMBER(pop3)) != NULL;
    int sends = mail_server_at(s, MEMBER(smtp)) != NULL;

    if (receives && !sends) {
        tell(advice, "AutodiscoverSmtp is missing: beside AutodiscoverImap or "
                     "AutodiscoverPop3, Thunderbird and Apple's devices want "
                     "a server to send by, and are told nothing without");
    }
    if (sends && !receives) {
        tell(advice, "AutodiscoverImap is missing: beside AutodiscoverSmtp, "
                     "Thunderbird and Apple's devices want a server to "
                     "receive by, and are told nothing without");
    }
}

void discover_advice_on_pox_url(const char *directive, const char *url,
                                apr_array_header_t *advice)
{
    apr_size_t len = url ? strlen(url) : 0, n = strlen(POX_PATH);

    if (len && (len < n || strcmp(url + len - n, POX_PATH) != 0)) {
        tell(advice, apr_psprintf(advice->pool,
                                  "%s: some clients follow a URL only when it "
                                  "ends in " POX_PATH ", in small letters",
                                  directive));
    }
}

static void check_urls(const discover_settings_t *s, apr_array_header_t *advice)
{
    const char *oab = text_at(s, MEMBER(oab_url));
    const char *eas = text_at(s, MEMBER(eas_url));

    if (oab && oab[strlen(oab) - 1] != '/') {
        tell(advice, "AutodiscoverOabUrl: names a folder, behind which "
                     "clients put oab.xml; write a slash at its end");
    }
    if (eas &&
        (strlen(eas) < strlen(EAS_PATH) ||
         strcasecmp(eas + strlen(eas) - strlen(EAS_PATH), EAS_PATH) != 0)) {
        tell(advice, "AutodiscoverActiveSyncUrl: Apple's devices take the "
                     "host alone, and ask there for " EAS_PATH);
    }
    discover_advice_on_pox_url("AutodiscoverPoxUrl",
                               text_at(s, MEMBER(pox_url)), advice);
    discover_advice_on_pox_url("AutodiscoverRedirectUrl",
                               text_at(s, MEMBER(redirect_url)), advice);
}

/* Directives that have no effect beside others, or another one. */
static void check_outlook(const discover_settings_t *s,
                          apr_array_header_t *advice)
{
    int no_expr = s->rpc_host && !*s->rpc_host;
    int no_exch = s->exchange_server && !*s->exchange_server;

    if (no_expr && s->cert_principal) {
        tell(advice, "AutodiscoverCertPrincipal has no effect without "
                     "AutodiscoverRpcProxy");
    }
    if (no_expr && no_exch && discover_advice_has_ews(s)) {
        tell(advice, "AutodiscoverEwsUrl is told by SOAP and JSON alone: its "
                     "places in plain XML are EXCH and EXPR, which are None");
    }
    if (s->rpc_ssl == 0 && !no_expr) {
        tell(advice, "AutodiscoverRpcProxy: plain leaves the login to NTLM "
                     "and the mail to whomever listens; write ssl");
    }
    if (s->ttl == 0) {
        tell(advice, "AutodiscoverTTL 0: clients never ask again, and never "
                     "learn of a change");
    }
    if (s->redirect_address && !strstr(s->redirect_address, "%{")) {
        tell(advice, "AutodiscoverRedirectAddress: sends every mailbox to the "
                     "same address; write %{local}@example.com");
    }
}

void discover_advice_give(const discover_settings_t *s,
                          apr_array_header_t *advice)
{
    check_names(s, advice);
    check_mail_servers(s, advice);
    check_pair(s, advice);
    check_urls(s, advice);
    check_outlook(s, advice);
}
