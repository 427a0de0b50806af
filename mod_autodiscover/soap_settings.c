/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "soap_settings.h"
#include "alternatives.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

/* A text made from the answer, or NULL. */
typedef const char *(*make_t)(const discover_answer_t *answer,
                              apr_pool_t *pool);

/* --- versions --- */

static const struct {
    const char *name;
    discover_version_t since;
} schemas[] = {
    {"Exchange2007", {0, 0, 0, 0}},        {"Exchange2007_SP1", {8, 1, 0, 0}},
    {"Exchange2010", {14, 0, 0, 0}},       {"Exchange2010_SP1", {14, 1, 0, 0}},
    {"Exchange2010_SP2", {14, 2, 0, 0}},   {"Exchange2013", {15, 0, 0, 0}},
    {"Exchange2013_SP1", {15, 0, 847, 0}}, {"Exchange2016", {15, 1, 0, 0}},
};
#define SCHEMAS (sizeof(schemas) / sizeof(schemas[0]))

static int is_before(const discover_version_t *a, const discover_version_t *b)
{
    if (a->major != b->major) {
        return a->major < b->major;
    }
    if (a->minor != b->minor) {
        return a->minor < b->minor;
    }
    return a->build < b->build;
}

/* How many of the schemas the version speaks; at least one. */
static apr_size_t schemas_of(const discover_version_t *version)
{
    apr_size_t n = 1;

    while (n < SCHEMAS && !is_before(version, &schemas[n].since)) {
        n++;
    }
    return n;
}

const char *discover_soap_settings_schema(const discover_version_t *version)
{
    return schemas[schemas_of(version) - 1].name;
}

static const char *ews_schemas(const discover_answer_t *a, apr_pool_t *pool)
{
    const char *list = schemas[0].name;
    apr_size_t i;

    for (i = 1; i < schemas_of(&a->version); i++) {
        list = apr_pstrcat(pool, list, ", ", schemas[i].name, NULL);
    }
    return list;
}

static const char *version_text(const discover_answer_t *a, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%02d.%02d.%04d.%03d", a->version.major,
                        a->version.minor, a->version.build,
                        a->version.revision);
}

/* --- other texts that are made --- */

static const char *mailbox_dn(const discover_answer_t *a, apr_pool_t *pool)
{
    (void)pool;
    return a->mdb_dn ? a->mdb_dn : a->mailbox.legacy_dn;
}

static const char *requires_ssl(const discover_answer_t *a, apr_pool_t *pool)
{
    (void)pool;
    return !a->rpc_host ? NULL : a->rpc_ssl ? "True" : "False";
}

static const char *rpc_auth(const discover_answer_t *a, apr_pool_t *pool)
{
    (void)pool;
    return a->rpc_host ? a->rpc_auth : NULL;
}

static const char *mapi_enabled(const discover_answer_t *a, apr_pool_t *pool)
{
    (void)pool;
    return a->mapi_url ? "True" : "False";
}

static const char *no(const discover_answer_t *a, apr_pool_t *pool)
{
    (void)a;
    (void)pool;
    return "False";
}

/* --- the table --- */

typedef enum kind_e {
    MEMBER,      /* a text of the answer */
    MADE,        /* a text that a function makes */
    CONNECTION,  /* a mail server */
    WEB,         /* URL of mail on the web */
    ALTERNATIVES /* further mailboxes */
} kind_e;

typedef struct setting_t {
    const char *name;
    kind_e kind;
    apr_size_t member; /* MEMBER: const char *; CONNECTION: mail server */
    make_t make;       /* MADE */
    int of_domain;
} setting_t;

#define TEXT(member) MEMBER, offsetof(discover_answer_t, member), NULL
#define SERVER(member) CONNECTION, offsetof(discover_answer_t, member), NULL
#define MAKE(function) MADE, 0, function
#define LIST(kind) kind, 0, NULL

/* clang-format off */
static const setting_t settings[] = {
    {"UserDisplayName", TEXT(mailbox.display_name), 0},
    {"UserDN", TEXT(mailbox.legacy_dn), 0},
    {"UserDeploymentId", TEXT(deployment_id), 0},
    {"UserMSOnline", MAKE(no), 0},
    {"AutoDiscoverSMTPAddress", TEXT(mailbox.mail), 0},
    {"MailboxDN", MAKE(mailbox_dn), 0},
    {"InternalMailboxServer", TEXT(exchange_server), 0},
    {"InternalMailboxServerDN", TEXT(server_dn), 0},
    {"InternalRpcClientServer", TEXT(exchange_server), 0},
    {"ExternalMailboxServer", TEXT(rpc_host), 0},
    {"ExternalMailboxServerRequiresSSL", MAKE(requires_ssl), 0},
    {"ExternalMailboxServerAuthenticationMethods", MAKE(rpc_auth), 0},
    {"CasVersion", MAKE(version_text), 0},
    {"EwsSupportedSchemas", MAKE(ews_schemas), 0},
    {"AlternateMailboxes", LIST(ALTERNATIVES), 0},
    {"PublicFolderInformation", TEXT(public_folders), 0},
    {"InternalEwsUrl", TEXT(ews_url), 0},
    {"ExternalEwsUrl", TEXT(ews_url), 1},
    {"ExternalEwsVersion", MAKE(version_text), 1},
    {"InternalOABUrl", TEXT(oab_url), 0},
    {"ExternalOABUrl", TEXT(oab_url), 0},
    {"MapiHttpEnabled", MAKE(mapi_enabled), 0},
    {"InternalEcpUrl", TEXT(ecp_url), 0},
    {"ExternalEcpUrl", TEXT(ecp_url), 0},
    {"InternalWebClientUrls", LIST(WEB), 0},
    {"ExternalWebClientUrls", LIST(WEB), 0},
    {"InternalImap4Connections", SERVER(imap), 0},
    {"ExternalImap4Connections", SERVER(imap), 0},
    {"InternalPop3Connections", SERVER(pop3), 0},
    {"ExternalPop3Connections", SERVER(pop3), 0},
    {"InternalSmtpConnections", SERVER(smtp), 0},
    {"ExternalSmtpConnections", SERVER(smtp), 0},
};
/* clang-format on */

