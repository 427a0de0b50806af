/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/soap.h"
#include "mod_autodiscover/soap_settings.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const discover_version_t version = {15, 1, 2176, 7};

static int has(const char *text, const char *part)
{
    return text && strstr(text, part) != NULL;
}

static discover_soap_question_t asking(discover_operation_e operation,
                                       const char *subject, const char *setting,
                                       const char *more, apr_pool_t *pool)
{
    discover_soap_question_t q = {.operation = operation};

    q.subjects = apr_array_make(pool, 1, sizeof(const char *));
    q.settings = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(q.subjects, const char *) = subject;
    APR_ARRAY_PUSH(q.settings, const char *) = setting;
    APR_ARRAY_PUSH(q.settings, const char *) = more;
    return q;
}

static discover_soap_result_t found(void)
{
    discover_soap_result_t result = {
        .error = DISCOVER_OK,
        .answer = {.mailbox = {.mail = "alice@example.test",
                               .display_name = "A & B",
                               .legacy_dn = "/o=A/cn=alice"},
                   .ews_url = "https://h/ews",
                   .version = version,
                   .imap = {"imap", 143, DISCOVER_SECURITY_STARTTLS}},
    };

    return result;
}

static const char *printed(const discover_soap_question_t *q,
                           const discover_soap_result_t *results,
                           apr_pool_t *pool)
{
    const char *bytes;
    apr_size_t len;

    return discover_soap_print(q, results, &version, &bytes, &len, pool) ==
                   APR_SUCCESS
               ? apr_pstrmemdup(pool, bytes, len)
               : NULL;
}

static void test_users(apr_pool_t *pool)
{
    discover_soap_question_t q =
        asking(DISCOVER_GET_USER_SETTINGS, "alice@example.test",
               "UserDisplayName", "NoSuchSetting", pool);
    discover_soap_result_t result = found();

    is_str(
        printed(&q, &result, pool),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
        "xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header>"
        "<a:Action s:mustUnderstand=\"1\">http://schemas.microsoft.com/"
        "exchange/2010/Autodiscover/Autodiscover/GetUserSettingsResponse"
        "</a:Action><h:ServerVersionInfo xmlns:h=\"" DISCOVER_NS_SOAP "\">"
        "<h:MajorVersion>15</h:MajorVersion><h:MinorVersion>1</h:MinorVersion>"
        "<h:MajorBuildNumber>2176</h:MajorBuildNumber>"
        "<h:MinorBuildNumber>7</h:MinorBuildNumber>"
        "<h:Version>Exchange2016</h:Version></h:ServerVersionInfo></s:Header>"
        "<s:Body><GetUserSettingsResponseMessage xmlns=\"" DISCOVER_NS_SOAP
        "\"><Response xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\">"
        "<ErrorCode>NoError</ErrorCode><ErrorMessage></ErrorMessage>"
        "<UserResponses><UserResponse><ErrorCode>NoError</ErrorCode>"
        "<ErrorMessage>No error.</ErrorMessage>"
        "<RedirectTarget i:nil=\"true\"/><UserSettingErrors>"
        "<UserSettingError><ErrorCode>InvalidSetting</ErrorCode>"
        "<ErrorMessage>The setting is not known.</ErrorMessage>"
        "<SettingName>NoSuchSetting</SettingName></UserSettingError>"
        "</UserSettingErrors><UserSettings>"
        "<UserSetting i:type=\"StringSetting\"><Name>UserDisplayName</Name>"
        "<Value>A &amp; B</Value></UserSetting></UserSettings></UserResponse>"
        "</UserResponses></Response></GetUserSettingsResponseMessage></s:Body>"
        "</s:Envelope>\n",
        "a user with one setting and one that is not known");
}

static void test_domains(apr_pool_t *pool)
{
    discover_soap_question_t q =
        asking(DISCOVER_GET_DOMAIN_SETTINGS, "example.test", "ExternalEwsUrl",
               "UserDisplayName", pool);
    discover_soap_result_t result = found();
    const char *text = printed(&q, &result, pool);

    ok(has(text, "<DomainSetting i:type=\"DomainStringSetting\">"
                 "<Name>ExternalEwsUrl</Name>"
                 "<Value>https://h/ews</Value></DomainSetting>"),
       "a domain's setting");
    ok(has(text, "<SettingName>UserDisplayName</SettingName>"),
       "but none of a user's");
}

static const struct {
    discover_error_e error;
    discover_operation_e operation;
    const char *expected;
} failures[] = {
    {500, DISCOVER_GET_USER_SETTINGS, "InvalidUser"},
    {501, DISCOVER_GET_USER_SETTINGS, "InvalidUser"},
    {602, DISCOVER_GET_USER_SETTINGS, "InternalServerError"},
    {603, DISCOVER_GET_USER_SETTINGS, "ServerBusy"},
    {500, DISCOVER_GET_DOMAIN_SETTINGS, "InvalidDomain"},
};

static void test_failures(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        discover_soap_question_t q = asking(failures[i].operation, "x",
                                            "ExternalEwsUrl", "UserDN", pool);
        discover_soap_result_t result = {.error = failures[i].error};
        const char *text = printed(&q, &result, pool);

        ok(has(text, failures[i].expected) && !has(text, "<Value>") &&
               !has(text, "SettingName"),
           "%d is %s", failures[i].error, failures[i].expected);
    }
}

