/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/target.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <arpa/inet.h>

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
    const char *name, *ports, *backend[5];
    const char *good; /* the first back end; NULL: refused */
} rules[] = {
    {"mail.example.test", "6001", {"127.0.0.1:1024"}, "127.0.0.1 1024"},
    {"*", "*", {"127.0.0.1"}, "127.0.0.1 0"},
    {"*.example.test", "6001-6004", {"dc1.example.test"}, "dc1.example.test 0"},
    {"*@example.test", "6001", {"[::1]:1024"}, "::1 1024"},
    {"a", "1", {"[2001:db8::1]"}, "2001:db8::1 0"},
    {"a", "1-65535", {"b:65535"}, "b 65535"},
    {"a", "1", {"b:1", "[::1]:2", "c", "d:auto/samr"}, "b 1"},
    {"a", "6001", {"b:auto"}, "b -1"}, {"a", "6001-6004", {"b:AUTO"}, "b -1"},
    {"a", "*", {"[::1]:auto/lsarpc"}, "::1 -1"},
    {"a", "1", {"b:auto/12345778-1234-ABCD-ef00-0123456789ac/1.0"}, "b -1"},
    {"a", "1", {"b:auto/12345778-1234-abcd-ef00-0123456789ac/1"}, "b -1"},
    {"a b", "1", {"c"}, NULL}, {"", "1", {"c"}, NULL}, {"a*", "1", {"c"}, NULL}, {"**", "1", {"c"}, NULL},
    {"a/b", "1", {"c"}, NULL}, {"a", "", {"c"}, NULL}, {"a", "0", {"c"}, NULL}, {"a", "65536", {"c"}, NULL},
    {"a", "4-3", {"c"}, NULL}, {"a", "3-", {"c"}, NULL}, {"a", "-3", {"c"}, NULL}, {"a", "1-2-3", {"c"}, NULL},
    {"a", "x", {"c"}, NULL}, {"a", "**", {"c"}, NULL},
    {"a", "1", {""}, NULL}, {"a", "1", {":1"}, NULL}, {"a", "1", {"c:"}, NULL}, {"a", "1", {"c:0"}, NULL},
    {"a", "1", {"c:65536"}, NULL}, {"a", "1", {"c:x"}, NULL}, {"a", "1", {"c:1:2"}, NULL},
    {"a", "1", {"u@c"}, NULL}, {"a", "1", {"c/d"}, NULL}, {"a", "1", {"c d"}, NULL}, {"a", "1", {"c,d"}, NULL},
    {"a", "1", {"c{}"}, NULL}, {"a", "1", {"::1"}, NULL}, {"a", "1", {"[::1"}, NULL}, {"a", "1", {"[]:1"}, NULL},
    {"a", "1", {"[c]:1"}, NULL}, {"a", "1", {"[127.0.0.1]:1"}, NULL}, {"a", "1", {"[::1]1"}, NULL},
    {"a", "1", {"[fe80::1%lo]:1"}, NULL}, {"a", "1", {"c[::1]"}, NULL},
    {"a", "1", {"b:1", ""}, NULL}, {"a", "1", {"b:1", "c:0"}, NULL}, {"a", "1", {"b", "b", "b", "b", "b"}, NULL},
    {"a", "1", {NULL}, NULL},
    {"a", "593", {"c:auto"}, NULL}, {"a", "*", {"c:auto"}, NULL}, {"a", "6000-6004", {"c:auto"}, NULL},
    {"a", "593", {"b:1", "c:auto"}, NULL}, {"a", "1", {"c:auto/"}, NULL}, {"a", "1", {"c:auto/nobody"}, NULL},
    {"a", "1", {"c:automatic"}, NULL}, {"a", "1", {"c:auto:1"}, NULL},
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
    {"auto.test:6001", 4}, {"auto.test:6002", 4}, {"auto.test:6003", 5}, {"auto.test:6004", 4},
    {"auto.test:6005", -1},
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

static int count_of(const char *const *words)
{
    int count = 0;

    while (count < 5 && words[count]) {
        count++;
    }
    return count;
}

static void test_rules(apr_pool_t *pool)
{
    char *host = apr_pcalloc(pool, 300);
    const char *const words[] = {host};
    target_rule_t rule = {0};
    size_t i;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const char *error = target_rule_parse(&rule, rules[i].name,
                                              rules[i].ports, rules[i].backend,
                                              count_of(rules[i].backend), pool);
        const char *first =
            rules[i].backend[0] ? rules[i].backend[0] : "nothing";

        if (rules[i].good) {
            is_str(error ? error
                         : apr_psprintf(pool, "%s %d", rule.backend[0].host,
                                        rule.backend[0].port),
                   rules[i].good, first);
        }
        else {
            ok(error != NULL, "%s %s %s: %s", rules[i].name, rules[i].ports,
               first, error ? error : "good");
        }
    }
    memset(host, 'a', TARGET_HOST_MAX);
    ok(!target_rule_parse(&rule, "a", "1", words, 1, pool), "a long host");
    host[TARGET_HOST_MAX] = 'a';
    ok(target_rule_parse(&rule, "a", "1", words, 1, pool) != NULL,
       "a host too long");
}

