/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "pox.h"
#include "alternatives.h"
#include "response.h"

#include "lib/xml.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

/* One Protocol element: its children as text, NULL for those it has not. */
typedef struct protocol_t {
    const char *type;
    const char *ttl;
    const char *server;
    const char *server_dn;
    const char *server_version;
    const char *mdb_dn;
    const char *port;
    const char *as_url;
    const char *ews_url;
    const char *ecp_url;
    const char *oof_url;
    const char *oab_url;
    const char *login_name;
    const char *domain_required;
    const char *spa;
    const char *auth_package;
    const char *cert_principal;
    const char *ssl;
    const char *encryption;
    const char *auth_required;
    const char *use_pop_auth;
    const char *smtp_last;
    const char *exclusive;
} protocol_t;

/* The children of Protocol in the order of MS-OXDSCLI section 2.2.4.1.1.2.6. */
static const struct {
    const char *element;
    apr_size_t member;
} children[] = {
    {"Type", offsetof(protocol_t, type)},
    {"TTL", offsetof(protocol_t, ttl)},
    {"Server", offsetof(protocol_t, server)},
    {"ServerDN", offsetof(protocol_t, server_dn)},
    {"ServerVersion", offsetof(protocol_t, server_version)},
    {"MdbDN", offsetof(protocol_t, mdb_dn)},
    {"Port", offsetof(protocol_t, port)},
    {"ASUrl", offsetof(protocol_t, as_url)},
    {"EwsUrl", offsetof(protocol_t, ews_url)},
    {"EcpUrl", offsetof(protocol_t, ecp_url)},
    {"OOFUrl", offsetof(protocol_t, oof_url)},
    {"OABUrl", offsetof(protocol_t, oab_url)},
    {"LoginName", offsetof(protocol_t, login_name)},
    {"DomainRequired", offsetof(protocol_t, domain_required)},
    {"SPA", offsetof(protocol_t, spa)},
    {"AuthPackage", offsetof(protocol_t, auth_package)},
    {"CertPrincipalName", offsetof(protocol_t, cert_principal)},
    {"SSL", offsetof(protocol_t, ssl)},
    {"Encryption", offsetof(protocol_t, encryption)},
    {"AuthRequired", offsetof(protocol_t, auth_required)},
    {"UsePOPAuth", offsetof(protocol_t, use_pop_auth)},
    {"SMTPLast", offsetof(protocol_t, smtp_last)},
    {"ServerExclusiveConnect", offsetof(protocol_t, exclusive)},
};

static void print_protocol(xml_out_t *x, const protocol_t *protocol)
{
    apr_size_t i;

    xml_out_start(x, "Protocol");
    for (i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
        xml_out_element(x, children[i].element,
                        *(const char *const *)((const char *)protocol +
                                               children[i].member));
    }
    xml_out_end(x);
}

/* What every protocol with web services has in common. */
static protocol_t with_web_services(const discover_answer_t *a,
                                    const char *type, const char *ttl)
{
    protocol_t p = {
        .type = type,
        .ttl = ttl,
        .as_url = a->as_url,
        .ews_url = a->ews_url,
        .ecp_url = a->ecp_url,
        .oof_url = a->oof_url,
        .oab_url = a->oab_url,
    };

    return p;
}

/* Negotiate is for clients that say they know it (MS-OXDSCLI section
 * 2.2.3.1.2); the others log in by NTLM, which it falls back to. */
static const char *package_for(const char *package,
                               const discover_question_t *question)
{
    int is_negotiate = package && strcmp(package, "Negotiate") == 0;

    return is_negotiate && !question->can_negotiate ? "Ntlm" : package;
}

static void print_exch(xml_out_t *x, const discover_answer_t *a,
                       const char *ttl, const discover_question_t *question,
                       apr_pool_t *pool)
{
    protocol_t p = with_web_services(a, "EXCH", ttl);

    p.server = a->exchange_server;
    p.server_dn = a->server_dn;
    p.server_version = discover_pox_version(&a->version, pool);
    p.mdb_dn = a->mdb_dn;
    p.auth_package = package_for(a->exchange_auth, question);
    print_protocol(x, &p);
}

