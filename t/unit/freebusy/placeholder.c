/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/placeholder.h"
#include "t/unit/tap.h"

#include <apr_general.h>

static const struct {
    const char *name, *text, *user;
    placeholder_kind_e kind;
    const char *expected; /* NULL: refused */
} rows[] = {
    {"path", "/srv/%{user}/x", "alice", PLACEHOLDER_PATH, "/srv/alice/x"},
    {"twice", "%{user}-%{user}", "a", PLACEHOLDER_PATH, "a-a"},
    {"none", "/srv/x", "a/b", PLACEHOLDER_PATH, "/srv/x"},
    {"all", "%{mail}|%{domain}|%{guid}", "a", PLACEHOLDER_PATH, "a@b|b|g"},
    {"a value is not expanded again", "%{user}", "%{mail}", PLACEHOLDER_PATH,
     "%{mail}"},
    {"slash", "/srv/%{user}", "a/b", PLACEHOLDER_PATH, NULL},
    {"parent", "/srv/%{user}/x", "..", PLACEHOLDER_PATH, NULL},
    {"here", "/srv/%{user}/x", ".", PLACEHOLDER_PATH, NULL},
    {"hidden", "/srv/%{user}", ".ssh", PLACEHOLDER_PATH, NULL},
    {"line break", "/srv/%{user}", "a\nb", PLACEHOLDER_PATH, NULL},
    {"empty", "/srv/%{user}", "", PLACEHOLDER_PATH, NULL},
    {"missing", "/srv/%{user}", NULL, PLACEHOLDER_PATH, NULL},
    {"URL", "http://h/%{user}/%{mail}", "a/b?c#d", PLACEHOLDER_URL,
     "http://h/a%2Fb%3Fc%23d/a%40b"},
    {"URL, UTF-8", "http://h/%{user}", "\xc3\xa9 %", PLACEHOLDER_URL,
     "http://h/%C3%A9%20%25"},
    {"URL, parent", "http://h/%{user}/x", "..", PLACEHOLDER_URL, NULL},
    {"URL, dots inside", "http://h/%{user}", "a..b", PLACEHOLDER_URL,
     "http://h/a..b"},
    {"header", "X: %{user}", "a b/c", PLACEHOLDER_HEADER, "X: a b/c"},
    {"header, line break", "X: %{user}", "a\r\nY: b", PLACEHOLDER_HEADER, NULL},
};

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        placeholder_values_t values = {rows[i].user, "a@b", "b", "g"};
        const char *out = NULL, *why = NULL;
        apr_status_t rv = placeholder_expand(&out, rows[i].text, &values,
                                             rows[i].kind, &why, pool);

        is_str(rv == APR_SUCCESS ? out : NULL, rows[i].expected, rows[i].name);
        ok((rv == APR_SUCCESS) == (why == NULL), "%s: says why", rows[i].name);
    }
    ok(placeholder_check("/%{user}/%{mail}%{domain}%{guid}") == NULL,
       "all known");
    ok(placeholder_check("/%{usr}") != NULL, "an unknown one");
    ok(placeholder_check("/%{user") != NULL, "one without end");
    ok(placeholder_check("/%{user}%{") != NULL, "one that begins at the end");
    ok(!placeholder_is_in("/x%user"), "none");
    apr_terminate();
    return done_testing();
}
