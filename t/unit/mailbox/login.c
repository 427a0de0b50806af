/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/login.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const struct {
    const char *text, *user, *domain; /* user NULL: refused */
    login_form_e form;
} rows[] = {
    {"alice", "alice", NULL, LOGIN_BARE},
    {"EXAMPLE\\alice", "alice", "EXAMPLE", LOGIN_DOMAIN},
    {"EXAMPLE/alice", "alice", "EXAMPLE", LOGIN_DOMAIN},
    {"example.test\\alice", "alice", "example.test", LOGIN_DOMAIN},
    {"alice@example.test", "alice", "example.test", LOGIN_REALM},
    {"HTTP/mail@EXAMPLE.TEST", "HTTP/mail", "EXAMPLE.TEST", LOGIN_REALM},
    {"j\xc3\xb6rg", "j\xc3\xb6rg", NULL, LOGIN_BARE},
    {"Bob Jones", "Bob Jones", NULL, LOGIN_BARE},
    {"*", "*", NULL, LOGIN_BARE},
    {"a*(cn=x)", "a*(cn=x)", NULL, LOGIN_BARE},
    {"", NULL, NULL, LOGIN_BARE},
    {"\\", NULL, NULL, LOGIN_BARE},
    {"EXAMPLE\\", NULL, NULL, LOGIN_BARE},
    {"\\alice", NULL, NULL, LOGIN_BARE},
    {"@", NULL, NULL, LOGIN_BARE},
    {"alice@", NULL, NULL, LOGIN_BARE},
    {"@example.test", NULL, NULL, LOGIN_BARE},
    {"/alice", NULL, NULL, LOGIN_BARE},
    {"EXAMPLE/", NULL, NULL, LOGIN_BARE},
    {"EXAMPLE\\OTHER\\alice", NULL, NULL, LOGIN_BARE},
    {"EXAMPLE\\OTHER/alice", NULL, NULL, LOGIN_BARE},
    {"EXAMPLE/OTHER/alice", NULL, NULL, LOGIN_BARE},
    {"EXAMPLE\\alice@example.test", NULL, NULL, LOGIN_BARE},
    {"alice@a@b", NULL, NULL, LOGIN_BARE},
    {"alice@example.test\\x", NULL, NULL, LOGIN_BARE},
    {"al\nice", NULL, NULL, LOGIN_BARE},
    {"alice\x7f", NULL, NULL, LOGIN_BARE},
    {"al\xffice", NULL, NULL, LOGIN_BARE},
    {"al\xc0\x80ice", NULL, NULL, LOGIN_BARE},
};

static void test_rows(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        login_t login;
        const char *why = "none";
        apr_status_t rv = login_parse(&login, rows[i].text, &why, pool);

        if (!rows[i].user) {
            ok(rv == APR_EINVAL && why && *why, "row %zu is refused: %s", i,
               why ? why : "");
            continue;
        }
        is_int(rv, APR_SUCCESS, rows[i].text);
        is_int(login.form, rows[i].form, "its form");
        is_str(login.user, rows[i].user, "its user");
        is_str(login.domain, rows[i].domain, "its domain");
        is_str(login.text, rows[i].text, "its text");
    }
}

static void test_length(apr_pool_t *pool)
{
    char text[LOGIN_MAX + 2];
    login_t login;
    const char *why;

    memset(text, 'a', sizeof(text));
    text[LOGIN_MAX] = '\0';
    is_int(login_parse(&login, text, &why, pool), APR_SUCCESS, "320 bytes");
    text[LOGIN_MAX] = 'a';
    text[LOGIN_MAX + 1] = '\0';
    is_int(login_parse(&login, text, &why, pool), APR_EINVAL, "321 bytes");
}

static int ours(const char *text, const apr_array_header_t *domains,
                apr_pool_t *pool)
{
    login_t login;
    const char *why;

    return login_parse(&login, text, &why, pool) == APR_SUCCESS &&
           login_is_ours(&login, domains);
}

static void test_domains(apr_pool_t *pool)
{
    apr_array_header_t *domains = apr_array_make(pool, 2, sizeof(char *));

    APR_ARRAY_PUSH(domains, const char *) = "EXAMPLE";
    APR_ARRAY_PUSH(domains, const char *) = "example.test";
    ok(ours("EXAMPLE\\alice", domains, pool), "NetBIOS name");
    ok(ours("example/alice", domains, pool), "in small letters");
    ok(ours("alice@EXAMPLE.TEST", domains, pool), "realm");
    ok(!ours("OTHER\\alice", domains, pool), "foreign");
    ok(!ours(".\\alice", domains, pool), "this machine");
    ok(!ours("EXAMPL\\alice", domains, pool), "beginning of ours");
    ok(!ours("alice@sub.example.test", domains, pool), "below ours");
    ok(!ours("alice", domains, pool), "bare names have none");
    ok(!ours("EXAMPLE\\alice", NULL, pool), "nothing configured");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_length(pool);
    test_domains(pool);
    apr_terminate();
    return done_testing();
}
