/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/mailaddr.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const struct {
    const char *name, *text, *expected; /* expected NULL: refused */
} rows[] = {
    {"plain", "alice@example.test", "alice@example.test"},
    {"domain in capitals", "Alice@EXAMPLE.Test", "Alice@example.test"},
    {"blanks around", " \talice@example.test\r\n", "alice@example.test"},
    {"plus and percent stay", "a+b%41@example.test", "a+b%41@example.test"},
    {"UTF-8",
     "j\xc3\xb6rg@b\xc3\xbc"
     "cher.test",
     "j\xc3\xb6rg@b\xc3\xbc"
     "cher.test"},
    {"LDAP star", "*@example.test", "*@example.test"},
    {"empty", "", NULL},
    {"blanks only", "  ", NULL},
    {"no @", "alice", NULL},
    {"two @", "a@b@example.test", NULL},
    {"no local part", "@example.test", NULL},
    {"no domain", "alice@", NULL},
    {"empty label", "alice@example..test", NULL},
    {"trailing dot", "alice@example.test.", NULL},
    {"leading dot", ".alice@example.test", NULL},
    {"line break inside", "alice\r\nRCPT@example.test", NULL},
    {"angle bracket", "alice>@example.test", NULL},
    {"comma", "a,b@example.test", NULL},
    {"blank inside", "al ice@example.test", NULL},
    {"LDAP parenthesis", "a)(cn=*@example.test", NULL},
    {"slash in domain", "alice@example/test", NULL},
    {"invalid UTF-8", "al\xffice@example.test", NULL},
    {"overlong UTF-8", "al\xc0\xafice@example.test", NULL},
};

static void test_rows(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mailaddr_t addr;
        const char *why = NULL;
        apr_status_t rv = mailaddr_parse(&addr, rows[i].text,
                                         strlen(rows[i].text), &why, pool);

        is_str(rv == APR_SUCCESS ? addr.text : NULL, rows[i].expected,
               rows[i].name);
        if (rv != APR_SUCCESS) {
            ok(why && *why, "%s: says why (%s)", rows[i].name, why);
        }
    }
}

static void test_lengths(apr_pool_t *pool)
{
    mailaddr_t addr;
    const char *why;
    char local[70], *text;

    memset(local, 'a', sizeof(local));
    local[64] = '\0';
    text = apr_pstrcat(pool, local, "@example.test", NULL);
    is_int(mailaddr_parse(&addr, text, strlen(text), &why, pool), APR_SUCCESS,
           "64 bytes before the @");
    is_str(addr.local, local, "local part");
    is_str(addr.domain, "example.test", "domain part");
    local[64] = 'a';
    local[65] = '\0';
    text = apr_pstrcat(pool, local, "@example.test", NULL);
    is_int(mailaddr_parse(&addr, text, strlen(text), &why, pool), APR_EINVAL,
           "65 bytes before the @");
    is_int(mailaddr_parse(&addr, "a@b\0c", 5, &why, pool), APR_EINVAL,
           "NUL inside");
    ok(mailaddr_same("Alice@Example.test", "alice@example.TEST"), "same");
    ok(!mailaddr_same("alice@example.test", "bob@example.test"), "different");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_lengths(pool);
    apr_terminate();
    return done_testing();
}
