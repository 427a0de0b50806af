/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/ldaprole.h"
#include "t/unit/tap.h"

#include <apr_general.h>

/* clang-format off */
static const ldaproles_t ad = {{"sAMAccountName", "userPrincipalName", "mail", "proxyAddresses", "displayName", "legacyExchangeDN", "objectGUID"}};
static const ldaproles_t plain = {{"uid", NULL, "mail", NULL, "cn", NULL, NULL}};

static const struct {
    const char *value, *also, *expected;
} users[] = {
    {"alice", "", "(sAMAccountName=alice)"},
    {"alice", "(objectClass=person)", "(&(objectClass=person)(sAMAccountName=alice))"},
    {"*", "", "(sAMAccountName=\\2a)"},
    {"a*(cn=x)", "", "(sAMAccountName=a\\2a\\28cn=x\\29)"},
    {"\\2a", "", "(sAMAccountName=\\5c2a)"},
    {"x)(|(mail=*", "", "(sAMAccountName=x\\29\\28|\\28mail=\\2a)"},
};
/* clang-format on */

static void test_filters(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        is_str(ldaprole_user_filter(&ad, users[i].value, users[i].also, pool),
               users[i].expected, users[i].value);
    }
    is_str(ldaprole_upn_filter(&ad, "a@b", "", pool), "(userPrincipalName=a@b)",
           "user principal name");
    ok(!ldaprole_upn_filter(&plain, "a@b", "", pool), "there is none");
    is_str(ldaprole_address_filter(&ad, "a@b", "(x=y)", pool),
           "(&(x=y)(|(mail=a@b)(proxyAddresses=smtp:a@b)(proxyAddresses=a@b)))",
           "address");
    is_str(ldaprole_address_filter(&plain, "a@b", "", pool), "(|(mail=a@b))",
           "address without aliases");
    is_str(ldaprole_address_filter(&plain, "a*)(x=@b", "", pool),
           "(|(mail=a\\2a\\29\\28x=@b))", "address that would be a filter");
    is_str(ldaprole_legacy_dn_filter(&ad, "/o=x", "", pool),
           "(|(legacyExchangeDN=/o=x)(proxyAddresses=x500:/o=x))",
           "legacyExchangeDN, now or formerly");
    ok(!ldaprole_legacy_dn_filter(&plain, "/o=x", "", pool), "there is none");
}

static void test_names(void)
{
    int role;

    is_int(ldaprole_named("user"), LDAPROLE_USER, "user");
    is_int(ldaprole_named("LegacyDN"), LDAPROLE_LEGACY_DN, "LegacyDN");
    is_int(ldaprole_named("login"), LDAPROLE_COUNT, "login is no role");
    is_int(ldaprole_named(""), LDAPROLE_COUNT, "nor is nothing");
    ok(!ldaprole_may_be_none(LDAPROLE_USER), "user is needed");
    ok(!ldaprole_may_be_none(LDAPROLE_MAIL), "mail is needed");
    ok(ldaprole_may_be_none(LDAPROLE_GUID), "guid is not");
    for (role = 0; role < LDAPROLE_COUNT; role++) {
        const char *name = ldaprole_default((ldaprole_e)role);

        ok(*name ? ldaprole_is_attribute(name) : role == LDAPROLE_HOST,
           "%s is the name of an attribute, host has none", name);
    }
    ok(ldaprole_is_attribute("cn;lang-de"), "with an option");
    ok(ldaprole_is_attribute("1.2.840.113556.1.4.221"), "by number");
    ok(!ldaprole_is_attribute(""), "nothing is none");
    ok(!ldaprole_is_attribute("mail="), "a filter is none");
    ok(!ldaprole_is_attribute("mail)(x"), "half a filter is none");
    ok(!ldaprole_is_attribute("*"), "all are none");
}

static void any_attribute(apr_pool_t *pool)
{
    static const char *const names[] = {"member", "member:1.2.3:", NULL};

    is_str(ldaprole_any_filter(names, "CN=A (b)*,DC=x", "", pool),
           "(|(member=CN=A \\28b\\29\\2a,DC=x)"
           "(member:1.2.3:=CN=A \\28b\\29\\2a,DC=x))",
           "one of several attributes");
    is_str(ldaprole_any_filter(names + 1, "CN=A", "(mail=*)", pool),
           "(&(mail=*)(|(member:1.2.3:=CN=A)))", "and the filter beside it");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_filters(pool);
    test_names();
    any_attribute(pool);
    apr_terminate();
    return done_testing();
}