static apr_array_header_t *make_map(apr_pool_t *pool)
{
    static const char *const map[][3] = {
        {"Mail.example.test", "6001", "127.0.0.1:1"},
        {"mail.example.test", "6002-6004", "127.0.0.1:2"},
        {"*.example.test", "1-6001", "127.0.0.1"},
        {"*@example.test", "6001", "127.0.0.1:4"},
        {"auto.test", "6001-6004", "[::1]:auto"},
        {"auto.test", "6003", "[::1]:auto/samr"}};
    apr_array_header_t *all = apr_array_make(pool, 6, sizeof(target_rule_t));
    size_t i;

    for (i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        target_rule_parse(apr_array_push(all), map[i][0], map[i][1], &map[i][2],
                          1, pool);
    }
    return all;
}

static void test_find(apr_pool_t *pool)
{
    apr_array_header_t *all = make_map(pool);
    const char *why = NULL;
    target_t target;
    size_t i;

    for (i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        const target_rule_t *found;

        target_parse(&target, finds[i].query, &why, pool);
        found = target_find(all, &target);
        is_int(found ? found - (const target_rule_t *)all->elts : -1,
               finds[i].rule, finds[i].query);
    }
    all->nelts = 0;
    target_parse(&target, "mail.example.test:6001", &why, pool);
    ok(!target_find(all, &target), "an empty map allows nothing");
}

/* What a client that asks for `port` by row `rule` of the map connects to. */
static const char *endpoint_text(apr_array_header_t *all, int rule, int port,
                                 target_endpoint_t *endpoint)
{
    static char text[TARGET_ENDPOINT_TEXT];
    const target_backend_t *backend =
        APR_ARRAY_IDX(all, rule, target_rule_t).backend;
    target_address_t a;

    memset(&a, 0, sizeof(a));
    memset(endpoint, 0xff, sizeof(*endpoint));
    if (inet_pton(AF_INET, backend->host, &a.four.sin_addr) == 1) {
        a.four.sin_family = AF_INET;
        target_endpoint(endpoint, backend, &a.any, sizeof(a.four), port);
    }
    else {
        inet_pton(AF_INET6, backend->host, &a.six.sin6_addr);
        a.six.sin6_family = AF_INET6;
        target_endpoint(endpoint, backend, &a.any, sizeof(a.six), port);
    }
    return target_endpoint_text(text, endpoint);
}

static void test_endpoint(apr_pool_t *pool)
{
    apr_array_header_t *all = make_map(pool);
    target_endpoint_t e, again;

    is_str(endpoint_text(all, 0, 6001, &e), "127.0.0.1:1", "a given port");
    is_str(endpoint_text(all, 2, 99, &e), "127.0.0.1:99", "the port asked for");
    is_str(endpoint_text(all, 4, 6004, &e), "[::1]:auto", "the mapper's");
    is_mem(&e.interface, sizeof(e.interface), epm_interface_of_port(6004),
           sizeof(e.interface), "of the interface that Exchange has there");
    is_int(target_port(&e.address), 0, "not known yet");
    endpoint_text(all, 4, 6004, &again);
    is_mem(&again, sizeof(again), &e, sizeof(e), "the same in all bytes");
    endpoint_text(all, 4, 6001, &again);
    ok(memcmp(&again, &e, sizeof(e)) != 0, "another interface is another");
    is_str(endpoint_text(all, 5, 6003, &e), "[::1]:auto", "a named interface");
    is_mem(&e.interface, sizeof(e.interface),
           APR_ARRAY_IDX(all, 5, target_rule_t).backend->interface,
           sizeof(e.interface), "is asked for");
    target_set_port(&e.address, 65535);
    is_str(target_endpoint_text(apr_palloc(pool, TARGET_ENDPOINT_TEXT), &e),
           "[::1]:65535", "another port");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_parse(pool);
    test_rules(pool);
    test_find(pool);
    test_endpoint(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
