/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/pox.h"
#include "mod_autodiscover/response.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const discover_answer_t full = {
    .mailbox = {.user = "alice",
                .mail = "alice@example.test",
                .local = "alice",
                .domain = "example.test",
                .display_name = "Alice <&> \xff",
                .guid = "g",
                .legacy_dn = "/o=A/cn=alice"},
    .organization = "/o=A",
    .deployment_id = "D",
    .ews_url = "https://h/ews?a=1&b=2",
    .as_url = "https://h/as",
    .oof_url = "https://h/oof",
    .oab_url = "https://h/oab/",
    .exchange_server = "exch",
    .exchange_auth = "Ntlm",
    .server_dn = "/o=A/cn=S",
    .mdb_dn = "/o=A/cn=M",
    .version = {15, 1, 2176, 0},
    .rpc_host = "rpc",
    .rpc_auth = "Basic",
    .rpc_ssl = 1,
    .cert_principal = "none",
    .imap = {"imap", 993, DISCOVER_SECURITY_SSL},
    .pop3 = {"pop", 110, DISCOVER_SECURITY_PLAIN},
    .smtp = {"smtp", 587, DISCOVER_SECURITY_STARTTLS},
    .login_name = "alice",
    .caldav_url = "https://h/dav/?a&b",
    .carddav_url = "https://h/card",
    .ttl = 2,
};