/* The RPC proxy, as EXPR; and the web services at the same place, as EXHTTP. */
static void print_outside(xml_out_t *x, const discover_answer_t *a,
                          const char *type, const char *ttl,
                          const discover_question_t *question)
{
    protocol_t p = with_web_services(a, type, ttl);

    p.server = a->rpc_host;
    p.auth_package = package_for(a->rpc_auth, question);
    p.cert_principal = a->cert_principal;
    p.ssl = a->rpc_ssl ? "On" : "Off";
    p.exclusive = question->is_outside ? "On" : NULL;
    print_protocol(x, &p);
}

static void print_owa(xml_out_t *x, const discover_answer_t *a,
                      const char *where, const char *type)
{
    protocol_t p = {.type = type, .as_url = a->as_url};

    xml_out_start(x, where);
    xml_out_start(x, "OWAUrl");
    xml_out_attribute(x, "AuthenticationMethod", DISCOVER_OWA_AUTH);
    xml_out_text(x, a->owa_url);
    xml_out_end(x);
    if (a->as_url) {
        print_protocol(x, &p);
    }
    xml_out_end(x);
}

static void print_web(xml_out_t *x, const discover_answer_t *a, const char *ttl)
{
    xml_out_start(x, "Protocol");
    xml_out_element(x, "Type", "WEB");
    print_owa(x, a, "Internal", "EXCH");
    print_owa(x, a, "External", "EXPR");
    xml_out_element(x, "TTL", ttl);
    xml_out_end(x);
}

/* MAPI over HTTP (MS-OXDSCLI section 2.2.4.1.1.2.6.26): one place for inside
 * and outside. */
static void print_mapi_part(xml_out_t *x, const discover_answer_t *a,
                            const char *element, const char *path,
                            apr_pool_t *pool)
{
    const char *url = apr_pstrcat(pool, a->mapi_url, path,
                                  "/?MailboxId=", a->mapi_mailbox_id, NULL);

    xml_out_start(x, element);
    xml_out_element(x, "InternalUrl", url);
    xml_out_element(x, "ExternalUrl", url);
    xml_out_end(x);
}

static void print_mapi(xml_out_t *x, const discover_answer_t *a,
                       apr_pool_t *pool)
{
    xml_out_start(x, "Protocol");
    xml_out_attribute(x, "Type", "mapiHttp");
    xml_out_attribute(x, "Version", "1");
    print_mapi_part(x, a, "MailStore", "/emsmdb", pool);
    print_mapi_part(x, a, "AddressBook", "/nspi", pool);
    xml_out_end(x);
}

/* Encryption overrides SSL for clients that know it; the others take SSL off
 * for clear text, so that it is on for STARTTLS as well. */
static void print_mail_server(xml_out_t *x, const discover_answer_t *a,
                              const char *type, const char *ttl,
                              const discover_mail_server_t *server,
                              apr_pool_t *pool)
{
    static const char *const encryption[] = {"SSL", "TLS", "None"};
    int is_smtp = strcmp(type, "SMTP") == 0;
    protocol_t p = {
        .type = type,
        .ttl = ttl,
        .server = server->host,
        .port = apr_itoa(pool, server->port),
        .login_name = a->login_name,
        .domain_required = "off",
        .spa = "off",
        .ssl = server->security == DISCOVER_SECURITY_PLAIN ? "off" : "on",
        .encryption = encryption[server->security],
        .auth_required = "on",
        .use_pop_auth = is_smtp ? "off" : NULL,
        .smtp_last = is_smtp ? "off" : NULL,
    };

    if (server->host) {
        print_protocol(x, &p);
    }
}

static void print_user(xml_out_t *x, const discover_answer_t *a)
{
    xml_out_start(x, "User");
    xml_out_element(x, "AutoDiscoverSMTPAddress", a->mailbox.mail);
    xml_out_element(x, "DisplayName", a->mailbox.display_name);
    xml_out_element(x, "LegacyDN", a->mailbox.legacy_dn);
    xml_out_element(x, "DeploymentId", a->deployment_id);
    xml_out_end(x);
}

