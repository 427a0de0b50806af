/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/variables.h"

#include "t/unit/tap.h"

#include <apr_general.h>

static const discover_mailbox_t odd = {
    .user = "EXAMPLE\\a b",
    .mail = "a+b%41@example.test",
    .local = "a+b%41",
    .domain = "b\xc3\xbc"
              "cher.test",
    .display_name = "A",
    .guid = "g",
    .host = "store-1.example.test",
};

/* clang-format off */
static const struct {
    const char *name, *text;
    discover_place_e place;
    const char *expected; /* NULL: refused */
} rows[] = {
    {"nothing to do", "mail.example.com", DISCOVER_PLACE_HOST, "mail.example.com"},
    {"empty", "", DISCOVER_PLACE_TEXT, ""},
    {"mail", "%{mail}", DISCOVER_PLACE_TEXT, "a+b%41@example.test"},
    {"all", "%{mail}|%{local}|%{user}|%{guid}|", DISCOVER_PLACE_TEXT,
     "a+b%41@example.test|a+b%41|EXAMPLE\\a b|g|"},
    {"twice with text between", "x%{guid}y%{guid}z", DISCOVER_PLACE_TEXT, "xgygz"},
    {"a value is not expanded again", "%{mail}%{guid}", DISCOVER_PLACE_TEXT, "a+b%41@example.testg"},
    {"in a URL", "https://h/%{mail}", DISCOVER_PLACE_URL, "https://h/a%2Bb%2541@example.test"},
    {"the text of a URL stays", "https://h/%41?a+b", DISCOVER_PLACE_URL, "https://h/%41?a+b"},
    {"backslash and blank in a URL", "https://h/%{user}", DISCOVER_PLACE_URL, "https://h/EXAMPLE%5Ca%20b"},
    {"UTF-8 in a URL", "%{domain}", DISCOVER_PLACE_URL, "b%C3%BCcher.test"},
    {"no host name", "imap.%{domain}", DISCOVER_PLACE_HOST, NULL},
    {"no host name either", "%{user}.example.com", DISCOVER_PLACE_HOST, NULL},
    {"the host", "%{host}", DISCOVER_PLACE_HOST, "store-1.example.test"},
    {"what is not known", "%{legacydn}", DISCOVER_PLACE_TEXT, NULL},
    {"unknown variable", "%{password}", DISCOVER_PLACE_TEXT, NULL},
    {"capitals", "%{Mail}", DISCOVER_PLACE_TEXT, NULL},
    {"not closed", "x%{mail", DISCOVER_PLACE_TEXT, NULL},
    {"no name", "%{}", DISCOVER_PLACE_TEXT, NULL},
    {"percent alone", "100%", DISCOVER_PLACE_TEXT, "100%"},
};
/* clang-format on */

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *got = NULL, *why = NULL;

        if (discover_variables_expand(&got, rows[i].text, &odd, rows[i].place,
                                      &why, pool) != APR_SUCCESS) {
            got = NULL;
            ok(why && *why, "%s: says why", rows[i].name);
        }
        is_str(got, rows[i].expected, rows[i].name);
    }
    apr_terminate();
    return done_testing();
}
