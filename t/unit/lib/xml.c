/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const xml_limits_t limits = {
    .max_bytes = 4096, .max_depth = 8, .max_elements = 20};

static const struct {
    const char *name, *text;
    apr_status_t expected;
} rows[] = {
    {"plain", "<a><b>x</b></a>", APR_SUCCESS},
    {"declaration and BOM", "\xef\xbb\xbf<?xml version='1.0'?><a/>",
     APR_SUCCESS},
    {"leading newline, no declaration", "\n<a/>", APR_SUCCESS},
    {"empty", "", APR_EINVAL},
    {"no element", "<?xml version='1.0'?>", APR_EINVAL},
    {"truncated", "<a><b>x</b>", APR_EINVAL},
    {"two roots", "<a/><a/>", APR_EINVAL},
    {"unbound prefix", "<p:a/>", APR_SUCCESS},
    {"DOCTYPE", "<!DOCTYPE a><a/>", APR_EINVAL},
    {"external entity",
     "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
     APR_EINVAL},
    {"undeclared entity", "<a>&e;</a>", APR_EINVAL},
    {"invalid UTF-8", "<a>\xff</a>", APR_EINVAL},
    {"control character", "<a>&#1;</a>", APR_EINVAL},
    {"unknown encoding", "<?xml version='1.0' encoding='nonsense'?><a/>",
     APR_EINVAL},
    {"eight deep", "<a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>",
     APR_SUCCESS},
    {"nine deep",
     "<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>",
     APR_ENOSPC},
    {"21 elements",
     "<a><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/>"
     "<b/><b/><b/><b/></a>",
     APR_ENOSPC},
};

static void test_parse(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        xmlDocPtr doc;
        const char *why;

        is_int(xml_parse(&doc, rows[i].text, strlen(rows[i].text), &limits,
                         &why, pool),
               rows[i].expected, rows[i].name);
        ok((doc != NULL) == (why == NULL), "%s: document or reason (%s)",
           rows[i].name, why ? why : "none");
    }
}

static void test_bomb(apr_pool_t *pool)
{
    xmlDocPtr doc;
    const char *why;
    char *big = apr_pcalloc(pool, 5001);

    memset(big, 'a', 5000);
    is_int(xml_parse(&doc, big, 5000, &limits, &why, pool), APR_ENOSPC,
           "too many bytes");
    is_str(why, "document is too long", "and why");
}

static void test_access(apr_pool_t *pool)
{
    static const char text[] = "<a xmlns='urn:x' k='v'> <b>  t&amp;u </b>"
                               "<c xmlns='urn:y'/></a>";
    xmlDocPtr doc;
    const char *why;
    xmlNodePtr root;

    xml_parse(&doc, text, strlen(text), &limits, &why, pool);
    root = xmlDocGetRootElement(doc);
    ok(xml_is(root, "urn:x", "a"), "is in its namespace");
    ok(!xml_is(root, "urn:y", "a"), "is not in another");
    is_str(xml_trimmed(xml_child(root, "urn:x", "b"), pool), "t&u", "trimmed");
    is_str(xml_text(xml_child(root, NULL, "b"), pool), "  t&u ",
           "as it stands");
    ok(xml_child(root, "urn:x", "c") == NULL, "child of another namespace");
    ok(xml_child(NULL, NULL, "c") == NULL, "child of nothing");
    is_str(xml_attribute(root, "k", pool), "v", "attribute");
    ok(xml_attribute(root, "z", pool) == NULL, "no attribute");
}

static void test_out(apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);
    const char *bytes;
    apr_size_t len;

    xml_out_start(x, "a");
    xml_out_attribute(x, "xmlns", "urn:x");
    xml_out_element(x, "b", "<&>\x01\xff");
    xml_out_element(x, "gone", NULL);
    is_int(xml_out_finish(x, &bytes, &len), APR_SUCCESS, "finish");
    is_str(apr_pstrmemdup(pool, bytes, len),
           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<a xmlns=\"urn:x\"><b>&lt;&amp;&gt;\xef\xbf\xbd\xef\xbf\xbd</b>"
           "</a>\n",
           "escaped, cleaned and closed");
}

/* More than one block, deeper than the first stack, and all that is escaped. */
static void test_out_large(apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);
    xml_limits_t roomy = {1 << 20, 100, 5000};
    const char *bytes, *why;
    apr_size_t len;
    xmlNodePtr node;
    xmlDocPtr doc;
    int i;

    for (i = 0; i < 60; i++) {
        xml_out_start(x, "deep");
    }
    for (i = 0; i < 3000; i++) {
        xml_out_start(x, "item");
        xml_out_attribute(x, "k", "\"<&>\t\r\n'");
        xml_out_text(x, "\"<&>\t\r\n'\xc3\xa4");
        xml_out_end(x);
    }
    is_int(xml_out_finish(x, &bytes, &len), APR_SUCCESS, "a large document");
    is_int((long long)strlen(bytes), (long long)len, "ends with a NUL");
    is_int(xml_parse(&doc, bytes, len, &roomy, &why, pool), APR_SUCCESS,
           "is read back");
    for (node = xmlDocGetRootElement(doc), i = 0; i < 60; i++) {
        node = xml_next(node, NULL);
    }
    is_str(xml_attribute(node, "k", pool), "\"<&>\t\r\n'", "attribute");
    is_str(xml_text(node, pool), "\"<&>\t\r\n'\xc3\xa4", "text");
}

/* What has no place in XML fails at the end. */
static void test_out_misuse(apr_pool_t *pool)
{
    const char *bytes;
    apr_size_t len;
    xml_out_t *x = xml_out_create(pool);

    xml_out_end(x);
    is_int(xml_out_finish(x, &bytes, &len), APR_EINVAL, "closed too often");
    x = xml_out_create(pool);
    xml_out_text(x, "text");
    is_int(xml_out_finish(x, &bytes, &len), APR_EINVAL, "text outside");
    x = xml_out_create(pool);
    xml_out_start(x, "a");
    xml_out_text(x, "text");
    xml_out_attribute(x, "k", "v");
    is_int(xml_out_finish(x, &bytes, &len), APR_EINVAL, "attribute too late");
    x = xml_out_create(pool);
    xml_out_start(x, "a");
    xml_out_start(x, "b");
    xml_out_end(x);
    is_int(xml_out_finish(x, &bytes, &len), APR_SUCCESS, "an empty element");
    is_str(bytes, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b/></a>\n",
           "is one tag");
}

static void test_nul(apr_pool_t *pool)
{
    static const char hidden[] = "<a></a>\0<b>";
    static const char wide[] = "\xff\xfe<\0a\0/\0>";
    xml_limits_t narrow = {1000, 8, 20};
    const char *why;
    xmlDocPtr doc;

    is_int(xml_parse(&doc, hidden, sizeof(hidden) - 1, &narrow, &why, pool),
           APR_EINVAL, "a NUL hides nothing");
    is_str(why, "document has a NUL", "which is said");
    is_int(xml_parse(&doc, wide, sizeof(wide), &narrow, &why, pool),
           APR_SUCCESS, "UTF-16 has them");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    test_parse(pool);
    test_bomb(pool);
    test_access(pool);
    test_out(pool);
    test_out_large(pool);
    test_out_misuse(pool);
    test_nul(pool);
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