static void print_redirect(xml_out_t *x, const discover_answer_t *a)
{
    xml_out_start(x, "Account");
    xml_out_element(x, "AccountType", "email");
    xml_out_element(x, "Action",
                    a->redirect_url ? "redirectUrl" : "redirectAddr");
    xml_out_element(x, "RedirectAddr", a->redirect_address);
    xml_out_element(x, "RedirectUrl", a->redirect_url);
    xml_out_end(x);
}

/* EXCH and EXPR; from outside, the one that works there goes first. */
static void print_exchange(xml_out_t *x, const discover_answer_t *a,
                           const char *ttl, const discover_question_t *question,
                           apr_pool_t *pool)
{
    if (a->rpc_host && question->is_outside) {
        print_outside(x, a, "EXPR", ttl, question);
    }
    if (a->exchange_server) {
        print_exch(x, a, ttl, question, pool);
    }
    if (a->rpc_host && !question->is_outside) {
        print_outside(x, a, "EXPR", ttl, question);
    }
}

/* CalDAV and CardDAV, as some clients other than Outlook read them here: a URL
 * in the place of the host. */
static void print_dav(xml_out_t *x, const discover_answer_t *a,
                      const char *type, const char *ttl, const char *url)
{
    protocol_t p = {
        .type = type,
        .ttl = ttl,
        .server = url,
        .login_name = a->login_name,
        .domain_required = "off",
        .ssl = "on",
    };

    if (url) {
        print_protocol(x, &p);
    }
}

static void print_public_folders(xml_out_t *x, const discover_answer_t *a)
{
    if (a->public_folders) {
        xml_out_start(x, "PublicFolderInformation");
        xml_out_element(x, "SmtpAddress", a->public_folders);
        xml_out_end(x);
    }
}

static void print_account(xml_out_t *x, const discover_answer_t *a,
                          const discover_question_t *question, apr_pool_t *pool)
{
    const char *ttl = a->ttl < 0 ? NULL : apr_itoa(pool, a->ttl);

    xml_out_start(x, "Account");
    xml_out_element(x, "AccountType", "email");
    xml_out_element(x, "Action", "settings");
    xml_out_element(x, "MicrosoftOnline", "False");
    print_exchange(x, a, ttl, question, pool);
    if (a->owa_url) {
        print_web(x, a, ttl);
    }
    if (a->rpc_host && a->ews_url && question->can_exhttp) {
        print_outside(x, a, "EXHTTP", ttl, question);
    }
    if (a->mapi_url && question->can_mapi_http) {
        print_mapi(x, a, pool);
    }
    print_mail_server(x, a, "IMAP", ttl, &a->imap, pool);
    print_mail_server(x, a, "POP3", ttl, &a->pop3, pool);
    print_mail_server(x, a, "SMTP", ttl, &a->smtp, pool);
    print_dav(x, a, "CalDAV", ttl, a->caldav_url);
    print_dav(x, a, "CardDAV", ttl, a->carddav_url);
    discover_alternatives_print(x, "AlternativeMailbox", a->alternatives);
    print_public_folders(x, a);
    xml_out_end(x);
}

apr_status_t discover_pox_print(const discover_answer_t *answer,
                                const discover_question_t *question,
                                const char **bytes, apr_size_t *len,
                                apr_pool_t *pool)
{
    xml_out_t *x = discover_response_open(DISCOVER_SCHEMA_OUTLOOK, pool);

    if (answer->redirect_address || answer->redirect_url) {
        print_redirect(x, answer);
        return xml_out_finish(x, bytes, len);
    }
    print_user(x, answer);
    print_account(x, answer, question, pool);
    return xml_out_finish(x, bytes, len);
}

/* Four bits that are 7, six of major, six of minor version, one bit that is
 * 1, fifteen of build (MS-OXDSCLI section 2.2.4.1.1.2.6.39). */
const char *discover_pox_version(const discover_version_t *version,
                                 apr_pool_t *pool)
{
    apr_uint32_t packed = 0x70008000u |
                          ((apr_uint32_t)version->major & 0x3f) << 22 |
                          ((apr_uint32_t)version->minor & 0x3f) << 16 |
                          ((apr_uint32_t)version->build & 0x7fff);

    return apr_psprintf(pool, "%08X", packed);
}
