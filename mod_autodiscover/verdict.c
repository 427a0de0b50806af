/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "verdict.h"

#include "lib/xml.h"

#include <apr_strings.h>
#include <jansson.h>
#include <string.h>

static const xml_limits_t limits = {
    .max_bytes = 1 << 20, .max_depth = 64, .max_elements = 5000};

/* The reply while one client looks at it. */
typedef struct view_t {
    const verdict_reply_t *reply;
    xmlNodePtr root; /* NULL when the answer is no XML */
    apr_pool_t *pool;
} view_t;

typedef verdict_t (*judge_fn)(const view_t *v);

static verdict_t finds(const char *says)
{
    return (verdict_t){NULL, VERDICT_FINDS, says};
}

static verdict_t fails(const char *says)
{
    return (verdict_t){NULL, VERDICT_FAILS, says};
}

static verdict_t not_offered(const char *says)
{
    return (verdict_t){NULL, VERDICT_NOT_OFFERED, says};
}

/* --- looking into XML --- */

/* The first element `name` anywhere below `node`, or NULL. */
static xmlNodePtr below(xmlNodePtr node, const char *name)
{
    xmlNodePtr child = xml_next(node, NULL), found;

    for (; child; child = xml_next(node, child)) {
        found = xml_is(child, NULL, name) ? child : below(child, name);
        if (found) {
            return found;
        }
    }
    return NULL;
}

/* Its text, or NULL when it is not there or empty. */
static const char *text_below(const view_t *v, xmlNodePtr node,
                              const char *name)
{
    const char *text = xml_trimmed(below(node, name), v->pool);

    return text && *text ? text : NULL;
}

/* The Protocol of that Type, directly below Account, or NULL. */
static xmlNodePtr protocol(const view_t *v, const char *type)
{
    xmlNodePtr account = below(v->root, "Account");
    xmlNodePtr node = xml_next(account, NULL);

    for (; node; node = xml_next(account, node)) {
        const char *is = xml_trimmed(xml_child(node, NULL, "Type"), v->pool);
        const char *named = xml_attribute(node, "Type", v->pool);

        if (xml_is(node, NULL, "Protocol") &&
            ((is && strcmp(is, type) == 0) ||
             (named && strcmp(named, type) == 0))) {
            return node;
        }
    }
    return NULL;
}

/* The text of `name` in the first of two protocols that has it. */
static const char *of_protocols(const view_t *v, const char *one,
                                const char *other, const char *name)
{
    const char *text = text_below(v, protocol(v, one), name);

    return text ? text : text_below(v, protocol(v, other), name);
}

/* --- what all plain-XML clients see alike --- */

/* 1 when the answer is an error or a redirection, or no answer at all. */
static int is_settled(const view_t *v, verdict_t *verdict)
{
    const char *code = text_below(v, v->root, "ErrorCode");
    const char *address = text_below(v, v->root, "RedirectAddr");
    const char *url = text_below(v, v->root, "RedirectUrl");

    if (v->reply->status != 200) {
        *verdict = fails(apr_psprintf(v->pool,
                                      "goes on to the next place: "
                                      "status %ld, not 200",
                                      v->reply->status));
    }
    else if (!v->root || strncmp(v->reply->bytes + 1, "?xml", 4) != 0) {
        *verdict = fails("the answer is no XML document");
    }
    else if (code) {
        *verdict = (strcmp(code, "601") == 0 ? not_offered : fails)(
            apr_psprintf(v->pool, "error %s: %s", code,
                         text_below(v, v->root, "Message")));
    }
    else if (address || url) {
        *verdict = finds(
            apr_pstrcat(v->pool, "goes on to ", address ? address : url, NULL));
    }
    else {
        return 0;
    }
    return 1;
}

/* What Outlook opens beside the mailbox, as the rest of a sentence. */
static const char *further_mailboxes(const view_t *v)
{
    xmlNodePtr account = below(v->root, "Account");
    xmlNodePtr node = NULL;
    const char *list = "";

    while (account && (node = xml_next(account, node)) != NULL) {
        const char *address =
            xml_is(node, NULL, "AlternativeMailbox")
                ? xml_trimmed(xml_child(node, NULL, "SmtpAddress"), v->pool)
                : NULL;

        if (address) {
            list = apr_pstrcat(v->pool, list, *list ? ", " : "; opens also ",
                               address, NULL);
        }
    }
    return list;
}

