/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/answer.h"
#include "mod_autodiscover/uuid.h"

#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#define GROUP                                                                  \
    "/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)"

static const discover_mailbox_t alice = {
    .user = "alice",
    .mail = "alice@example.test",
    .local = "alice",
    .domain = "example.test",
    .display_name = "Alice Example",
    .guid = "11111111-2222-3333-4444-555555555555",
    .legacy_dn = "/o=Ours/ou=Group/CN=Recipients/cn=alice",
};

static discover_answer_t make(const discover_settings_t *settings,
                              const discover_mailbox_t *mailbox,
                              discover_error_e expected, const char *name,
                              apr_pool_t *pool)
{
    discover_answer_t a;
    const char *why = NULL;

    is_int(discover_answer_make(&a, settings, mailbox, &why, pool), expected,
           name);
    ok(expected == DISCOVER_OK || why, "%s: says why (%s)", name,
       why ? why : "nothing to say");
    return a;
}

static void test_defaults(apr_pool_t *pool)
{
    const discover_settings_t settings = {
        .server_name = "mail.example.test", .rpc_ssl = -1, .ttl = -1};
    discover_answer_t a =
        make(&settings, &alice, DISCOVER_OK, "server name alone", pool);

    is_str(a.ews_url, "https://mail.example.test/EWS/Exchange.asmx", "EWS");
    is_str(a.as_url, a.ews_url, "availability");
    is_str(a.oof_url, a.ews_url, "out of office");
    is_str(a.oab_url, NULL, "no address book");
    is_str(a.exchange_server, "mail.example.test", "EXCH");
    is_str(a.exchange_auth, NULL, "EXCH has no package");
    is_str(a.server_dn,
           "/o=Ours/ou=Group/cn=Configuration/cn=Servers/cn=mail.example.test",
           "ServerDN follows the mailbox");
    is_str(a.mdb_dn,
           "/o=Ours/ou=Group/cn=Configuration/cn=Servers/cn=mail.example.test"
           "/cn=Microsoft Private MDB",
           "MdbDN");
    is_str(a.deployment_id, discover_uuid_of("/o=Ours/ou=Group", pool),
           "DeploymentId of the organization");
    is_str(a.rpc_host, "mail.example.test", "EXPR");
    is_int(a.rpc_ssl, 1, "EXPR with TLS");
    is_str(a.rpc_auth, "Basic", "EXPR's package");
    is_str(a.cert_principal, "none", "EXPR's principal");
    is_str(a.imap.host, NULL, "no IMAP");
    is_str(a.login_name, "alice@example.test", "login name");
    is_int(a.version.major, 15, "version");
}

static void test_without_legacy_dn(apr_pool_t *pool)
{
    const discover_settings_t settings = {
        .server_name = "mail.example.test", .rpc_ssl = -1, .ttl = -1};
    const discover_settings_t own = {.server_name = "h",
                                     .organization = "/o=Mine/ou=Group",
                                     .rpc_ssl = -1,
                                     .ttl = -1};
    discover_mailbox_t nameless = alice;
    discover_answer_t a;

    nameless.legacy_dn = NULL;
    a = make(&settings, &nameless, DISCOVER_OK, "no LegacyDN", pool);
    is_str(a.mailbox.legacy_dn,
           GROUP "/cn=Recipients/cn=11111111222233334444555555555555",
           "derived LegacyDN");
    is_str(a.mailbox.legacy_dn,
           discover_answer_legacy_dn(&settings, &nameless, pool),
           "which is the one that is looked for");
    a = make(&own, &nameless, DISCOVER_OK, "own organization", pool);
    is_str(a.mailbox.legacy_dn,
           "/o=Mine/ou=Group/cn=Recipients/cn=11111111222233334444555555555555",
           "LegacyDN of the own organization");
    is_str(a.server_dn, "/o=Mine/ou=Group/cn=Configuration/cn=Servers/cn=h",
           "ServerDN of the own organization");
    nameless.legacy_dn = "nonsense";
    a = make(&settings, &nameless, DISCOVER_OK, "odd LegacyDN", pool);
    is_str(a.mailbox.legacy_dn, "nonsense", "is told as it is");
    is_str(a.organization, GROUP, "but names no organization");
    nameless.legacy_dn = "/cn=x";
    a = make(&settings, &nameless, DISCOVER_OK, "LegacyDN of one part", pool);
    is_str(a.organization, GROUP, "names none either");
}

