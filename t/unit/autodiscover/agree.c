/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Whatever is configured, all printers say the same: for random settings, each
 * host, port and URL is read back from every output and compared with the
 * answer that they were printed from. */

#include "mod_autodiscover/autoconfig.h"
#include "mod_autodiscover/json.h"
#include "mod_autodiscover/mobileconfig.h"
#include "mod_autodiscover/mobilesync.h"
#include "mod_autodiscover/pox.h"
#include "mod_autodiscover/soap.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#define ROUNDS 2000

static const discover_mailbox_t alice = {
    .user = "alice",
    .mail = "a+b%41@example.test",
    .local = "a+b%41",
    .domain = "example.test",
    .display_name = "A <&> B",
    .guid = "11111111-2222-3333-4444-555555555555",
};

/* --- random settings --- */

static unsigned int chance(unsigned int *state, unsigned int of)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % of;
}

/* Not given, None, or one of four values, with and without variables. */
static const char *any(unsigned int *state, const char *const *values)
{
    unsigned int n = chance(state, 6);

    return n == 0 ? NULL : n == 1 ? "" : values[n - 2];
}

static const char *const urls[] = {"https://a.test/x", "https://b.test:8443/",
                                   "https://%{domain}/%{mail}?a=1&b=2",
                                   "https://c.test/%{guid}/%{user}"};
static const char *const hosts[] = {"a.test", "imap.%{domain}",
                                    "%{user}.b.test", "192.0.2.1"};

static const discover_mail_server_t *any_server(unsigned int *state,
                                                apr_pool_t *pool)
{
    discover_mail_server_t *server = apr_pcalloc(pool, sizeof(*server));

    server->host = any(state, hosts);
    server->port = 1 + (int)chance(state, 65535);
    server->security = (discover_security_e)chance(state, 3);
    return server->host ? server : NULL;
}

static discover_settings_t any_settings(unsigned int *state, apr_pool_t *pool)
{
    discover_settings_t s;

    discover_settings_init(&s);
    s.server_name = chance(state, 4) ? "mail.%{domain}" : NULL;
    s.pox_url = any(state, urls);
    s.ews_url = any(state, urls);
    s.as_url = any(state, urls);
    s.oof_url = any(state, urls);
    s.oab_url = any(state, urls);
    s.eas_url = any(state, urls);
    s.caldav_url = any(state, urls);
    s.exchange_server = any(state, hosts);
    s.rpc_host = any(state, hosts);
    s.rpc_ssl = (int)chance(state, 3) - 1;
    s.imap = any_server(state, pool);
    s.pop3 = any_server(state, pool);
    s.smtp = any_server(state, pool);
    return s;
}

/* --- reading back --- */

typedef struct outputs_t {
    xmlNodePtr pox, mobilesync, soap, autoconfig, mobileconfig; /* roots */
    apr_pool_t *pool;
} outputs_t;

/* The first element below `node`, at any depth, that has a child `name` with
 * the text `text`, and is itself called `element` (or anything, if NULL). */
static xmlNodePtr with_child(xmlNodePtr node, const char *element,
                             const char *name, const char *text,
                             apr_pool_t *pool)
{
    xmlNodePtr child = NULL, found = NULL;
    const char *value = xml_trimmed(xml_child(node, NULL, name), pool);

    if (node && (!element || xml_is(node, NULL, element)) && value &&
        strcmp(value, text) == 0) {
        return node;
    }
    while (node && !found && (child = xml_next(node, child)) != NULL) {
        found = with_child(child, element, name, text, pool);
    }
    return found;
}

static const char *pox(const outputs_t *o, const char *type, const char *name)
{
    return xml_trimmed(
        xml_child(with_child(o->pox, "Protocol", "Type", type, o->pool), NULL,
                  name),
        o->pool);
}

static const char *soap(const outputs_t *o, const char *setting)
{
    return xml_trimmed(
        xml_child(with_child(o->soap, "UserSetting", "Name", setting, o->pool),
                  NULL, "Value"),
        o->pool);
}

static const char *connection(const outputs_t *o, const char *setting,
                              const char *name)
{
    xmlNodePtr found =
        with_child(o->soap, "UserSetting", "Name", setting, o->pool);

    found = xml_child(found, NULL, "ProtocolConnections");
    return xml_trimmed(
        xml_child(xml_child(found, NULL, "ProtocolConnection"), NULL, name),
        o->pool);
}

