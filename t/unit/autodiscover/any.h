/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ANY_H
#define POSTERN_ANY_H

/* Random mailboxes, settings and questions for the property test of the
 * printers, and what all printers make of them.  Included once. */

#include "mod_autodiscover/autoconfig.h"
#include "mod_autodiscover/json.h"
#include "mod_autodiscover/mobileconfig.h"
#include "mod_autodiscover/mobilesync.h"
#include "mod_autodiscover/pox.h"
#include "mod_autodiscover/soap.h"

#include <apr_strings.h>

/* --- chance --- */

/* Below `of`; xorshift, so that a seed means the same everywhere. */
static unsigned int chance(unsigned int *state, unsigned int of)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % of;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Not given, None, or one of `values`. */
static const char *any_of(unsigned int *state, const char *const *values,
                          unsigned int count)
{
    unsigned int n = chance(state, count + 2);

    return n == 0 ? NULL : n == 1 ? "" : values[n - 2];
}
#define ANY(state, values) any_of(state, values, COUNT(values))

/* --- a mailbox --- */

static const discover_mailbox_t any_mailboxes[] = {
    {"alice", "a+b%41@example.test", "a+b%41", "example.test", "A <&> B",
     "11111111-2222-3333-4444-555555555555", NULL, "store1.test"},
    {"o'neil", "o'neil@deep.example.test", "o'neil", "deep.example.test",
     "\"O'Neil\", \xff\x01 \xef\xbf\xbf",
     "11111111-2222-3333-4444-555555555556", "/o=Old & Co/ou=\"x\"/cn=o'neil",
     NULL},
    {"zo\xc3\xab",
     "zo\xc3\xab@b\xc3\xbc"
     "cher.test",
     "zo\xc3\xab",
     "b\xc3\xbc"
     "cher.test",
     "Zo\xc3\xab \xf0\x9f\x93\xac", "11111111-2222-3333-4444-555555555557",
     "/o=A/cn=Z", "store-2.test"},
    {"x", "x@y.test", "x", "y.test", "]]><!--",
     "11111111-2222-3333-4444-555555555558", NULL, NULL},
};

/* --- settings --- */

static const char *const any_urls[] = {
    "https://a.test/x", "https://b.test:8443/",
    "https://%{domain}/%{mail}?a=1&b=2", "https://c.test/%{guid}/%{user}",
    "https://%{host}/"};
static const char *const any_hosts[] = {"a.test", "imap.%{domain}", "%{host}",
                                        "%{user}.b.test", "192.0.2.1"};
static const char *const any_names[] = {"%{local}", "EXAMPLE\\%{user}", "a&b<c",
                                        "%{mail}"};
static const char *const any_packages[] = {"Basic", "Ntlm", "Negotiate"};
static const char *const any_addresses[] = {"folders@%{domain}", "p&q@x.test"};
static const char *const any_mapi[] = {"https://m.test/mapi",
                                       "https://%{domain}:444/mapi"};

static const discover_mail_server_t *any_server(unsigned int *state,
                                                apr_pool_t *pool)
{
    discover_mail_server_t *server = apr_pcalloc(pool, sizeof(*server));

    server->host = ANY(state, any_hosts);
    server->port = 1 + (int)chance(state, 65535);
    server->security = (discover_security_e)chance(state, 3);
    return server->host ? server : NULL;
}

static discover_settings_t any_settings(unsigned int *state, apr_pool_t *pool)
{
    discover_settings_t s;

    discover_settings_init(&s);
    s.server_name = chance(state, 4) ? "mail.%{domain}" : NULL;
    s.pox_url = ANY(state, any_urls);
    s.ews_url = ANY(state, any_urls);
    s.as_url = ANY(state, any_urls);
    s.oof_url = ANY(state, any_urls);
    s.oab_url = ANY(state, any_urls);
    s.eas_url = ANY(state, any_urls);
    s.ecp_url = ANY(state, any_urls);
    s.owa_url = ANY(state, any_urls);
    s.mapi_url = ANY(state, any_mapi);
    s.caldav_url = ANY(state, any_urls);
    s.carddav_url = ANY(state, any_urls);
    s.exchange_server = ANY(state, any_hosts);
    s.exchange_auth = ANY(state, any_packages);
    s.rpc_host = ANY(state, any_hosts);
    s.rpc_auth = chance(state, 2) ? any_packages[chance(state, 3)] : NULL;
    s.rpc_ssl = (int)chance(state, 3) - 1;
    s.login_name = chance(state, 2) ? any_names[chance(state, 4)] : NULL;
    s.display_name = chance(state, 2) ? any_names[chance(state, 4)] : NULL;
    s.public_folders = ANY(state, any_addresses);
    s.ttl = (int)chance(state, 4) - 1;
    s.imap = any_server(state, pool);
    s.pop3 = any_server(state, pool);
    s.smtp = any_server(state, pool);
    return s;
}

