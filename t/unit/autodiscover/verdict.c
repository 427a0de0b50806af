/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/verdict.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>

#define POX(inner)                                                             \
    "<?xml version=\"1.0\"?><Autodiscover><Response><Account>" inner           \
    "</Account></Response></Autodiscover>"
#define PROTOCOL(type, inner)                                                  \
    "<Protocol><Type>" type "</Type>" inner "</Protocol>"
#define ERROR(code)                                                            \
    "<?xml version=\"1.0\"?><Autodiscover><Response><Error><ErrorCode>" code   \
    "</ErrorCode><Message>no</Message></Error></Response></Autodiscover>"
#define SOAP(code, settings)                                                   \
    "<E><H><ServerVersionInfo/></H><B><UserResponse><ErrorCode>" code          \
    "</ErrorCode><RedirectTarget>x@y.test</"                                   \
    "RedirectTarget><UserSettings>" settings                                   \
    "</UserSettings></UserResponse></B></E>"
#define CONFIG(inner)                                                          \
    "<clientConfig><emailProvider>" inner "</emailProvider></clientConfig>"
#define SERVERS                                                                \
    "<incomingServer><hostname>i</hostname><port>993</port></incomingServer>"  \
    "<outgoingServer><hostname>s</hostname><port>465</port></outgoingServer>"

static const char expr[] = POX(PROTOCOL("EXPR", "<Server>p.test</Server>"
                                                "<EwsUrl>https://e</EwsUrl>"));