static const char *autoconfig(const outputs_t *o, const char *type,
                              const char *name)
{
    xmlNodePtr provider = xml_child(o->autoconfig, NULL, "emailProvider");
    xmlNodePtr server = NULL;

    while (provider && (server = xml_next(provider, server)) != NULL) {
        const char *is = xml_attribute(server, "type", o->pool);

        if (is && strcmp(is, type) == 0) {
            return xml_trimmed(xml_child(server, NULL, name), o->pool);
        }
    }
    return NULL;
}

/* The value that stands behind a key of a property list. */
static const char *plist(const outputs_t *o, xmlNodePtr node, const char *key)
{
    xmlNodePtr child = NULL;
    const char *found = NULL;

    while (node && !found && (child = xml_next(node, child)) != NULL) {
        if (xml_is(child, NULL, "key") &&
            strcmp(xml_trimmed(child, o->pool), key) == 0) {
            return xml_trimmed(xml_next(node, child), o->pool);
        }
        found = plist(o, child, key);
    }
    return found;
}

/* --- printing --- */

static xmlNodePtr root_of(apr_status_t rv, const char *bytes, apr_size_t len,
                          apr_pool_t *pool)
{
    static const xml_limits_t generous = {1 << 20, 32, 10000};
    xmlDocPtr doc;
    const char *why;

    if (rv != APR_SUCCESS ||
        xml_parse(&doc, bytes, len, &generous, &why, pool) != APR_SUCCESS) {
        return NULL;
    }
    return xmlDocGetRootElement(doc);
}

static xmlNodePtr print_soap(const discover_answer_t *a, apr_pool_t *pool)
{
    static const char *const names[] = {
        "ExternalEwsUrl",           "InternalEwsUrl",
        "ExternalMailboxServer",    "InternalMailboxServer",
        "ExternalImap4Connections", "ExternalPop3Connections",
        "ExternalSmtpConnections",  "ExternalOABUrl"};
    discover_soap_question_t q = {.operation = DISCOVER_GET_USER_SETTINGS};
    discover_soap_result_t result = {.error = DISCOVER_OK, .answer = *a};
    const char *bytes = NULL;
    apr_size_t len = 0, i;
    apr_status_t rv;

    q.subjects = apr_array_make(pool, 1, sizeof(const char *));
    q.settings = apr_array_make(pool, 8, sizeof(const char *));
    APR_ARRAY_PUSH(q.subjects, const char *) = a->mailbox.mail;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        APR_ARRAY_PUSH(q.settings, const char *) = names[i];
    }
    rv = discover_soap_print(&q, &result, &a->version, &bytes, &len, pool);
    return root_of(rv, bytes, len, pool);
}

static outputs_t print_all(const discover_answer_t *a, apr_pool_t *pool)
{
    static const discover_question_t able = {.can_exhttp = 1};
    outputs_t o = {.pool = pool};
    const char *bytes = NULL;
    apr_size_t len = 0;
    apr_status_t rv = discover_pox_print(a, &able, &bytes, &len, pool);

    o.pox = root_of(rv, bytes, len, pool);
    rv = discover_mobilesync_print(a, &bytes, &len, pool);
    o.mobilesync = root_of(rv, bytes, len, pool);
    rv = discover_autoconfig_print(a, &bytes, &len, pool);
    o.autoconfig = root_of(rv, bytes, len, pool);
    rv = discover_mobileconfig_print(a, &bytes, &len, pool);
    o.mobileconfig = root_of(rv, bytes, len, pool);
    o.soap = print_soap(a, pool);
    return o;
}

/* --- comparing --- */

static int same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The URL in the JSON answer, without the escapes that our URLs can have. */
static const char *json(const discover_answer_t *a, const char *protocol,
                        apr_pool_t *pool)
{
    const char *text, *start, *ampersand;
    char *url;

    if (discover_json_print(a, protocol, &text, pool) != 200) {
        return NULL;
    }
    start = strstr(text, "\"Url\":\"") + 7;
    url = apr_pstrmemdup(pool, start, strlen(start) - 2);
    while ((ampersand = strstr(url, "\\u0026")) != NULL) {
        url = apr_pstrcat(
            pool, apr_pstrmemdup(pool, url, (apr_size_t)(ampersand - url)), "&",
            ampersand + 6, NULL);
    }
    return url;
}

