/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Whatever is configured, and whoever asks, all printers say the same, in
 * documents that keep to their schemas: for random settings and mailboxes, each
 * host, port and URL is read back from every output and compared with the
 * answer that they were printed from.
 *
 * POSTERN_SEED repeats a run.  With an argument, the JSON answers go to that
 * file, one a line, for a judge of JSON (t/autodiscover/schemas.t). */

#include "any.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_time.h>
#include <apr_uri.h>
#include <libxml/relaxng.h>

#define ROUNDS 2000

/* --- schemas --- */

typedef struct schemas_t {
    xmlRelaxNGValidCtxtPtr pox, soap, autoconfig, mobileconfig;
} schemas_t;

static apr_status_t free_schema(void *schema)
{
    xmlRelaxNGFree(schema);
    return APR_SUCCESS;
}

static apr_status_t free_context(void *context)
{
    xmlRelaxNGFreeValidCtxt(context);
    return APR_SUCCESS;
}

static xmlRelaxNGValidCtxtPtr schema_at(const char *path, apr_pool_t *pool)
{
    xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt(path);
    xmlRelaxNGPtr parsed = parser ? xmlRelaxNGParse(parser) : NULL;
    xmlRelaxNGValidCtxtPtr context =
        parsed ? xmlRelaxNGNewValidCtxt(parsed) : NULL;

    xmlRelaxNGFreeParserCtxt(parser);
    apr_pool_cleanup_register(pool, parsed, free_schema, apr_pool_cleanup_null);
    apr_pool_cleanup_register(pool, context, free_context,
                              apr_pool_cleanup_null);
    return context;
}

static int schemas_load(schemas_t *s, apr_pool_t *pool)
{
    s->pox = schema_at("t/autodiscover/pox.rng", pool);
    s->soap = schema_at("t/autodiscover/soap.rng", pool);
    s->autoconfig = schema_at("t/autodiscover/autoconfig.rng", pool);
    s->mobileconfig = schema_at("t/autodiscover/mobileconfig.rng", pool);
    return s->pox && s->soap && s->autoconfig && s->mobileconfig;
}

/* --- reading back --- */

typedef struct outputs_t {
    xmlNodePtr pox, mobilesync, soap, autoconfig, mobileconfig; /* roots */
    apr_pool_t *pool;
} outputs_t;

/* The root of a document that keeps to its schema; *bad when it does not. */
static xmlNodePtr read_back(const char *bytes, xmlRelaxNGValidCtxtPtr by,
                            int *bad, apr_pool_t *pool)
{
    static const xml_limits_t generous = {1 << 20, 32, 10000};
    xmlDocPtr doc;
    const char *why;

    if (!bytes) {
        return NULL;
    }
    if (xml_parse(&doc, bytes, strlen(bytes), &generous, &why, pool) !=
            APR_SUCCESS ||
        xmlRelaxNGValidateDoc(by, doc) != 0) {
        printf("# not valid: %s\n", bytes);
        *bad = 1;
        return NULL;
    }
    return xmlDocGetRootElement(doc);
}

static int read_all(outputs_t *o, const any_outputs_t *bytes,
                    const schemas_t *s, apr_pool_t *pool)
{
    int bad = bytes->failed;

    o->pool = pool;
    o->pox = read_back(bytes->pox, s->pox, &bad, pool);
    o->mobilesync = read_back(bytes->mobilesync, s->pox, &bad, pool);
    o->soap = read_back(bytes->soap12, s->soap, &bad, pool);
    o->soap = read_back(bytes->soap, s->soap, &bad, pool);
    o->autoconfig = read_back(bytes->autoconfig, s->autoconfig, &bad, pool);
    o->mobileconfig =
        read_back(bytes->mobileconfig, s->mobileconfig, &bad, pool);
    return !bad;
}

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

/* The text of the first element `name` below `node`, at any depth. */
static const char *anywhere(xmlNodePtr node, const char *name, apr_pool_t *pool)
{
    xmlNodePtr child = NULL;
    const char *text = NULL;

    if (node && xml_is(node, NULL, name)) {
        return xml_trimmed(node, pool);
    }
    while (node && !text && (child = xml_next(node, child)) != NULL) {
        text = anywhere(child, name, pool);
    }
    return text;
}

/* A text of the protocol of that type; WEB has others inside. */
static const char *pox(const outputs_t *o, const char *type, const char *name)
{
    xmlNodePtr account =
        xml_child(xml_child(o->pox, NULL, "Response"), NULL, "Account");
    xmlNodePtr protocol = NULL;

    while (account && (protocol = xml_next(account, protocol)) != NULL) {
        const char *is =
            xml_trimmed(xml_child(protocol, NULL, "Type"), o->pool);

        if (xml_is(protocol, NULL, "Protocol") && is && strcmp(is, type) == 0) {
            return xml_trimmed(xml_child(protocol, NULL, name), o->pool);
        }
    }
    return NULL;
}