static verdict_t judge_outlook(const view_t *v)
{
    const char *exch = text_below(v, protocol(v, "EXCH"), "Server");
    const char *expr = text_below(v, protocol(v, "EXPR"), "Server");
    const char *mapi = text_below(v, protocol(v, "mapiHttp"), "ExternalUrl");
    verdict_t settled;

    if (is_settled(v, &settled)) {
        return settled;
    }
    if (!expr && !mapi && !exch) {
        return not_offered("neither EXPR nor EXCH nor mapiHttp: no mailbox of "
                           "Outlook's own kind");
    }
    if (mapi) {
        return finds(apr_pstrcat(v->pool, "MAPI over HTTP at ", mapi,
                                 further_mailboxes(v), NULL));
    }
    return finds(expr
                     ? apr_pstrcat(v->pool, "RPC over HTTP through ", expr,
                                   exch ? ", mailbox on " : "",
                                   exch ? exch : "", further_mailboxes(v), NULL)
                     : apr_pstrcat(v->pool, "RPC to ", exch,
                                   further_mailboxes(v), NULL));
}

/* A judge of whoever needs the element `name` in EXPR or EXCH. */
static verdict_t needs(const view_t *v, const char *name)
{
    const char *url = of_protocols(v, "EXPR", "EXCH", name);
    verdict_t settled;

    if (is_settled(v, &settled)) {
        return settled;
    }
    return url ? finds(apr_pstrcat(v->pool, name, " ", url, NULL))
               : not_offered(apr_psprintf(
                     v->pool, "no %s in EXPR or EXCH: no web services", name));
}

static verdict_t judge_calendar(const view_t *v)
{
    return needs(v, "ASUrl");
}

static verdict_t judge_ews(const view_t *v)
{
    return needs(v, "EwsUrl");
}

static verdict_t judge_thunderbird_pox(const view_t *v)
{
    const char *ews = of_protocols(v, "EXHTTP", "EXCH", "EwsUrl");
    const char *imap = of_protocols(v, "IMAP", "POP3", "Server");
    const char *smtp = text_below(v, protocol(v, "SMTP"), "Server");
    verdict_t settled;

    if (is_settled(v, &settled)) {
        return settled;
    }
    if (ews) {
        return finds(apr_pstrcat(v->pool, "web services at ", ews, NULL));
    }
    return imap && smtp
               ? finds(apr_psprintf(v->pool, "mail from %s, by %s", imap, smtp))
               : not_offered("neither EwsUrl nor IMAP or POP3 with SMTP");
}

static verdict_t judge_phone(const view_t *v)
{
    const char *url = text_below(v, below(v->root, "Server"), "Url");
    verdict_t settled;

    if (is_settled(v, &settled)) {
        return settled;
    }
    return url ? finds(apr_pstrcat(v->pool, "ActiveSync at ", url, NULL))
               : fails("no Server with Url");
}

/* --- SOAP --- */

static const char *setting(const view_t *v, const char *name)
{
    xmlNodePtr list = below(v->root, "UserSettings");
    xmlNodePtr node = xml_next(list, NULL);

    for (; node; node = xml_next(list, node)) {
        const char *is = text_below(v, node, "Name");

        if (is && strcmp(is, name) == 0) {
            return text_below(v, node, "Value");
        }
    }
    return NULL;
}

static verdict_t judge_soap(const view_t *v)
{
    const char *code =
        text_below(v, below(v->root, "UserResponse"), "ErrorCode");
    const char *url = setting(v, "ExternalEwsUrl");

    if (!v->reply->announces_soap) {
        return fails("does not ask: no header X-SOAP-Enabled in the answer "
                     "without login");
    }
    if (v->reply->status != 200 || !code) {
        return fails(apr_psprintf(v->pool,
                                  "no GetUserSettings response, "
                                  "status %ld",
                                  v->reply->status));
    }
    if (!below(v->root, "ServerVersionInfo")) {
        return fails("no ServerVersionInfo in the header");
    }
    if (strncmp(code, "Redirect", 8) == 0) {
        return finds(apr_pstrcat(v->pool, "goes on to ",
                                 text_below(v, v->root, "RedirectTarget"),
                                 NULL));
    }
    if (strcmp(code, "NoError") != 0) {
        return fails(apr_pstrcat(v->pool, "ErrorCode ", code, NULL));
    }
    return url ? finds(apr_pstrcat(v->pool, "ExternalEwsUrl ", url, NULL))
               : not_offered("no ExternalEwsUrl: no web services");
}

/* --- JSON --- */

static const char *json_text_of(const json_t *object, const char *name,
                                apr_pool_t *pool)
{
    return apr_pstrdup(pool, json_string_value(json_object_get(object, name)));
}

static verdict_t judge_json(const view_t *v)
{
    json_t *object = json_loadb(v->reply->bytes, v->reply->len,
                                JSON_REJECT_DUPLICATES, NULL);
    const char *url = json_text_of(object, "Url", v->pool);
    const char *code = json_text_of(object, "ErrorCode", v->pool);

    json_decref(object);
    if (v->reply->status == 200 && url) {
        return finds(apr_pstrcat(v->pool, "asks at ", url, NULL));
    }
    if (v->reply->status == 401) {
        return fails("is asked for a login, which it never does here");
    }
    return (v->reply->status == 400 && code ? not_offered : fails)(
        apr_psprintf(v->pool, "status %ld %s", v->reply->status,
                     code ? code : "without Url"));
}