static int urls_agree(const discover_answer_t *a, const outputs_t *o)
{
    const char *in_exch = a->exchange_server ? a->ews_url : NULL;
    const char *in_expr = a->rpc_host ? a->ews_url : NULL;

    return same(pox(o, "EXCH", "EwsUrl"), in_exch) &&
           same(pox(o, "EXPR", "EwsUrl"), in_expr) &&
           same(pox(o, "EXHTTP", "EwsUrl"), in_expr) &&
           same(pox(o, "EXPR", "OABUrl"), a->rpc_host ? a->oab_url : NULL) &&
           same(soap(o, "ExternalEwsUrl"), a->ews_url) &&
           same(soap(o, "InternalEwsUrl"), a->ews_url) &&
           same(soap(o, "ExternalOABUrl"), a->oab_url) &&
           same(json(a, "Ews", o->pool), a->ews_url) &&
           same(json(a, "AutodiscoverV1", o->pool), a->pox_url) &&
           same(json(a, "ActiveSync", o->pool), a->eas_url) &&
           (!a->eas_url ||
            with_child(o->mobilesync, "Server", "Url", a->eas_url, o->pool)) &&
           same(plist(o, o->mobileconfig, "CalDAVPrincipalURL"), a->caldav_url);
}

static int hosts_agree(const discover_answer_t *a, const outputs_t *o)
{
    return same(pox(o, "EXCH", "Server"), a->exchange_server) &&
           same(soap(o, "InternalMailboxServer"), a->exchange_server) &&
           same(pox(o, "EXPR", "Server"), a->rpc_host) &&
           same(soap(o, "ExternalMailboxServer"), a->rpc_host);
}

/* One mail server in all outputs; `way` is its part in a profile, or NULL. */
static int server_agrees(const outputs_t *o,
                         const discover_mail_server_t *server, const char *type,
                         const char *setting, const char *way)
{
    const char *port = server->host ? apr_itoa(o->pool, server->port) : NULL;
    const char *lower = strcmp(type, "IMAP") == 0   ? "imap"
                        : strcmp(type, "POP3") == 0 ? "pop3"
                                                    : "smtp";

    return same(pox(o, type, "Server"), server->host) &&
           same(pox(o, type, "Port"), port) &&
           same(connection(o, setting, "Hostname"), server->host) &&
           same(connection(o, setting, "Port"), port) &&
           same(autoconfig(o, lower, "hostname"), server->host) &&
           same(autoconfig(o, lower, "port"), port) &&
           (!way || (same(plist(o, o->mobileconfig,
                                apr_pstrcat(o->pool, way, "HostName", NULL)),
                          server->host) &&
                     same(plist(o, o->mobileconfig,
                                apr_pstrcat(o->pool, way, "PortNumber", NULL)),
                          port)));
}

static int servers_agree(const discover_answer_t *a, const outputs_t *o)
{
    int in_profile = a->smtp.host && (a->imap.host || a->pop3.host);

    return server_agrees(o, &a->imap, "IMAP", "ExternalImap4Connections",
                         in_profile && a->imap.host ? "IncomingMailServer"
                                                    : NULL) &&
           server_agrees(o, &a->pop3, "POP3", "ExternalPop3Connections",
                         in_profile && !a->imap.host ? "IncomingMailServer"
                                                     : NULL) &&
           server_agrees(o, &a->smtp, "SMTP", "ExternalSmtpConnections",
                         in_profile ? "OutgoingMailServer" : NULL);
}

static int round_agrees(unsigned int *state, int *answered, apr_pool_t *pool)
{
    discover_settings_t settings = any_settings(state, pool);
    discover_answer_t answer;
    const char *why;
    outputs_t o;

    if (discover_answer_make(&answer, &settings, &alice, &why, pool) !=
        DISCOVER_OK) {
        return 1;
    }
    ++*answered;
    o = print_all(&answer, pool);
    return o.pox && o.mobilesync && o.soap && o.autoconfig && o.mobileconfig &&
           urls_agree(&answer, &o) && hosts_agree(&answer, &o) &&
           servers_agree(&answer, &o);
}

int main(void)
{
    unsigned int state = 2463534242u;
    int i, answered = 0, bad = -1;
    apr_pool_t *global, *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&global, NULL);
    apr_pool_create(&pool, global);
    for (i = 0; i < ROUNDS && bad < 0; i++) {
        bad = round_agrees(&state, &answered, pool) ? -1 : i;
        apr_pool_clear(pool);
    }
    is_int(bad, -1, "all outputs agree in every round");
    ok(answered > ROUNDS / 2, "most rounds have an answer (%d of %d)", answered,
       ROUNDS);
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