/* A text in the value of a SOAP setting. */
static const char *soap(const outputs_t *o, const char *setting,
                        const char *name)
{
    return anywhere(
        with_child(o->soap, "UserSetting", "Name", setting, o->pool), name,
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
static const char *plist_below(xmlNodePtr node, const char *key,
                               apr_pool_t *pool)
{
    xmlNodePtr child = NULL;
    const char *found = NULL;

    while (node && !found && (child = xml_next(node, child)) != NULL) {
        if (xml_is(child, NULL, "key") &&
            strcmp(xml_trimmed(child, pool), key) == 0) {
            return xml_trimmed(xml_next(node, child), pool);
        }
        found = plist_below(child, key, pool);
    }
    return found;
}

static const char *plist(const outputs_t *o, const char *before,
                         const char *key)
{
    return plist_below(o->mobileconfig, apr_pstrcat(o->pool, before, key, NULL),
                       o->pool);
}

/* --- comparing --- */

static int same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The URL in a JSON answer, without the escapes that our URLs can have; NULL
 * for an error. */
static const char *json(const any_outputs_t *bytes, int protocol,
                        apr_pool_t *pool)
{
    const char *start = strstr(bytes->json[protocol], "\"Url\":\""), *ampersand;
    char *url;

    if (!start) {
        return NULL;
    }
    url = apr_pstrmemdup(pool, start + 7, strlen(start + 7) - 2);
    while ((ampersand = strstr(url, "\\u0026")) != NULL) {
        url = apr_pstrcat(
            pool, apr_pstrmemdup(pool, url, (apr_size_t)(ampersand - url)), "&",
            ampersand + 6, NULL);
    }
    return url;
}

static int web_services_agree(const discover_answer_t *a, const outputs_t *o,
                              const char *type, int is_offered)
{
    return same(pox(o, type, "EwsUrl"), is_offered ? a->ews_url : NULL) &&
           same(pox(o, type, "ASUrl"), is_offered ? a->as_url : NULL) &&
           same(pox(o, type, "OOFUrl"), is_offered ? a->oof_url : NULL) &&
           same(pox(o, type, "EcpUrl"), is_offered ? a->ecp_url : NULL) &&
           same(pox(o, type, "OABUrl"), is_offered ? a->oab_url : NULL);
}

static int urls_agree(const discover_answer_t *a, const outputs_t *o)
{
    const char *mapi =
        a->mapi_url
            ? apr_pstrcat(o->pool, a->mapi_url,
                          "/emsmdb/?MailboxId=", a->mapi_mailbox_id, NULL)
            : NULL;

    return web_services_agree(a, o, "EXCH", a->exchange_server != NULL) &&
           web_services_agree(a, o, "EXPR", a->rpc_host != NULL) &&
           web_services_agree(a, o, "EXHTTP", a->rpc_host && a->ews_url) &&
           same(soap(o, "ExternalEwsUrl", "Value"), a->ews_url) &&
           same(soap(o, "InternalEwsUrl", "Value"), a->ews_url) &&
           same(soap(o, "ExternalOABUrl", "Value"), a->oab_url) &&
           same(soap(o, "ExternalEcpUrl", "Value"), a->ecp_url) &&
           same(soap(o, "ExternalWebClientUrls", "Url"), a->owa_url) &&
           same(anywhere(o->pox, "OWAUrl", o->pool), a->owa_url) &&
           same(anywhere(o->pox, "ExternalUrl", o->pool), mapi) &&
           same(pox(o, "CalDAV", "Server"), a->caldav_url) &&
           same(pox(o, "CardDAV", "Server"), a->carddav_url) &&
           same(anywhere(o->mobilesync, "Url", o->pool), a->eas_url);
}

static int json_agrees(const discover_answer_t *a, const any_outputs_t *bytes,
                       apr_pool_t *pool)
{
    return same(json(bytes, 0, pool), a->pox_url) &&
           same(json(bytes, 1, pool), a->ews_url) &&
           same(json(bytes, 2, pool), a->eas_url) && !json(bytes, 3, pool);
}

/* A profile has a URL whole, and its host and port beside it. */
static int dav_agrees(const outputs_t *o, const char *protocol, const char *url)
{
    apr_uri_t uri = {0};

    if (url && apr_uri_parse(o->pool, url, &uri) != APR_SUCCESS) {
        return 0;
    }
    return same(plist(o, protocol, "PrincipalURL"), url) &&
           same(plist(o, protocol, "HostName"), uri.hostname) &&
           same(plist(o, protocol, "Port"), !url           ? NULL
                                            : uri.port_str ? uri.port_str
                                                           : "443");
}

static int hosts_agree(const discover_answer_t *a, const outputs_t *o)
{
    apr_uri_t eas = {0};

    if (a->eas_url && apr_uri_parse(o->pool, a->eas_url, &eas)) {
        return 0;
    }
    return same(pox(o, "EXCH", "Server"), a->exchange_server) &&
           same(soap(o, "InternalMailboxServer", "Value"),
                a->exchange_server) &&
           same(pox(o, "EXPR", "Server"), a->rpc_host) &&
           same(soap(o, "ExternalMailboxServer", "Value"), a->rpc_host) &&
           same(plist(o, "", "Host"), eas.hostinfo) &&
           dav_agrees(o, "CalDAV", a->caldav_url) &&
           dav_agrees(o, "CardDAV", a->carddav_url);
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
           same(soap(o, setting, "Hostname"), server->host) &&
           same(soap(o, setting, "Port"), port) &&
           (!o->autoconfig ||
            (same(autoconfig(o, lower, "hostname"), server->host) &&
             same(autoconfig(o, lower, "port"), port))) &&
           (!way || (same(plist(o, way, "HostName"), server->host) &&
                     same(plist(o, way, "PortNumber"), port)));
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

/* The addresses of other mailboxes. */
static int others_agree(const discover_answer_t *a, const outputs_t *o)
{
    const discover_alternative_t *first =
        a->alternatives->nelts
            ? &APR_ARRAY_IDX(a->alternatives, 0, discover_alternative_t)
            : NULL;
    xmlNodePtr told = first ? with_child(o->pox, "AlternativeMailbox", "Type",
                                         first->type, o->pool)
                            : NULL;

    return same(anywhere(told, "SmtpAddress", o->pool),
                first ? first->address : NULL) &&
           same(soap(o, "AlternateMailboxes", "SmtpAddress"),
                first ? first->address : NULL) &&
           same(soap(o, "PublicFolderInformation", "Value"),
                a->public_folders) &&
           (!a->public_folders ||
            with_child(o->pox, "PublicFolderInformation", "SmtpAddress",
                       a->public_folders, o->pool));
}

/* --- rounds --- */

typedef struct run_t {
    unsigned int state;
    schemas_t schemas;
    FILE *json; /* or NULL */
    int answered;
} run_t;

static void save_json(const run_t *run, const any_outputs_t *bytes)
{
    size_t i;

    for (i = 0; run->json && i < COUNT(any_protocols); i++) {
        fprintf(run->json, "%s\n", bytes->json[i]);
    }
}

static int round_agrees(run_t *run, apr_pool_t *pool)
{
    const discover_mailbox_t *mailbox =
        &any_mailboxes[chance(&run->state, COUNT(any_mailboxes))];
    discover_settings_t settings = any_settings(&run->state, pool);
    discover_question_t question = {.can_exhttp = 1,
                                    .can_mapi_http = 1,
                                    .can_negotiate =
                                        (int)chance(&run->state, 2),
                                    .is_outside = (int)chance(&run->state, 2)};
    discover_answer_t answer;
    any_outputs_t bytes;
    const char *why;
    outputs_t o;

    if (discover_answer_make(&answer, &settings, mailbox, &why, pool) !=
        DISCOVER_OK) {
        return 1;
    }
    run->answered++;
    answer.alternatives = any_alternatives(&run->state, pool);
    bytes = any_outputs(&answer, &question, pool);
    save_json(run, &bytes);
    return read_all(&o, &bytes, &run->schemas, pool) &&
           urls_agree(&answer, &o) && json_agrees(&answer, &bytes, pool) &&
           hosts_agree(&answer, &o) && servers_agree(&answer, &o) &&
           others_agree(&answer, &o);
}

static unsigned int seed(void)
{
    const char *text = getenv("POSTERN_SEED");
    unsigned long value =
        text ? strtoul(text, NULL, 10) : (unsigned long)apr_time_now();

    return (unsigned int)value ? (unsigned int)value : 1;
}

int main(int argc, char *argv[])
{
    run_t run = {.state = seed()};
    int i, bad = -1;
    apr_pool_t *global, *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&global, NULL);
    apr_pool_create(&pool, global);
    printf("# POSTERN_SEED=%u\n", run.state);
    run.json = argc > 1 ? fopen(argv[1], "w") : NULL;
    ok(schemas_load(&run.schemas, global), "the schemas are there");
    for (i = 0; i < ROUNDS / tap_slower() && bad < 0; i++) {
        bad = round_agrees(&run, pool) ? -1 : i;
        apr_pool_clear(pool);
    }
    is_int(bad, -1, "all outputs agree, and are valid, in every round");
    ok(run.answered > i / 2, "most rounds have an answer (%d of %d)",
       run.answered, i);
    if (run.json) {
        fclose(run.json);
    }
    apr_terminate();
    xmlRelaxNGCleanupTypes();
    xmlCleanupParser();
    return done_testing();
}
