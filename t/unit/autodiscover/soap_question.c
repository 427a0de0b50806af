/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/soap_question.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#define ENVELOPE(ns, body)                                                     \
    "<s:Envelope xmlns:s='" ns "'><s:Header/><s:Body>" body                    \
    "</s:Body></s:Envelope>"
#define SOAP(body) ENVELOPE(DISCOVER_NS_SOAP11, body)
#define MESSAGE(name, inside)                                                  \
    "<" name "RequestMessage xmlns='" DISCOVER_NS_SOAP "'><Request>" inside    \
    "</Request></" name "RequestMessage>"
#define USER(name) "<User><Mailbox>" name "</Mailbox></User>"
#define WANTED                                                                 \
    "<RequestedSettings><Setting>UserDN</Setting>"                             \
    "<Setting> CasVersion </Setting></RequestedSettings>"

/* clang-format off */
static const struct {
    const char *name, *text;
    apr_status_t expected;
    int is_soap12, operation, subjects, settings;
    const char *first;
} rows[] = {
    {"users", SOAP(MESSAGE("GetUserSettings", "<Users>" USER(" a@b.test ") USER("c") "</Users>" WANTED)),
     APR_SUCCESS, 0, DISCOVER_GET_USER_SETTINGS, 2, 2, "a@b.test"},
    {"SOAP 1.2", ENVELOPE(DISCOVER_NS_SOAP12, MESSAGE("GetUserSettings", "<Users>" USER("a@b.test") "</Users>" WANTED)),
     APR_SUCCESS, 1, DISCOVER_GET_USER_SETTINGS, 1, 2, "a@b.test"},
    {"domains", SOAP(MESSAGE("GetDomainSettings", "<Domains><Domain>b.test</Domain></Domains>" WANTED)),
     APR_SUCCESS, 0, DISCOVER_GET_DOMAIN_SETTINGS, 1, 2, "b.test"},
    {"other elements are passed over", SOAP(MESSAGE("GetUserSettings",
     "<x xmlns='urn:x'/><Users><User xmlns='urn:x'/>" USER("a@b.test") "</Users>" WANTED)),
     APR_SUCCESS, 0, DISCOVER_GET_USER_SETTINGS, 1, 2, "a@b.test"},
    {"a user without mailbox", SOAP(MESSAGE("GetUserSettings", "<Users><User/></Users>" WANTED)),
     APR_SUCCESS, 0, DISCOVER_GET_USER_SETTINGS, 1, 2, ""},
    {"no users", SOAP(MESSAGE("GetUserSettings", WANTED)),
     APR_EGENERAL, 0, DISCOVER_GET_USER_SETTINGS, 0, 2, NULL},
    {"no settings", SOAP(MESSAGE("GetUserSettings", "<Users>" USER("a@b.test") "</Users>")),
     APR_EGENERAL, 0, DISCOVER_GET_USER_SETTINGS, 1, 0, "a@b.test"},
    {"no request", SOAP("<GetUserSettingsRequestMessage xmlns='" DISCOVER_NS_SOAP "'/>"),
     APR_EGENERAL, 0, DISCOVER_GET_USER_SETTINGS, 0, 0, NULL},
    {"another operation", SOAP(MESSAGE("GetFederationInformation", "")),
     APR_ENOTIMPL, 0, DISCOVER_OPERATION_UNKNOWN, -1, -1, NULL},
    {"another operation in SOAP 1.2", ENVELOPE(DISCOVER_NS_SOAP12, "<x/>"),
     APR_ENOTIMPL, 1, DISCOVER_OPERATION_UNKNOWN, -1, -1, NULL},
    {"operation of another name space", SOAP("<GetUserSettingsRequestMessage/>"),
     APR_ENOTIMPL, 0, DISCOVER_OPERATION_UNKNOWN, -1, -1, NULL},
    {"empty body", SOAP(""), APR_EINVAL, 0, 0, -1, -1, NULL},
    {"no SOAP", ENVELOPE("urn:x", "<x/>"), APR_EINVAL, 0, 0, -1, -1, NULL},
    {"no XML", "x", APR_EINVAL, 0, 0, -1, -1, NULL},
    {"nothing", "", APR_EINVAL, 0, 0, -1, -1, NULL},
    {"DOCTYPE", "<!DOCTYPE x>" SOAP(MESSAGE("GetUserSettings", "<Users>" USER("a") "</Users>" WANTED)),
     APR_EINVAL, 0, 0, -1, -1, NULL},
};
/* clang-format on */

static int count(const apr_array_header_t *texts)
{
    return texts ? texts->nelts : -1;
}

static void test_rows(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        discover_soap_question_t q;
        const char *why = NULL;
        apr_status_t rv = discover_soap_question_parse(
            &q, rows[i].text, strlen(rows[i].text), &why, pool);

        is_int(rv, rows[i].expected, rows[i].name);
        ok(rv == APR_SUCCESS || (why && *why), "%s: says why (%s)",
           rows[i].name, why ? why : "nothing to say");
        ok(q.is_soap12 == rows[i].is_soap12 &&
               (int)q.operation == rows[i].operation,
           "%s: version and operation", rows[i].name);
        ok(count(q.subjects) == rows[i].subjects &&
               count(q.settings) == rows[i].settings,
           "%s: %d subjects, %d settings", rows[i].name, count(q.subjects),
           count(q.settings));
        if (rows[i].first) {
            is_str(APR_ARRAY_IDX(q.subjects, 0, const char *), rows[i].first,
                   rows[i].name);
        }
    }
}

static void test_many(apr_pool_t *pool)
{
    const char *users = "", *text;
    discover_soap_question_t q;
    const char *why = NULL;
    int i;

    for (i = 0; i <= DISCOVER_SOAP_SUBJECTS_MAX; i++) {
        text = apr_pstrcat(pool,
                           "<s:Envelope xmlns:s='" DISCOVER_NS_SOAP11
                           "'><s:Body><GetUserSettingsRequestMessage "
                           "xmlns='" DISCOVER_NS_SOAP "'><Request><Users>",
                           users, USER("a@b.test"),
                           "</Users>" WANTED "</Request>"
                           "</GetUserSettingsRequestMessage></s:Body>"
                           "</s:Envelope>",
                           NULL);
        users = apr_pstrcat(pool, users, USER("a@b.test"), NULL);
        if (i == DISCOVER_SOAP_SUBJECTS_MAX - 1) {
            is_int(discover_soap_question_parse(&q, text, strlen(text), &why,
                                                pool),
                   APR_SUCCESS, "as many as are allowed");
        }
    }
    is_int(discover_soap_question_parse(&q, text, strlen(text), &why, pool),
           APR_EGENERAL, "one more");
}

static void test_truncation(apr_pool_t *pool)
{
    size_t len, good = 0;

    for (len = 0; len < strlen(rows[0].text); len++) {
        discover_soap_question_t q;
        const char *why = NULL;

        good += discover_soap_question_parse(&q, rows[0].text, len, &why,
                                             pool) == APR_EINVAL &&
                why != NULL;
    }
    is_int((long long)good, (long long)strlen(rows[0].text),
           "cut off at every byte");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_many(pool);
    test_truncation(pool);
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