static const apr_array_header_t *any_alternatives(unsigned int *state,
                                                  apr_pool_t *pool)
{
    static const discover_alternative_t all[] = {
        {"Archive", "old@x.test", "Old \xff & more", "x@y.test"},
        {"Delegate", "sales@x.test", "Sales", "sales@x.test"},
        {"TeamMailbox", "team+1@x.test", "<Team>", "team+1@x.test"},
    };
    apr_array_header_t *list = apr_array_make(pool, 3, sizeof(all[0]));
    unsigned int n = chance(state, COUNT(all) + 1), i;

    for (i = 0; i < n; i++) {
        APR_ARRAY_PUSH(list, discover_alternative_t) = all[i];
    }
    return list;
}

/* --- answers, as bytes --- */

/* NULL where the server would not answer: nothing of that kind is configured. */
typedef struct any_outputs_t {
    const char *pox, *mobilesync, *soap, *soap12, *autoconfig, *mobileconfig;
    const char *json[4]; /* one for each of any_protocols */
    int failed;          /* a printer could not print */
} any_outputs_t;

static const char *const any_protocols[] = {"AutodiscoverV1", "Ews",
                                            "ActiveSync", "\"nonsense\\"};

static const char *bytes_of(apr_status_t rv, const char *const *bytes,
                            any_outputs_t *o)
{
    o->failed |= rv != APR_SUCCESS;
    return rv == APR_SUCCESS ? *bytes : NULL;
}

static const char *any_soap(const discover_answer_t *a, int is_soap12,
                            any_outputs_t *o, apr_pool_t *pool)
{
    static const char *const names[] = {"ExternalEwsUrl",
                                        "InternalEwsUrl",
                                        "ExternalMailboxServer",
                                        "InternalMailboxServer",
                                        "ExternalImap4Connections",
                                        "ExternalPop3Connections",
                                        "ExternalSmtpConnections",
                                        "ExternalOABUrl",
                                        "ExternalEcpUrl",
                                        "ExternalWebClientUrls",
                                        "AlternateMailboxes",
                                        "PublicFolderInformation",
                                        "MailboxDN",
                                        "NoSuchSetting"};
    discover_soap_question_t q = {.operation = DISCOVER_GET_USER_SETTINGS,
                                  .is_soap12 = is_soap12};
    discover_soap_result_t result = {.error = DISCOVER_OK, .answer = *a};
    const char *bytes = NULL;
    apr_size_t len = 0, i;

    q.subjects = apr_array_make(pool, 1, sizeof(const char *));
    q.settings = apr_array_make(pool, 8, sizeof(const char *));
    APR_ARRAY_PUSH(q.subjects, const char *) = a->mailbox.mail;
    for (i = 0; i < COUNT(names); i++) {
        APR_ARRAY_PUSH(q.settings, const char *) = names[i];
    }
    return bytes_of(
        discover_soap_print(&q, &result, &a->version, &bytes, &len, pool),
        &bytes, o);
}

static any_outputs_t any_outputs(const discover_answer_t *a,
                                 const discover_question_t *question,
                                 apr_pool_t *pool)
{
    any_outputs_t o = {0};
    const char *bytes = NULL;
    apr_size_t len = 0, i;

    o.pox = bytes_of(discover_pox_print(a, question, &bytes, &len, pool),
                     &bytes, &o);
    if (a->eas_url) {
        o.mobilesync = bytes_of(
            discover_mobilesync_print(a, &bytes, &len, pool), &bytes, &o);
    }
    if (discover_autoconfig_is_complete(a)) {
        o.autoconfig = bytes_of(
            discover_autoconfig_print(a, &bytes, &len, pool), &bytes, &o);
    }
    if (discover_mobileconfig_is_complete(a)) {
        o.mobileconfig = bytes_of(
            discover_mobileconfig_print(a, &bytes, &len, pool), &bytes, &o);
    }
    o.soap = any_soap(a, 0, &o, pool);
    o.soap12 = any_soap(a, 1, &o, pool);
    for (i = 0; i < COUNT(any_protocols); i++) {
        discover_json_print(a, any_protocols[i], &o.json[i], pool);
    }
    return o;
}

#endif