static void test_refusals(apr_pool_t *pool)
{
    discover_soap_question_t q = {.operation = DISCOVER_GET_USER_SETTINGS};
    const char *bytes;
    apr_size_t len;

    discover_soap_refuse(&q, &version, "because <", &bytes, &len, pool);
    ok(has(bytes, "<ErrorCode>InvalidRequest</ErrorCode>"
                  "<ErrorMessage>because &lt;</ErrorMessage>"),
       "a refusal");
    discover_soap_fault(0, "why", &bytes, &len, pool);
    ok(has(bytes, "<s:Fault><faultcode>s:Client</faultcode>"
                  "<faultstring>why</faultstring></s:Fault>"),
       "a fault of SOAP 1.1");
    discover_soap_fault(1, "why", &bytes, &len, pool);
    ok(has(bytes, "<s:Envelope xmlns:s=\"" DISCOVER_NS_SOAP12 "\"") &&
           has(bytes, "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>"
                      "<s:Reason><s:Text xml:lang=\"en\">why</s:Text>"
                      "</s:Reason></s:Fault>"),
       "a fault of SOAP 1.2");
    is_str(discover_soap_type(0), "text/xml; charset=utf-8", "its type");
    is_str(discover_soap_type(1), "application/soap+xml; charset=utf-8",
           "its type");
}

static const struct {
    const char *name;
    discover_setting_e expected;
} looks[] = {
    {"UserDN", DISCOVER_SETTING_OK},
    {"MailboxDN", DISCOVER_SETTING_OK},
    {"EwsSupportedSchemas", DISCOVER_SETTING_OK},
    {"ExternalImap4Connections", DISCOVER_SETTING_OK},
    {"ExternalSmtpConnections", DISCOVER_SETTING_NOT_AVAILABLE},
    {"ExternalOABUrl", DISCOVER_SETTING_NOT_AVAILABLE},
    {"ExternalMailboxServerRequiresSSL", DISCOVER_SETTING_NOT_AVAILABLE},
    {"ExternalWebClientUrls", DISCOVER_SETTING_NOT_AVAILABLE},
    {"AlternateMailboxes", DISCOVER_SETTING_NOT_AVAILABLE},
    {"userdn", DISCOVER_SETTING_UNKNOWN},
    {"", DISCOVER_SETTING_UNKNOWN},
};

static void test_settings(apr_pool_t *pool)
{
    discover_soap_result_t result = found();
    discover_soap_question_t q =
        asking(DISCOVER_GET_USER_SETTINGS, "x", "ExternalImap4Connections",
               "EwsSupportedSchemas", pool);
    const char *text = printed(&q, &result, pool);
    size_t i;

    for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        is_int(
            discover_soap_settings_look(&result.answer, looks[i].name, 0, pool),
            looks[i].expected, looks[i].name);
    }
    ok(has(text, "<UserSetting i:type=\"ProtocolConnectionCollection"
                 "Setting\"><Name>ExternalImap4Connections</Name>"
                 "<ProtocolConnections><ProtocolConnection>"
                 "<EncryptionMethod>TLS</EncryptionMethod>"
                 "<Hostname>imap</Hostname><Port>143</Port>"
                 "</ProtocolConnection></ProtocolConnections>"),
       "a connection");
    ok(has(text, "<Value>Exchange2007, Exchange2007_SP1, "
                 "Exchange2010, Exchange2010_SP1, "
                 "Exchange2010_SP2, Exchange2013, "
                 "Exchange2013_SP1, Exchange2016</Value>"),
       "all schemas up to the version");
}

static void test_lists(apr_pool_t *pool)
{
    static discover_alternative_t one = {"Delegate", "b@b.test", "B & C",
                                         "b@b.test"};
    apr_array_header_t list = {pool, sizeof(one), 1, 1, (char *)&one};
    discover_soap_result_t result = found();
    discover_soap_question_t q =
        asking(DISCOVER_GET_USER_SETTINGS, "x", "AlternateMailboxes",
               "ExternalWebClientUrls", pool);
    const char *text;

    result.answer.alternatives = &list;
    result.answer.owa_url = "https://h/owa";
    text = printed(&q, &result, pool);
    ok(has(text, "<UserSetting i:type=\"AlternateMailboxCollectionSetting\">"
                 "<Name>AlternateMailboxes</Name><AlternateMailboxes>"
                 "<AlternateMailbox><Type>Delegate</Type>"
                 "<DisplayName>B &amp; C</DisplayName>"
                 "<SmtpAddress>b@b.test</SmtpAddress>"
                 "<OwnerSmtpAddress>b@b.test</OwnerSmtpAddress>"
                 "</AlternateMailbox></AlternateMailboxes></UserSetting>"),
       "further mailboxes");
    ok(has(text, "<UserSetting i:type=\"WebClientUrlCollectionSetting\">"
                 "<Name>ExternalWebClientUrls</Name><WebClientUrls>"
                 "<WebClientUrl><AuthenticationMethods>Basic, Fba"
                 "</AuthenticationMethods><Url>https://h/owa</Url>"
                 "</WebClientUrl></WebClientUrls></UserSetting>"),
       "mail on the web");
}

static void test_schemas(void)
{
    static const struct {
        discover_version_t version;
        const char *expected;
    } versions[] = {
        {{0, 0, 0, 0}, "Exchange2007"},
        {{8, 0, 685, 25}, "Exchange2007"},
        {{8, 1, 0, 0}, "Exchange2007_SP1"},
        {{14, 3, 1, 0}, "Exchange2010_SP2"},
        {{15, 0, 846, 0}, "Exchange2013"},
        {{15, 0, 847, 0}, "Exchange2013_SP1"},
        {{15, 2, 1, 0}, "Exchange2016"},
    };
    size_t i;

    for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        is_str(discover_soap_settings_schema(&versions[i].version),
               versions[i].expected, versions[i].expected);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    test_users(pool);
    test_domains(pool);
    test_failures(pool);
    test_refusals(pool);
    test_settings(pool);
    test_lists(pool);
    test_schemas();
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