/* clang-format off */
static const struct {
    const char *name;
    verdict_question_e question;
    int client; /* which of those that ask it */
    verdict_reply_t reply;
    verdict_e verdict;
    const char *says; /* NULL: any */
} rows[] = {
    {"EXPR", VERDICT_POX, 0, {.status = 200, .bytes = expr}, VERDICT_FINDS, "RPC over HTTP through p.test"},
    {"EXPR and EXCH", VERDICT_POX, 0, {.status = 200, .bytes = POX(PROTOCOL("EXCH", "<Server>x</Server>")
        PROTOCOL("EXPR", "<Server>p</Server>"))}, VERDICT_FINDS, "RPC over HTTP through p, mailbox on x"},
    {"EXCH alone", VERDICT_POX, 0, {.status = 200, .bytes = POX(PROTOCOL("EXCH", "<Server>x</Server>"))},
        VERDICT_FINDS, "RPC to x"},
    {"further mailboxes", VERDICT_POX, 0, {.status = 200, .bytes = POX(PROTOCOL("EXPR", "<Server>p</Server>")
        "<AlternativeMailbox><Type>Delegate</Type><SmtpAddress>b@x.test</SmtpAddress></AlternativeMailbox>"
        "<AlternativeMailbox><SmtpAddress>c@x.test</SmtpAddress></AlternativeMailbox><AlternativeMailbox/>")},
        VERDICT_FINDS, "RPC over HTTP through p; opens also b@x.test, c@x.test"},
    {"MAPI over HTTP", VERDICT_POX, 0, {.status = 200, .bytes = POX("<Protocol Type=\"mapiHttp\"><MailStore>"
        "<ExternalUrl>https://m</ExternalUrl></MailStore></Protocol>")}, VERDICT_FINDS, "MAPI over HTTP at https://m"},
    {"IMAP alone", VERDICT_POX, 0, {.status = 200, .bytes = POX(PROTOCOL("IMAP", "<Server>i</Server>"))},
        VERDICT_NOT_OFFERED, NULL},
    {"a protocol inside WEB does not count", VERDICT_POX, 0, {.status = 200, .bytes = POX(PROTOCOL("WEB",
        "<Internal>" PROTOCOL("EXCH", "<Server>x</Server>") "</Internal>"))}, VERDICT_NOT_OFFERED, NULL},
    {"an error", VERDICT_POX, 0, {.status = 200, .bytes = ERROR("500")}, VERDICT_FAILS, "error 500: no"},
    {"a redirection", VERDICT_POX, 0, {.status = 200, .bytes = POX("<RedirectAddr>a@b.test</RedirectAddr>")},
        VERDICT_FINDS, "goes on to a@b.test"},
    {"status 401", VERDICT_POX, 0, {.status = 401, .bytes = ""}, VERDICT_FAILS, NULL},
    {"HTML", VERDICT_POX, 0, {.status = 200, .bytes = "<html><p>"}, VERDICT_FAILS, "the answer is no XML document"},
    {"no declaration", VERDICT_POX, 0, {.status = 200, .bytes = "<Autodiscover/>"}, VERDICT_FAILS, NULL},
    {"no ASUrl", VERDICT_POX, 1, {.status = 200, .bytes = expr}, VERDICT_NOT_OFFERED, NULL},
    {"EwsUrl", VERDICT_POX, 2, {.status = 200, .bytes = expr}, VERDICT_FINDS, "EwsUrl https://e"},
    {"EXPR is not for Thunderbird", VERDICT_POX, 3, {.status = 200, .bytes = expr}, VERDICT_NOT_OFFERED, NULL},
    {"IMAP and SMTP", VERDICT_POX, 3, {.status = 200, .bytes = POX(PROTOCOL("IMAP", "<Server>i</Server>")
        PROTOCOL("SMTP", "<Server>s</Server>"))}, VERDICT_FINDS, "mail from i, by s"},
    {"ActiveSync", VERDICT_MOBILESYNC, 0, {.status = 200, .bytes = "<?xml version=\"1.0\"?><A><Server>"
        "<Url>https://p</Url></Server></A>"}, VERDICT_FINDS, "ActiveSync at https://p"},
    {"no ActiveSync", VERDICT_MOBILESYNC, 0, {.status = 200, .bytes = ERROR("601")}, VERDICT_NOT_OFFERED, NULL},
    {"SOAP", VERDICT_SOAP, 0, {.status = 200, .announces_soap = "True", .bytes = SOAP("NoError",
        "<UserSetting><Name>ExternalEwsUrl</Name><Value>https://e</Value></UserSetting>")},
        VERDICT_FINDS, "ExternalEwsUrl https://e"},
    {"SOAP that is not announced", VERDICT_SOAP, 0, {.status = 200, .bytes = SOAP("NoError", "")}, VERDICT_FAILS, NULL},
    {"SOAP without URL", VERDICT_SOAP, 0, {.status = 200, .announces_soap = "True", .bytes = SOAP("NoError", "")},
        VERDICT_NOT_OFFERED, NULL},
    {"SOAP redirection", VERDICT_SOAP, 0, {.status = 200, .announces_soap = "True", .bytes = SOAP("RedirectAddress", "")},
        VERDICT_FINDS, "goes on to x@y.test"},
    {"SOAP error", VERDICT_SOAP, 0, {.status = 200, .announces_soap = "True", .bytes = SOAP("InvalidUser", "")},
        VERDICT_FAILS, "ErrorCode InvalidUser"},
    {"SOAP without version", VERDICT_SOAP, 0, {.status = 200, .announces_soap = "True",
        .bytes = "<E><UserResponse><ErrorCode>NoError</ErrorCode></UserResponse></E>"}, VERDICT_FAILS, NULL},
    {"JSON", VERDICT_JSON_QUERY, 0, {.status = 200, .bytes = "{\"Protocol\":\"Ews\",\"Url\" : \"https:\\/\\/e?a\\u0026b\"}"},
        VERDICT_FINDS, "asks at https://e?a&b"},
    {"JSON protocol not offered", VERDICT_JSON_PATH, 0, {.status = 400, .bytes = "{\"ErrorCode\":\"InvalidProtocol\"}"},
        VERDICT_NOT_OFFERED, NULL},
    {"JSON behind a login", VERDICT_JSON_PATH, 0, {.status = 401, .bytes = ""}, VERDICT_FAILS, NULL},
    {"JSON cut off", VERDICT_JSON_PATH, 0, {.status = 200, .bytes = "{\"Url\":\"https:"}, VERDICT_FAILS, NULL},
    {"JSON ends in an escape", VERDICT_JSON_PATH, 0, {.status = 200, .bytes = "{\"Url\":\"a\\"}, VERDICT_FAILS, NULL},
    {"JSON with a short escape", VERDICT_JSON_PATH, 0, {.status = 200, .bytes = "{\"Url\":\"a\\u0\"}"}, VERDICT_FAILS, NULL},
    {"JSON with a name twice", VERDICT_JSON_PATH, 0, {.status = 200, .bytes = "{\"Url\":\"https://a\",\"Url\":\"https://b\"}"}, VERDICT_FAILS, NULL},
    {"JSON and more", VERDICT_JSON_PATH, 0, {.status = 200, .bytes = "{\"Url\":\"https://a\"} x"}, VERDICT_FAILS, NULL},
    {"JSON that is no object", VERDICT_JSON_PATH, 0, {.status = 200, .bytes = "[\"Url\",\"https://a\"]"}, VERDICT_FAILS, NULL},
    {"a Url that is no text", VERDICT_JSON_PATH, 0, {.status = 200, .bytes = "{\"Url\":1}"}, VERDICT_FAILS, NULL},
    {"a name inside another text", VERDICT_JSON_PATH, 0, {.status = 200, .bytes = "{\"x\":\"\\\"Url\\\":\\\"https://a\\\"\"}"}, VERDICT_FAILS, NULL},
    {"autoconfig", VERDICT_AUTOCONFIG, 0, {.status = 200, .bytes = CONFIG("<domain>d</domain>" SERVERS)},
        VERDICT_FINDS, "mail from i:993, by s:465"},
    {"autoconfig without domain", VERDICT_WELL_KNOWN, 0, {.status = 200, .bytes = CONFIG(SERVERS)}, VERDICT_FAILS, NULL},
    {"no autoconfig", VERDICT_WELL_KNOWN, 0, {.status = 404, .bytes = ""}, VERDICT_NOT_OFFERED, NULL},
    {"profile", VERDICT_PROFILE, 0, {.status = 200, .bytes = "<plist><dict><array/></dict></plist>"},
        VERDICT_FINDS, "a profile, not signed"},
    {"signed profile", VERDICT_PROFILE, 0, {.status = 200, .bytes = "\x30\x82"}, VERDICT_FINDS, "a signed profile"},
    {"no profile", VERDICT_PROFILE, 0, {.status = 404, .bytes = ""}, VERDICT_NOT_OFFERED, NULL},
    {"redirect", VERDICT_REDIRECT, 0, {.status = 302, .location = "https://m/", .bytes = ""},
        VERDICT_FINDS, "goes on to https://m/"},
    {"redirect to http", VERDICT_REDIRECT, 0, {.status = 302, .location = "http://m/", .bytes = ""}, VERDICT_FAILS, NULL},
    {"a password by HTTP", VERDICT_REDIRECT, 0, {.status = 401, .login = "Basic", .bytes = ""}, VERDICT_FAILS, NULL},
    {"no answer", VERDICT_PROFILE, 0, {.why = "refused", .bytes = ""}, VERDICT_FAILS, "refused"},
};
/* clang-format on */

int main(void)
{
    apr_pool_t *pool;
    apr_size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    xml_init();
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        verdict_reply_t reply = rows[i].reply;
        apr_array_header_t *all;
        const verdict_t *v;

        reply.len = strlen(reply.bytes);
        all = verdict_all(rows[i].question, &reply, pool);
        v = &APR_ARRAY_IDX(all, rows[i].client, verdict_t);
        ok(v->verdict == rows[i].verdict &&
               (!rows[i].says || strcmp(v->says, rows[i].says) == 0),
           "%s: %s, %s", rows[i].name, verdict_name(v->verdict), v->says);
    }
    for (i = 0; i < VERDICT_QUESTIONS; i++) {
        verdict_reply_t reply = {.status = 200, .bytes = ""};

        ok(verdict_all((verdict_question_e)i, &reply, pool)->nelts > 0,
           "somebody asks %s", verdict_question_name((verdict_question_e)i));
    }
    apr_pool_destroy(pool);
    return done_testing();
}