/* --- mail clients --- */

static verdict_t judge_autoconfig(const view_t *v)
{
    xmlNodePtr in = below(v->root, "incomingServer");
    xmlNodePtr out = below(v->root, "outgoingServer");

    if (v->reply->status == 404) {
        return not_offered("status 404: no configuration for this domain");
    }
    if (v->reply->status != 200) {
        return fails(apr_psprintf(v->pool, "status %ld", v->reply->status));
    }
    if (!below(v->root, "domain") || !in || !out) {
        return fails("domain, incomingServer or outgoingServer is missing");
    }
    return finds(apr_psprintf(
        v->pool, "mail from %s:%s, by %s:%s", text_below(v, in, "hostname"),
        text_below(v, in, "port"), text_below(v, out, "hostname"),
        text_below(v, out, "port")));
}

static verdict_t judge_profile(const view_t *v)
{
    /* A signed profile is PKCS#7: a DER sequence. */
    int is_signed = v->reply->len > 0 && v->reply->bytes[0] == '\x30';

    if (v->reply->status == 404) {
        return not_offered("status 404: nothing to put into a profile");
    }
    if (v->reply->status != 200 || !(is_signed || below(v->root, "array"))) {
        return fails(
            apr_psprintf(v->pool, "no profile, status %ld", v->reply->status));
    }
    return finds(is_signed ? "a signed profile" : "a profile, not signed");
}

static verdict_t judge_redirect(const view_t *v)
{
    const char *to = v->reply->location;

    if (v->reply->login) {
        return fails("is asked for a password where anybody can read it: "
                     "set AutodiscoverHttpRedirect");
    }
    if ((v->reply->status != 302 && v->reply->status != 301) || !to) {
        return fails(apr_psprintf(v->pool,
                                  "status %ld, not 302: set "
                                  "AutodiscoverHttpRedirect",
                                  v->reply->status));
    }
    return strncmp(to, "https://", 8) == 0
               ? finds(apr_pstrcat(v->pool, "goes on to ", to, NULL))
               : fails("is sent on, but not to https");
}

/* --- who asks what --- */

static const struct {
    verdict_question_e question;
    const char *client;
    judge_fn judge;
} clients[] = {
    {VERDICT_POX, "Outlook", judge_outlook},
    {VERDICT_POX, "Evolution", judge_calendar},
    {VERDICT_POX, "EWS clients", judge_ews},
    {VERDICT_POX, "Thunderbird", judge_thunderbird_pox},
    {VERDICT_MOBILESYNC, "phones", judge_phone},
    {VERDICT_SOAP, "Managed API", judge_soap},
    {VERDICT_JSON_QUERY, "Outlook 2019 and later", judge_json},
    {VERDICT_JSON_PATH, "Outlook on phones", judge_json},
    {VERDICT_AUTOCONFIG, "Thunderbird, autoconfig.", judge_autoconfig},
    {VERDICT_WELL_KNOWN, "Thunderbird, .well-known", judge_autoconfig},
    {VERDICT_PROFILE, "Apple", judge_profile},
    {VERDICT_REDIRECT, "Outlook by HTTP", judge_redirect},
};

const char *verdict_question_name(verdict_question_e question)
{
    static const char *const names[VERDICT_QUESTIONS] = {
        "pox",        "mobilesync", "soap",    "json",    "json-path",
        "autoconfig", "well-known", "profile", "redirect"};

    return names[question];
}

const char *verdict_name(verdict_e verdict)
{
    static const char *const names[] = {"finds", "not offered", "fails"};

    return names[verdict];
}

apr_array_header_t *verdict_all(verdict_question_e question,
                                const verdict_reply_t *reply, apr_pool_t *pool)
{
    apr_array_header_t *all = apr_array_make(pool, 4, sizeof(verdict_t));
    view_t view = {reply, NULL, pool};
    const char *why;
    xmlDocPtr doc;
    apr_size_t i;

    if (!reply->why && xml_parse(&doc, reply->bytes, reply->len, &limits, &why,
                                 pool) == APR_SUCCESS) {
        view.root = xmlDocGetRootElement(doc);
    }
    for (i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
        if (clients[i].question == question) {
            verdict_t verdict =
                reply->why ? fails(reply->why) : clients[i].judge(&view);

            verdict.client = clients[i].client;
            APR_ARRAY_PUSH(all, verdict_t) = verdict;
        }
    }
    return all;
}
