/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/advice.h"
#include "mod_autodiscover/domain.h"

#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

/* --- advice --- */

static const discover_mail_server_t good_imap = {"imap.test", 993,
                                                 DISCOVER_SECURITY_SSL};
static const discover_mail_server_t good_smtp = {"smtp.test", 465,
                                                 DISCOVER_SECURITY_SSL};
static const discover_mail_server_t plain_imap = {"imap.test", 143,
                                                  DISCOVER_SECURITY_PLAIN};
static const discover_mail_server_t short_pop3 = {"mail", 995,
                                                  DISCOVER_SECURITY_SSL};
static const discover_mail_server_t smtp_25 = {"smtp.test", 25,
                                               DISCOVER_SECURITY_STARTTLS};
static const discover_mail_server_t none = {"", 0, DISCOVER_SECURITY_SSL};

#define GIVEN(...)                                                             \
    {                                                                          \
        .rpc_ssl = -1, .ttl = -1, .delegated = -1, __VA_ARGS__                 \
    }
#define MAIL .imap = &good_imap, .smtp = &good_smtp

/* Settings, and how the one sentence about them starts; NULL: there is none. */
/* clang-format off */
static const struct {
    discover_settings_t settings;
    const char *expected;
} rows[] = {
    {GIVEN(.server_name = "mail.example.com"), NULL},
    {GIVEN(.server_name = "mail.%{domain}", MAIL), NULL},
    {GIVEN(.server_name = "192.0.2.1"), NULL},
    {GIVEN(.server_name = "2001:db8::1"), NULL},
    {GIVEN(.server_name = "mail"), "AutodiscoverServerName: clients elsewhere do not know \"mail\""},
    {GIVEN(.rpc_host = "localhost"), "AutodiscoverRpcProxy: clients elsewhere"},
    {GIVEN(.ews_url = "https://mail/ews"), "AutodiscoverEwsUrl: clients elsewhere do not know \"mail\""},
    {GIVEN(.ews_url = "https://%{user}/ews"), NULL},
    {GIVEN(.ews_url = ""), NULL},
    {GIVEN(.exchange_server = "MAIL"), NULL},
    {GIVEN(.imap = &plain_imap, .smtp = &good_smtp), "AutodiscoverImap: plain sends passwords"},
    {GIVEN(.pop3 = &short_pop3, .smtp = &good_smtp), "AutodiscoverPop3: clients elsewhere"},
    {GIVEN(.imap = &good_imap, .smtp = &smtp_25), "AutodiscoverSmtp: many networks"},
    {GIVEN(.imap = &good_imap), "AutodiscoverSmtp is missing"},
    {GIVEN(.imap = &good_imap, .smtp = &none), "AutodiscoverSmtp is missing"},
    {GIVEN(.smtp = &good_smtp), "AutodiscoverImap is missing"},
    {GIVEN(.imap = &none, .pop3 = &none, .smtp = &none), NULL},
    {GIVEN(.oab_url = "https://a.test/oab"), "AutodiscoverOabUrl: names a folder"},
    {GIVEN(.oab_url = "https://a.test/oab/"), NULL},
    {GIVEN(.eas_url = "https://a.test/eas"), "AutodiscoverActiveSyncUrl: Apple's"},
    {GIVEN(.eas_url = "x"), "AutodiscoverActiveSyncUrl: Apple's"},
    {GIVEN(.eas_url = "https://a.test/Microsoft-Server-ActiveSync"), NULL},
    {GIVEN(.pox_url = "https://a.test/Autodiscover/Autodiscover.xml"), "AutodiscoverPoxUrl: some clients"},
    {GIVEN(.pox_url = "https://a.test/autodiscover/autodiscover.xml"), NULL},
    {GIVEN(.redirect_url = "https://a.test/"), "AutodiscoverRedirectUrl: some clients"},
    {GIVEN(.rpc_host = "", .cert_principal = "msstd:a.test"), "AutodiscoverCertPrincipal has no effect"},
    {GIVEN(.rpc_host = "", .exchange_server = "", .ews_url = "https://a.test/"), "AutodiscoverEwsUrl is told by SOAP"},
    {GIVEN(.rpc_host = "", .exchange_server = "", .server_name = "a.test"), "AutodiscoverEwsUrl is told by SOAP"},
    {GIVEN(.rpc_host = "", .exchange_server = "", .server_name = "a.test", .ews_url = ""), NULL},
    {{.rpc_host = "a.test", .rpc_ssl = 0, .ttl = -1}, "AutodiscoverRpcProxy: plain"},
    {{.ttl = 0, .rpc_ssl = -1}, "AutodiscoverTTL 0"},
    {GIVEN(.redirect_address = "info@a.test"), "AutodiscoverRedirectAddress: sends every"},
    {GIVEN(.redirect_address = "%{local}@a.test"), NULL},
};
/* clang-format on */

