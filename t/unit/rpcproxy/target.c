/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/target.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

/* clang-format off */
static const struct {
    const char *query;
    const char *text; /* NULL: refused */
} queries[] = {
    {"mail.example.test:6001", "mail.example.test:6001"},
    {"MAIL.Example.TEST:6001", "mail.example.test:6001"},
    {"mail.example.test:006001", "mail.example.test:6001"},
    {"NETBIOS_1:593", "netbios_1:593"},
    {"127.0.0.1:389", "127.0.0.1:389"},
    {"[::1]:445", "[::1]:445"},
    {"::1:445", "::1:445"},
    {"6BA7B810-9DAD-11D1-80B4-00C04FD430C8@example.test:6001",
     "6ba7b810-9dad-11d1-80b4-00c04fd430c8@example.test:6001"},
    {"a:65535", "a:65535"},
    {NULL, NULL}, {"", NULL}, {"mail.example.test", NULL}, {":6001", NULL}, {"a:", NULL},
    {"a:0", NULL}, {"a:65536", NULL}, {"a:0000593", NULL}, {"a:99999999999", NULL}, {"a:-1", NULL},
    {"a:+1", NULL}, {"a: 1", NULL}, {"a:1x", NULL}, {"a:0x10", NULL}, {"a b:1", NULL},
    {"a/b:1", NULL}, {"a%20b:1", NULL}, {"a\\b:1", NULL}, {"a&b:1", NULL}, {"a?b:1", NULL},
    {"a\tb:1", NULL}, {"a\x7f:1", NULL}, {"\xc3\xa4:1", NULL}, {"a;b:1", NULL}, {"*:1", NULL},
};

static const struct {
    const char *name, *ports, *backend;
    int good;
} rules[] = {
    {"mail.example.test", "6001", "127.0.0.1:1024", 1},
    {"*", "*", "127.0.0.1", 1},
    {"*.example.test", "6001-6004", "dc1.example.test", 1},
    {"*@example.test", "6001", "[::1]:1024", 1},
    {"a", "1-65535", "b:65535", 1},
    {"a b", "1", "c", 0}, {"", "1", "c", 0}, {"a*", "1", "c", 0}, {"**", "1", "c", 0}, {"a/b", "1", "c", 0},
    {"a", "", "c", 0}, {"a", "0", "c", 0}, {"a", "65536", "c", 0}, {"a", "4-3", "c", 0}, {"a", "3-", "c", 0},
    {"a", "-3", "c", 0}, {"a", "1-2-3", "c", 0}, {"a", "x", "c", 0}, {"a", "**", "c", 0},
    {"a", "1", "", 0}, {"a", "1", "c:0", 0}, {"a", "1", "c:65536", 0}, {"a", "1", "c:x", 0},
    {"a", "1", "u@c", 0}, {"a", "1", "c/d", 0}, {"a", "1", "c d", 0},
};

static const struct {
    const char *query;
    int rule; /* index into the map of test_find, -1: none */
} finds[] = {
    {"mail.example.test:6001", 0}, {"MAIL.example.test:6001", 0}, {"mail.example.test:6002", 1},
    {"mail.example.test:6004", 1}, {"mail.example.test:6005", -1}, {"mail.example.test:6000", 2},
    {"xmail.example.test:6001", 2}, {"a.b.example.test:1", 2}, {"example.test:1", -1},
    {"guid@example.test:6001", 3}, {"guid@example.test:6002", -1}, {"guid@other.test:6001", -1},
    {"@example.test:6001", 3}, {"169.254.169.254:80", -1}, {"127.0.0.1:389", -1}, {"[::1]:445", -1},
    {"mail.example.test.:6001", -1}, {"mail.example.test@evil.test:6001", -1},
};
/* clang-format on */

static void test_parse(apr_pool_t *pool)
{
    char *longest = apr_pcalloc(pool, 1100);
    const char *why = NULL;
    target_t target;
    size_t i;

    for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        apr_status_t rv = target_parse(&target, queries[i].query, &why, pool);
        const char *name = queries[i].query ? queries[i].query : "no query";

        if (queries[i].text) {
            is_int(rv, APR_SUCCESS, name);
            is_str(target.text, queries[i].text, "canonical");
        }
        else {
            ok(rv == APR_EINVAL && why, "%s: refused", name);
        }
    }
    memset(longest, 'a', 1023);
    memcpy(longest + 1023, ":1", 3);
    is_int(target_parse(&target, longest, &why, pool), APR_SUCCESS,
           "1023 characters");
    memset(longest, 'a', 1024);
    memcpy(longest + 1024, ":1", 3);
    is_int(target_parse(&target, longest, &why, pool), APR_EINVAL,
           "1024 characters");
}

static void test_rules(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        target_rule_t rule = {0};
        const char *error = target_rule_parse(
            &rule, rules[i].name, rules[i].ports, rules[i].backend, pool);

        ok((error == NULL) == rules[i].good, "%s %s %s: %s", rules[i].name,
           rules[i].ports, rules[i].backend, error ? error : "good");
    }
}

static void test_find(apr_pool_t *pool)
{
    static const char *const map[][3] = {
        {"Mail.example.test", "6001", "127.0.0.1:1"},
        {"mail.example.test", "6002-6004", "127.0.0.1:2"},
        {"*.example.test", "1-6001", "127.0.0.1"},
        {"*@example.test", "6001", "127.0.0.1:4"}};
    apr_array_header_t *all = apr_array_make(pool, 4, sizeof(target_rule_t));
    const char *why = NULL;
    target_t target;
    size_t i;

    for (i = 0; i < 4; i++) {
        target_rule_parse(apr_array_push(all), map[i][0], map[i][1], map[i][2],
                          pool);
    }
    for (i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        const target_rule_t *found;

        target_parse(&target, finds[i].query, &why, pool);
        found = target_find(all, &target);
        is_int(found ? found - (const target_rule_t *)all->elts : -1,
               finds[i].rule, finds[i].query);
    }
    is_int(APR_ARRAY_IDX(all, 2, target_rule_t).port, 0,
           "no port: the one asked for");
    all->nelts = 0;
    target_parse(&target, "mail.example.test:6001", &why, pool);
    ok(!target_find(all, &target), "an empty map allows nothing");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_parse(pool);
    test_rules(pool);
    test_find(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