static void test_all_given(apr_pool_t *pool)
{
    static const discover_version_t version = {14, 3, 123, 4};
    static const discover_mail_server_t imap = {"imap.%{domain}", 993,
                                                DISCOVER_SECURITY_SSL};
    static const discover_mail_server_t none = {"", 995, DISCOVER_SECURITY_SSL};
    static const discover_settings_t settings = {
        .server_name = "%{domain}",
        .deployment_id = "d",
        .ews_url = "https://ews.%{domain}/%{mail}",
        .as_url = "https://as.test/",
        .oof_url = "",
        .oab_url = "https://oab.test/",
        .exchange_server = "exch.test",
        .exchange_auth = "Ntlm",
        .server_dn = "/o=S",
        .mdb_dn = "/o=M",
        .version = &version,
        .rpc_host = "rpc.test",
        .rpc_auth = "Ntlm",
        .rpc_ssl = 0,
        .cert_principal = "msstd:rpc.test",
        .imap = &imap,
        .pop3 = &none,
        .login_name = "%{user}",
        .ttl = 4,
    };
    discover_answer_t a =
        make(&settings, &alice, DISCOVER_OK, "all given", pool);

    is_str(a.ews_url, "https://ews.example.test/alice@example.test", "EWS");
    is_str(a.as_url, "https://as.test/", "availability");
    is_str(a.oof_url, NULL, "out of office is None");
    is_str(a.oab_url, "https://oab.test/", "address book");
    is_str(a.exchange_server, "exch.test", "EXCH");
    is_str(a.exchange_auth, "Ntlm", "EXCH's package");
    is_str(a.server_dn, "/o=S", "ServerDN");
    is_str(a.mdb_dn, "/o=M", "MdbDN");
    is_int(a.version.build, 123, "version");
    is_str(a.rpc_host, "rpc.test", "EXPR");
    is_int(a.rpc_ssl, 0, "EXPR without TLS");
    is_str(a.cert_principal, "msstd:rpc.test", "EXPR's principal");
    is_str(a.imap.host, "imap.example.test", "IMAP");
    is_str(a.pop3.host, NULL, "POP3 is None");
    is_str(a.login_name, "alice", "login name");
    is_str(a.deployment_id, "d", "DeploymentId");
    is_int(a.ttl, 4, "TTL");
}

static void test_nothing(apr_pool_t *pool)
{
    static const discover_settings_t none = {.ews_url = "",
                                             .exchange_server = "",
                                             .rpc_host = "",
                                             .rpc_ssl = -1,
                                             .ttl = -1};
    static const discover_settings_t mail = {
        .server_name = "imap.%{domain}", .rpc_ssl = -1, .ttl = -1};
    discover_mailbox_t international = alice;
    discover_answer_t a;

    make(&none, &alice, DISCOVER_NO_CONFIGURATION, "nothing to offer", pool);
    international.domain = "b\xc3\xbc"
                           "cher.test";
    make(&mail, &international, DISCOVER_BROKEN, "no host name", pool);
    a = make(&mail, &alice, DISCOVER_OK, "variable in the server name", pool);
    is_str(a.ews_url, "https://imap.example.test/EWS/Exchange.asmx",
           "is filled in");
}

static void test_host(apr_pool_t *pool)
{
    static const discover_mail_server_t imap = {"%{host}", 993,
                                                DISCOVER_SECURITY_SSL};
    static const discover_settings_t settings = {.server_name =
                                                     "mail.%{domain}",
                                                 .imap = &imap,
                                                 .owa_url = "https://%{host}/",
                                                 .rpc_ssl = -1,
                                                 .ttl = -1};
    discover_mailbox_t moved = alice;
    discover_answer_t a;
    const char *why;

    moved.host = "store-1.test";
    a = make(&settings, &moved, DISCOVER_OK, "a mailbox on another host", pool);
    is_str(a.imap.host, "store-1.test", "its host");
    is_str(a.owa_url, "https://store-1.test/", "in URLs too");
    is_str(a.rpc_host, "mail.example.test", "the server has its own name");
    a = make(&settings, &alice, DISCOVER_OK, "a mailbox without host", pool);
    is_str(a.imap.host, "mail.example.test", "is on the server itself");
    is_int(discover_answer_make_public(&a, &settings, &alice, &why, pool),
           DISCOVER_OK, "before login");
    is_str(a.imap.host, NULL, "no host is told");
    is_str(a.owa_url, NULL, "nor a URL with one");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_defaults(pool);
    test_without_legacy_dn(pool);
    test_all_given(pool);
    test_nothing(pool);
    test_host(pool);
    apr_terminate();
    return done_testing();
}