static void test_advice(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_array_header_t *advice = apr_array_make(pool, 2, sizeof(char *));
        const char *expected = rows[i].expected, *first;

        discover_advice_give(&rows[i].settings, advice);
        first = advice->nelts ? APR_ARRAY_IDX(advice, 0, const char *) : NULL;
        ok(expected ? advice->nelts == 1 &&
                          strncmp(first, expected, strlen(expected)) == 0
                    : !first,
           "row %d: %s", (int)i, expected ? expected : "nothing to say");
        discover_advice_give(&rows[i].settings, advice);
        is_int(advice->nelts, expected ? 1 : 0, "each sentence is said once");
    }
}

/* --- loops --- */

static const struct {
    const char *name;
    struct {
        const char *domain, *address, *url;
    } domains[3];
    const char *expected;
} loops[] = {
    {"elsewhere", {{"a.test", "%{local}@b.test", NULL}}, NULL},
    {"to one that is served",
     {{"a.test", "%{local}@b.test", NULL}, {"b.test", NULL, NULL}},
     NULL},
    {"to itself", {{"a.test", "%{local}@a.test", NULL}}, "of a.test leads"},
    {"to itself, by variable",
     {{"a.test", "x%{local}@%{domain}", NULL}},
     "of a.test leads"},
    {"to each other",
     {{"a.test", "%{local}@b.test", NULL}, {"b.test", "x@A.TEST", NULL}},
     "of a.test leads"},
    {"a chain that ends",
     {{"a.test", "%{local}@b.test", NULL},
      {"b.test", "%{local}@c.test", NULL},
      {"c.test", NULL, NULL}},
     NULL},
    {"below an asterisk",
     {{"*.a.test", "%{local}@b.a.test", NULL}},
     "of *.a.test leads"},
    {"out of an asterisk", {{"*.a.test", "%{local}@a.test", NULL}}, NULL},
    {"all the others are elsewhere", {{"*", "%{local}@b.test", NULL}}, NULL},
    {"to a domain that depends on the mailbox",
     {{"a.test", "x@%{local}", NULL}},
     NULL},
    {"a URL elsewhere",
     {{"a.test", NULL, "https://b.test/autodiscover/autodiscover.xml"}},
     NULL},
    {"a URL of this server",
     {{"a.test", NULL, "https://here.test/autodiscover/autodiscover.xml"}},
     "of a.test leads back to this server"},
};

static void test_loops(apr_pool_t *pool)
{
    static const discover_settings_t base = GIVEN(.server_name = "here.test");
    size_t i, k;

    for (i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        apr_array_header_t *domains =
            apr_array_make(pool, 3, sizeof(discover_domain_t));
        const char *said;

        for (k = 0; k < 3 && loops[i].domains[k].domain; k++) {
            discover_settings_t *s = apr_palloc(pool, sizeof(*s));
            discover_domain_t *d = apr_array_push(domains);

            discover_settings_init(s);
            s->redirect_address = loops[i].domains[k].address;
            s->redirect_url = loops[i].domains[k].url;
            d->name = loops[i].domains[k].domain;
            d->settings = s;
        }
        said = discover_advice_loop(&base, domains, pool);
        ok(loops[i].expected ? said && strstr(said, loops[i].expected) != NULL
                             : !said,
           "a redirect: %s", loops[i].name);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_advice(pool);
    test_loops(pool);
    apr_terminate();
    return done_testing();
}
