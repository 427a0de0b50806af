/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/domain.h"

#include "t/unit/tap.h"

#include <apr_general.h>

/* clang-format off */
static const struct {
    const char *name;
    int is_valid;
} names[] = {
    {"example.com", 1}, {"localhost", 1}, {"*", 1}, {"*.example.com", 1},
    {"b\xc3\xbc" "cher.test", 1}, {"a-b.example", 1},
    {"", 0}, {"*.", 0}, {"**", 0}, {"*example.com", 0}, {"a.*.com", 0},
    {".example.com", 0}, {"example.com.", 0}, {"a..b", 0}, {"-a", 0},
    {"a-", 0}, {"user@example.com", 0}, {"https://example.com", 0}, {"a b", 0},
};

static const char *const listed[] = {
    "*", "example.com", "*.example.com", "*.deep.example.com", "other.test", "example.com",
};

static const struct {
    const char *domain;
    int expected; /* index into listed */
} finds[] = {
    {"example.com", 5}, {"EXAMPLE.com", 5}, {"a.example.com", 2},
    {"a.b.example.com", 2}, {"x.deep.example.com", 3}, {"deep.example.com", 2},
    {"notexample.com", 0}, {"other.test", 4}, {"sub.other.test", 0}, {"", -1},
};
/* clang-format on */

static apr_array_header_t *domains(size_t from, apr_pool_t *pool)
{
    static const discover_settings_t settings = {
        .rpc_ssl = -1, .ttl = 9, .ews_url = "own"};
    apr_array_header_t *list =
        apr_array_make(pool, 6, sizeof(discover_domain_t));
    size_t i;

    for (i = from; i < sizeof(listed) / sizeof(listed[0]); i++) {
        discover_domain_t *d = apr_array_push(list);

        d->name = listed[i];
        d->settings = &settings;
    }
    return list;
}

static void test_find(apr_pool_t *pool)
{
    apr_array_header_t *all = domains(0, pool);
    size_t i;

    for (i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        const discover_domain_t *d = discover_domain_find(all, finds[i].domain);

        is_int(d ? d - (const discover_domain_t *)all->elts : -1,
               finds[i].expected, finds[i].domain);
    }
    ok(!discover_domain_find(domains(1, pool), "foreign.test"),
       "none without an asterisk");
}

static void test_settings(apr_pool_t *pool)
{
    const discover_settings_t base = {
        .rpc_ssl = 1, .ttl = 3, .server_name = "h", .ews_url = "base"};
    discover_settings_t s;

    is_int(discover_domain_settings(&s, &base, domains(6, pool), "any.test"),
           APR_SUCCESS, "no entries: every domain");
    is_str(s.ews_url, "base", "has the settings of the server");
    is_int(discover_domain_settings(&s, &base, domains(1, pool), "any.test"),
           APR_NOTFOUND, "entries, but none for it");
    is_int(discover_domain_settings(&s, &base, domains(1, pool), "other.test"),
           APR_SUCCESS, "its own entry");
    is_str(s.ews_url, "own", "wins");
    is_str(s.server_name, "h", "the rest is the server's");
    is_int(s.ttl, 9, "a number wins");
    is_int(s.rpc_ssl, 1, "or is the server's");
}

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        is_int(discover_domain_is_valid(names[i].name), names[i].is_valid,
               names[i].name);
    }
    test_find(pool);
    test_settings(pool);
    apr_terminate();
    return done_testing();
}
