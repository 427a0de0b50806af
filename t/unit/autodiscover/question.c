/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/question.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#define OUTLOOK                                                                \
    "<AcceptableResponseSchema>" DISCOVER_NS_OUTLOOK                           \
    "</AcceptableResponseSchema>"
#define MOBILE                                                                 \
    "<AcceptableResponseSchema>" DISCOVER_NS_MOBILESYNC                        \
    "</AcceptableResponseSchema>"
#define NS                                                                     \
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/"              \
    "requestschema/2006"
#define ASK(content)                                                           \
    "<Autodiscover xmlns='" NS "'><Request>" content "</Request></"            \
    "Autodiscover>"
#define ALICE "<EMailAddress>alice@example.test</EMailAddress>"

/* clang-format off */
static const struct {
    const char *name, *text;
    discover_error_e error;
    discover_schema_e schema;
    const char *address, *legacy_dn;
} rows[] = {
    {"Outlook", "<?xml version='1.0' encoding='utf-8'?>\r\n" ASK(ALICE OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"BOM", "\xef\xbb\xbf<?xml version='1.0'?>" ASK(ALICE OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"leading newline", "\n" ASK(ALICE OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"other order, blanks", ASK(OUTLOOK "<EMailAddress>\n alice@EXAMPLE.test </EMailAddress>"),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"response namespace at the root",
     "<Autodiscover xmlns='http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006'>"
     "<Request>" ALICE OUTLOOK "</Request></Autodiscover>",
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"no namespace", "<Autodiscover><Request>" ALICE OUTLOOK "</Request></Autodiscover>",
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"prefixes", "<a:Autodiscover xmlns:a='" NS "'><a:Request>"
     "<a:AcceptableResponseSchema>" DISCOVER_NS_OUTLOOK "</a:AcceptableResponseSchema>"
     "<a:EMailAddress>alice@example.test</a:EMailAddress></a:Request></a:Autodiscover>",
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"unknown children", ASK("<New/>" ALICE "<x:y xmlns:x='urn:x'><z/></x:y>" OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"plus and percent stay", ASK("<EMailAddress>a+b%40c%2B@example.test</EMailAddress>" OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "a+b%40c%2B@example.test", NULL},
    {"CDATA", ASK("<EMailAddress><![CDATA[alice@example.test]]></EMailAddress>" OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"mobile", ASK(ALICE MOBILE),
     DISCOVER_OK, DISCOVER_SCHEMA_MOBILESYNC, "alice@example.test", NULL},
    {"LegacyDN", ASK("<LegacyDN>/o=A/ou=B/cn=Recipients/cn=x</LegacyDN>" OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, NULL, "/o=A/ou=B/cn=Recipients/cn=x"},
    {"LegacyDN beside an address", ASK(ALICE "<LegacyDN>/o=A</LegacyDN>" OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, NULL, "/o=A"},
    {"empty LegacyDN beside an address", ASK("<LegacyDN/>" ALICE OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "alice@example.test", NULL},
    {"LDAP star", ASK("<EMailAddress>*@example.test</EMailAddress>" OUTLOOK),
     DISCOVER_OK, DISCOVER_SCHEMA_OUTLOOK, "*@example.test", NULL},

    {"LDAP filter", ASK("<EMailAddress>*)(mail=*</EMailAddress>" OUTLOOK),
     DISCOVER_UNKNOWN_ADDRESS, DISCOVER_SCHEMA_OUTLOOK, NULL, NULL},
    {"line break in the address", ASK("<EMailAddress>x&#13;&#10;y@example.test</EMailAddress>" OUTLOOK),
     DISCOVER_UNKNOWN_ADDRESS, DISCOVER_SCHEMA_OUTLOOK, NULL, NULL},
    {"no domain", ASK("<EMailAddress>alice</EMailAddress>" OUTLOOK),
     DISCOVER_UNKNOWN_ADDRESS, DISCOVER_SCHEMA_OUTLOOK, NULL, NULL},
    {"line break in the LegacyDN", ASK("<LegacyDN>/o=A&#10;B</LegacyDN>" OUTLOOK),
     DISCOVER_UNKNOWN_ADDRESS, DISCOVER_SCHEMA_OUTLOOK, NULL, "/o=A\nB"},

    {"another schema", ASK(ALICE "<AcceptableResponseSchema>urn:x</AcceptableResponseSchema>"),
     DISCOVER_NO_PROVIDER, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"schema with https", ASK(ALICE "<AcceptableResponseSchema>https://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>"),
     DISCOVER_NO_PROVIDER, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},

    {"no schema", ASK(ALICE), DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"empty request", ASK(""), DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"no address", ASK(OUTLOOK), DISCOVER_MALFORMED, DISCOVER_SCHEMA_OUTLOOK, NULL, NULL},
    {"empty address", ASK("<EMailAddress> </EMailAddress>" OUTLOOK),
     DISCOVER_MALFORMED, DISCOVER_SCHEMA_OUTLOOK, NULL, NULL},
    {"no Request", "<Autodiscover>" ALICE OUTLOOK "</Autodiscover>",
     DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"another root", "<autodiscover><Request>" ALICE OUTLOOK "</Request></autodiscover>",
     DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"empty", "", DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"no XML", "not xml at all", DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"URL-encoded", "%3CAutodiscover%3E", DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"DOCTYPE", "<!DOCTYPE Autodiscover>" ASK(ALICE OUTLOOK),
     DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"external entity", "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
     ASK("<EMailAddress>&e;</EMailAddress>" OUTLOOK),
     DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
    {"invalid UTF-8", ASK("<EMailAddress>\xff@example.test</EMailAddress>" OUTLOOK),
     DISCOVER_MALFORMED, DISCOVER_SCHEMA_UNKNOWN, NULL, NULL},
};
/* clang-format on */

static void test_rows(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        discover_question_t q;
        const char *why = NULL;
        discover_error_e error = discover_question_parse(
            &q, rows[i].text, strlen(rows[i].text), &why, pool);

        is_int(error, rows[i].error, rows[i].name);
        is_int(q.schema, rows[i].schema,
               apr_pstrcat(pool, rows[i].name, ": schema", NULL));
        is_str(q.address, rows[i].address,
               apr_pstrcat(pool, rows[i].name, ": address", NULL));
        is_str(q.legacy_dn, rows[i].legacy_dn,
               apr_pstrcat(pool, rows[i].name, ": LegacyDN", NULL));
        ok(error == DISCOVER_OK || (why && *why), "%s: says why (%s)",
           rows[i].name, why ? why : "nothing to say");
    }
}

/* A request that is cut off is malformed, wherever the cut is. */
static void test_truncation(apr_pool_t *pool)
{
    static const char text[] = ASK(ALICE OUTLOOK);
    size_t len, good = 0;

    for (len = 0; len < sizeof(text) - 1; len++) {
        discover_question_t q;
        const char *why = NULL;

        good += discover_question_parse(&q, text, len, &why, pool) ==
                    DISCOVER_MALFORMED &&
                why != NULL;
    }
    is_int((long long)good, (long long)sizeof(text) - 1,
           "cut off at every byte");
}

static char *repeated(const char *head, const char *unit, int times,
                      const char *tail, apr_pool_t *pool)
{
    size_t n = strlen(unit);
    char *text =
        apr_palloc(pool, strlen(head) + n * (size_t)times + strlen(tail) + 1);
    char *to = text;

    memcpy(to, head, strlen(head));
    to += strlen(head);
    for (; times > 0; times--) {
        memcpy(to, unit, n);
        to += n;
    }
    memcpy(to, tail, strlen(tail) + 1);
    return text;
}

static void test_size(apr_pool_t *pool)
{
    discover_question_t q;
    const char *why = NULL;
    char *deep = repeated("", "<a>", 20000, "", pool);
    char *wide = repeated("<Autodiscover><Request>", "<a/>", 1000,
                          ALICE OUTLOOK "</Request></Autodiscover>", pool);
    char *longer =
        repeated("<Autodiscover><Request><LegacyDN>", "a", 2000,
                 "</LegacyDN>" OUTLOOK "</Request></Autodiscover>", pool);
    char *address = repeated("<Autodiscover><Request><EMailAddress>", "a", 300,
                             "@example.test</EMailAddress>" OUTLOOK
                             "</Request></Autodiscover>",
                             pool);

    is_int(discover_question_parse(&q, deep, strlen(deep), &why, pool),
           DISCOVER_MALFORMED, "deep");
    is_int(discover_question_parse(&q, wide, strlen(wide), &why, pool),
           DISCOVER_MALFORMED, "wide");
    is_int(discover_question_parse(&q, longer, strlen(longer), &why, pool),
           DISCOVER_UNKNOWN_ADDRESS, "long LegacyDN");
    is_int(discover_question_parse(&q, address, strlen(address), &why, pool),
           DISCOVER_UNKNOWN_ADDRESS, "long address");
    is_int(discover_question_parse(&q, ASK(ALICE OUTLOOK) "\0x",
                                   sizeof(ASK(ALICE OUTLOOK)) + 1, &why, pool),
           DISCOVER_MALFORMED, "NUL behind the document");
}

static const struct {
    const char *can_handle, *mapi;
    int exhttp, negotiate, mapi_http;
} headers[] = {
    {NULL, NULL, 0, 0, 0},
    {"Negotiate, ExHttpInfo", "1", 1, 1, 1},
    {"exhttpinfo", "2", 1, 0, 1},
    {"NEGOTIATE,X", "0", 0, 1, 0},
    {"NegotiateX", "x", 0, 0, 0},
    {",, ExHttpInfo ,", " 01", 1, 0, 1},
    {"", "", 0, 0, 0},
};

static void test_capabilities(void)
{
    size_t i;

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        discover_question_t q = {0};

        discover_question_capabilities(&q, headers[i].can_handle,
                                       headers[i].mapi);
        ok(q.can_exhttp == headers[i].exhttp &&
               q.can_negotiate == headers[i].negotiate &&
               q.can_mapi_http == headers[i].mapi_http,
           "X-ClientCanHandle: %s, X-MapiHttpCapability: %s",
           headers[i].can_handle ? headers[i].can_handle : "none",
           headers[i].mapi ? headers[i].mapi : "none");
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_truncation(pool);
    test_size(pool);
    test_capabilities();
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