static const char expected[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<Autodiscover xmlns=\"" DISCOVER_NS_BASE "\">"
    "<Response xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/"
    "outlook/responseschema/2006a\">"
    "<User><AutoDiscoverSMTPAddress>alice@example.test"
    "</AutoDiscoverSMTPAddress><DisplayName>Alice &lt;&amp;&gt; \xef\xbf\xbd"
    "</DisplayName><LegacyDN>/o=A/cn=alice</LegacyDN>"
    "<DeploymentId>D</DeploymentId></User>"
    "<Account><AccountType>email</AccountType><Action>settings</Action>"
    "<MicrosoftOnline>False</MicrosoftOnline>"
    "<Protocol><Type>EXCH</Type><TTL>2</TTL><Server>exch</Server>"
    "<ServerDN>/o=A/cn=S</ServerDN><ServerVersion>73C18880</ServerVersion>"
    "<MdbDN>/o=A/cn=M</MdbDN><ASUrl>https://h/as</ASUrl>"
    "<EwsUrl>https://h/ews?a=1&amp;b=2</EwsUrl><OOFUrl>https://h/oof</OOFUrl>"
    "<OABUrl>https://h/oab/</OABUrl><AuthPackage>Ntlm</AuthPackage></Protocol>"
    "<Protocol><Type>EXPR</Type><TTL>2</TTL><Server>rpc</Server>"
    "<ASUrl>https://h/as</ASUrl><EwsUrl>https://h/ews?a=1&amp;b=2</EwsUrl>"
    "<OOFUrl>https://h/oof</OOFUrl><OABUrl>https://h/oab/</OABUrl>"
    "<AuthPackage>Basic</AuthPackage>"
    "<CertPrincipalName>none</CertPrincipalName><SSL>On</SSL></Protocol>"
    "<Protocol><Type>IMAP</Type><TTL>2</TTL><Server>imap</Server>"
    "<Port>993</Port><LoginName>alice</LoginName>"
    "<DomainRequired>off</DomainRequired><SPA>off</SPA><SSL>on</SSL>"
    "<Encryption>SSL</Encryption><AuthRequired>on</AuthRequired></Protocol>"
    "<Protocol><Type>POP3</Type><TTL>2</TTL><Server>pop</Server>"
    "<Port>110</Port><LoginName>alice</LoginName>"
    "<DomainRequired>off</DomainRequired><SPA>off</SPA><SSL>off</SSL>"
    "<Encryption>None</Encryption><AuthRequired>on</AuthRequired></Protocol>"
    "<Protocol><Type>SMTP</Type><TTL>2</TTL><Server>smtp</Server>"
    "<Port>587</Port><LoginName>alice</LoginName>"
    "<DomainRequired>off</DomainRequired><SPA>off</SPA><SSL>on</SSL>"
    "<Encryption>TLS</Encryption><AuthRequired>on</AuthRequired>"
    "<UsePOPAuth>off</UsePOPAuth><SMTPLast>off</SMTPLast></Protocol>"
    "<Protocol><Type>CalDAV</Type><TTL>2</TTL>"
    "<Server>https://h/dav/?a&amp;b</Server><LoginName>alice</LoginName>"
    "<DomainRequired>off</DomainRequired><SSL>on</SSL></Protocol>"
    "<Protocol><Type>CardDAV</Type><TTL>2</TTL><Server>https://h/card</Server>"
    "<LoginName>alice</LoginName><DomainRequired>off</DomainRequired>"
    "<SSL>on</SSL></Protocol>"
    "</Account></Response></Autodiscover>\n";

static const char *printed_for(const discover_answer_t *answer,
                               const discover_question_t *question,
                               apr_pool_t *pool)
{
    const char *bytes;
    apr_size_t len;

    return discover_pox_print(answer, question, &bytes, &len, pool) ==
                   APR_SUCCESS
               ? apr_pstrmemdup(pool, bytes, len)
               : NULL;
}

static const char *printed(const discover_answer_t *answer, apr_pool_t *pool)
{
    static const discover_question_t plain = {.schema =
                                                  DISCOVER_SCHEMA_OUTLOOK};

    return printed_for(answer, &plain, pool);
}

static int has(const char *text, const char *part)
{
    return text && strstr(text, part) != NULL;
}

static void test_capabilities(apr_pool_t *pool)
{
    const discover_question_t able = {
        .can_exhttp = 1, .can_negotiate = 1, .can_mapi_http = 1};
    discover_answer_t more = full;
    const char *plain, *text;

    more.rpc_auth = more.exchange_auth = "Negotiate";
    more.mapi_url = "https://h/mapi";
    more.mapi_mailbox_id = "g@example.test";
    more.owa_url = "https://h/owa";
    more.ecp_url = "https://h/ecp";
    plain = printed(&more, pool);
    text = printed_for(&more, &able, pool);
    ok(has(text, "<AuthPackage>Negotiate</AuthPackage>") &&
           !has(text, "Ntlm") &&
           has(plain, "<AuthPackage>Ntlm</AuthPackage>") &&
           !has(plain, "Negotiate"),
       "Negotiate is for clients that know it");
    ok(has(text, "<Protocol><Type>EXHTTP</Type><TTL>2</TTL>"
                 "<Server>rpc</Server><ASUrl>") &&
           !has(plain, "EXHTTP"),
       "so is EXHTTP");
    ok(has(text, "<Protocol Type=\"mapiHttp\" Version=\"1\"><MailStore>"
                 "<InternalUrl>https://h/mapi/emsmdb/?MailboxId=g@example.test"
                 "</InternalUrl><ExternalUrl>https://h/mapi/emsmdb/"
                 "?MailboxId=g@example.test</ExternalUrl></MailStore>"
                 "<AddressBook><InternalUrl>https://h/mapi/nspi/?MailboxId=") &&
           !has(plain, "mapiHttp"),
       "and MAPI over HTTP");
    ok(has(plain,
           "<Protocol><Type>WEB</Type><Internal>"
           "<OWAUrl AuthenticationMethod=\"Basic, Fba\">https://h/owa"
           "</OWAUrl><Protocol><Type>EXCH</Type>"
           "<ASUrl>https://h/as</ASUrl></Protocol></Internal><External>") &&
           has(plain, "<EcpUrl>https://h/ecp</EcpUrl><OOFUrl>"),
       "mail and settings on the web are for all");
    text = printed_for(&full, &able, pool);
    ok(!has(text, "mapiHttp") && !has(text, "WEB") && !has(text, "EcpUrl"),
       "what is not configured is not told");
}

static void test_print(apr_pool_t *pool)
{
    discover_answer_t none = full;
    const char *text;

    is_str(printed(&full, pool), expected, "everything, in order, escaped");
    none.exchange_server = none.rpc_host = NULL;
    none.imap.host = none.pop3.host = none.smtp.host = NULL;
    none.caldav_url = none.carddav_url = NULL;
    none.ttl = -1;
    text = printed(&none, pool);
    ok(text && !strstr(text, "<Protocol>"), "what is not offered is not told");
    none = full;
    none.ttl = -1;
    none.oab_url = none.exchange_auth = NULL;
    text = printed(&none, pool);
    ok(text && !strstr(text, "<TTL") && !strstr(text, "<OABUrl") &&
           !strstr(text, "Ntlm"),
       "nor is an element without value");
}

static void test_alternatives(apr_pool_t *pool)
{
    static discover_alternative_t two[] = {
        {"Archive", "old@b.test", "Old <&>", "alice@example.test"},
        {"Delegate", "sales@b.test", "Sales", "sales@b.test"},
    };
    apr_array_header_t list = {pool, sizeof(two[0]), 0, 2, (char *)two};
    discover_answer_t more = full;

    more.alternatives = &list;
    more.public_folders = "folders@b.test";
    ok(!has(printed(&more, pool), "AlternativeMailbox"), "none");
    list.nelts = 2;
    ok(has(printed(&more, pool),
           "</Protocol><AlternativeMailbox><Type>Archive</Type>"
           "<DisplayName>Old &lt;&amp;&gt;</DisplayName>"
           "<SmtpAddress>old@b.test</SmtpAddress>"
           "<OwnerSmtpAddress>alice@example.test</OwnerSmtpAddress>"
           "</AlternativeMailbox><AlternativeMailbox><Type>Delegate</Type>"
           "<DisplayName>Sales</DisplayName>"
           "<SmtpAddress>sales@b.test</SmtpAddress>"
           "<OwnerSmtpAddress>sales@b.test</OwnerSmtpAddress>"
           "</AlternativeMailbox><PublicFolderInformation><SmtpAddress>"
           "folders@b.test</SmtpAddress></PublicFolderInformation></Account>"),
       "further mailboxes, then the public folders");
}

static void test_version(apr_pool_t *pool)
{
    static const struct {
        discover_version_t version;
        const char *expected;
    } rows[] = {
        {{8, 0, 685, 0}, "720082AD"},
        {{15, 0, 847, 0}, "73C0834F"},
        {{15, 1, 2176, 99}, "73C18880"},
        {{63, 63, 32767, 65535}, "7FFFFFFF"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(discover_pox_version(&rows[i].version, pool), rows[i].expected,
               rows[i].expected);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    test_print(pool);
    test_capabilities(pool);
    test_alternatives(pool);
    test_version(pool);
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
