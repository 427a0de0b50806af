/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The page holds text alone, whatever servers and people wrote. */

#include "mod_autodiscover/page.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>

#define HOSTILE "\"><script>alert(1)</script>\xff\x01]]>&amp;<!--"

static const xml_limits_t generous = {1 << 20, 32, 10000};

/* The root of the page, which must be XML, or NULL. */
static xmlNodePtr printed(const char *address,
                          const apr_array_header_t *sections,
                          const apr_array_header_t *trace, apr_pool_t *pool)
{
    const char *bytes, *why;
    apr_size_t len;
    xmlDocPtr doc;

    if (page_print(address, sections, trace, &bytes, &len, pool) !=
            APR_SUCCESS ||
        xml_parse(&doc, bytes, len, &generous, &why, pool) != APR_SUCCESS) {
        return NULL;
    }
    return xmlDocGetRootElement(doc);
}

static int count(xmlNodePtr node, const char *name)
{
    xmlNodePtr child = NULL;
    int n = node && xml_is(node, NULL, name);

    while (node && (child = xml_next(node, child)) != NULL) {
        n += count(child, name);
    }
    return n;
}

/* The first element `name` below, or NULL. */
static xmlNodePtr first(xmlNodePtr node, const char *name)
{
    xmlNodePtr child = NULL, found = NULL;

    if (node && xml_is(node, NULL, name)) {
        return node;
    }
    while (node && !found && (child = xml_next(node, child)) != NULL) {
        found = first(child, name);
    }
    return found;
}

static apr_array_header_t *one_section(verdict_question_e question,
                                       const char *bytes, apr_pool_t *pool)
{
    apr_array_header_t *sections =
        apr_array_make(pool, 1, sizeof(page_section_t));
    page_section_t *section = apr_array_push(sections);

    memset(section, 0, sizeof(*section));
    section->question = question;
    section->reply.status = 200;
    section->reply.bytes = bytes;
    section->reply.len = strlen(bytes);
    return sections;
}

static void test_form(apr_pool_t *pool)
{
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(char *));
    xmlNodePtr page = printed(NULL, none, none, pool);

    ok(page != NULL, "the form alone is XML");
    is_int(count(page, "input"), 1, "with one field");
    is_int(count(page, "table") + count(page, "ol"), 0, "and no result");
    is_str(xml_attribute(first(page, "form"), "action", pool), NULL,
           "it comes back to where it is");
    page = printed("a@b.test", none, none, pool);
    is_str(xml_attribute(first(page, "input"), "value", pool), "a@b.test",
           "the address stays in it");
    is_int(count(page, "table"), 0, "without answers there is no table");
    is_int(count(page, "ol"), 1, "but the steps");
}

static void test_results(apr_pool_t *pool)
{
    apr_array_header_t *trace = apr_array_make(pool, 1, sizeof(char *));
    apr_array_header_t *sections = one_section(
        VERDICT_JSON_QUERY, "{\"Url\":\"https://a.test/?a&b\"}", pool);
    xmlNodePtr page;

    APR_ARRAY_PUSH(trace, const char *) = "first step";
    page = printed("a@b.test", sections, trace, pool);
    is_int(count(page, "td"), 3, "a row for the client");
    is_str(xml_trimmed(first(page, "td"), pool), "Outlook 2019 and later",
           "its name");
    is_str(xml_trimmed(first(page, "li"), pool), "first step", "the step");
    is_str(xml_trimmed(first(page, "pre"), pool),
           "{\"Url\":\"https://a.test/?a&b\"}", "the answer as it came");
    page =
        printed("a@b.test", one_section(VERDICT_PROFILE, "\x30\x82\x01", pool),
                trace, pool);
    is_str(xml_trimmed(first(page, "pre"), pool), "(signed profile)",
           "no bytes of a signature");
}

static void test_hostile(apr_pool_t *pool)
{
    apr_array_header_t *trace = apr_array_make(pool, 1, sizeof(char *));
    xmlNodePtr page;
    int q;

    APR_ARRAY_PUSH(trace, const char *) = HOSTILE;
    for (q = 0; q < VERDICT_QUESTIONS; q++) {
        page =
            printed(HOSTILE, one_section((verdict_question_e)q, HOSTILE, pool),
                    trace, pool);
        ok(page && count(page, "script") == 0,
           "hostile everywhere, as an answer to %s: text",
           verdict_question_name((verdict_question_e)q));
    }
    ok(strncmp(PAGE_POLICY, "default-src 'none'", 18) == 0 &&
           !strstr(PAGE_POLICY, "script-src"),
       "and the policy lets no script run");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    test_form(pool);
    test_results(pool);
    test_hostile(pool);
    apr_terminate();
    return done_testing();
}