static const setting_t *setting_named(const char *name, int of_domain)
{
    apr_size_t i;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (strcmp(settings[i].name, name) == 0) {
            return of_domain && !settings[i].of_domain ? NULL : &settings[i];
        }
    }
    return NULL;
}

static const char *text_of(const setting_t *setting, const discover_answer_t *a,
                           apr_pool_t *pool)
{
    return setting->kind == MADE
               ? setting->make(a, pool)
               : *(const char *const *)((const char *)a + setting->member);
}

static const discover_mail_server_t *server_of(const setting_t *setting,
                                               const discover_answer_t *a)
{
    return (const discover_mail_server_t *)((const char *)a + setting->member);
}

static int has_value(const setting_t *setting, const discover_answer_t *a,
                     apr_pool_t *pool)
{
    switch (setting->kind) {
    case CONNECTION:
        return server_of(setting, a)->host != NULL;
    case WEB:
        return a->owa_url != NULL;
    case ALTERNATIVES:
        return a->alternatives && a->alternatives->nelts > 0;
    default:
        return text_of(setting, a, pool) != NULL;
    }
}

discover_setting_e discover_soap_settings_look(const discover_answer_t *answer,
                                               const char *name, int of_domain,
                                               apr_pool_t *pool)
{
    const setting_t *setting = setting_named(name, of_domain);

    if (!setting) {
        return DISCOVER_SETTING_UNKNOWN;
    }
    return has_value(setting, answer, pool) ? DISCOVER_SETTING_OK
                                            : DISCOVER_SETTING_NOT_AVAILABLE;
}

/* --- printing --- */

static void print_connection(xml_out_t *x, const discover_mail_server_t *server,
                             apr_pool_t *pool)
{
    static const char *const encryption[] = {"SSL", "TLS", "None"};

    xml_out_start(x, "ProtocolConnections");
    xml_out_start(x, "ProtocolConnection");
    xml_out_element(x, "EncryptionMethod", encryption[server->security]);
    xml_out_element(x, "Hostname", server->host);
    xml_out_element(x, "Port", apr_itoa(pool, server->port));
    xml_out_end(x);
    xml_out_end(x);
}

static void print_web(xml_out_t *x, const discover_answer_t *a)
{
    xml_out_start(x, "WebClientUrls");
    xml_out_start(x, "WebClientUrl");
    xml_out_element(x, "AuthenticationMethods", DISCOVER_OWA_AUTH);
    xml_out_element(x, "Url", a->owa_url);
    xml_out_end(x);
    xml_out_end(x);
}

static void print_alternatives(xml_out_t *x, const discover_answer_t *a)
{
    xml_out_start(x, "AlternateMailboxes");
    discover_alternatives_print(x, "AlternateMailbox", a->alternatives);
    xml_out_end(x);
}

/* The value of i:type, which clients read the rest by. */
static const char *type_of(const setting_t *setting)
{
    static const char *const types[] = {
        [MEMBER] = "StringSetting",
        [MADE] = "StringSetting",
        [CONNECTION] = "ProtocolConnectionCollectionSetting",
        [WEB] = "WebClientUrlCollectionSetting",
        [ALTERNATIVES] = "AlternateMailboxCollectionSetting",
    };

    return types[setting->kind];
}

void discover_soap_settings_print(xml_out_t *x, const discover_answer_t *answer,
                                  const char *name, int of_domain,
                                  apr_pool_t *pool)
{
    const setting_t *setting = setting_named(name, of_domain);

    if (!setting) {
        return;
    }
    xml_out_start(x, of_domain ? "DomainSetting" : "UserSetting");
    xml_out_attribute(x, "i:type",
                      of_domain ? "DomainStringSetting" : type_of(setting));
    xml_out_element(x, "Name", name);
    switch (setting->kind) {
    case CONNECTION:
        print_connection(x, server_of(setting, answer), pool);
        break;
    case WEB:
        print_web(x, answer);
        break;
    case ALTERNATIVES:
        print_alternatives(x, answer);
        break;
    default:
        xml_out_element(x, "Value", text_of(setting, answer, pool));
        break;
    }
    xml_out_end(x);
}
