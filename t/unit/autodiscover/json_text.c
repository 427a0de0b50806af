/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/json_text.h"

#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>

/* clang-format off */
static const struct {
    const char *text, *expected;
} rows[] = {
    {"", ""},
    {"https://a.test/x?y=1", "https://a.test/x?y=1"},
    {"\"\\/<>&'", "\\u0022\\u005c/\\u003c\\u003e\\u0026\\u0027"},
    {"\x01\t\n\x1f\x7f", "\\u0001\\u0009\\u000a\\u001f\\u007f"},
    {"\xc3\xbc \xe2\x82\xac", "\\u00fc \\u20ac"},
    {"\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", "\\ud83d\\ude00\\udbff\\udfff"},
    {"a\xff" "b\xc3", "a\\ufffdb\\ufffd"},
    {"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"},
};
/* clang-format on */

/* What another reader of JSON makes of it; NULL when it takes it for no JSON. */
static const char *read_back(const char *escaped, apr_pool_t *pool)
{
    const char *document = apr_pstrcat(pool, "[\"", escaped, "\"]", NULL);
    json_t *list = json_loads(document, 0, NULL);
    const char *text =
        apr_pstrdup(pool, json_string_value(json_array_get(list, 0)));

    json_decref(list);
    return text;
}

int main(void)
{
    apr_pool_t *pool;
    size_t i;
    int c, bad = 0;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *escaped = discover_json_escape(rows[i].text, pool);

        is_str(escaped, rows[i].expected, "escaped");
        ok(read_back(escaped, pool) != NULL, "and JSON");
    }
    for (c = 1; c < 0x80; c++) {
        char text[] = {(char)c, '\0'};
        const char *back = read_back(discover_json_escape(text, pool), pool);

        bad += !back || strcmp(back, text) != 0;
    }
    is_int(bad, 0, "each ASCII character comes back");
    apr_terminate();
    return done_testing();
}
