/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/logincache.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#define S(seconds) apr_time_from_sec(seconds)

static int knows(logincache_t *cache, const char *source, const char *user,
                 const char *password, apr_time_t now)
{
    logincache_key_t key;

    logincache_key(cache, &key, source, user, password);
    return logincache_knows(cache, &key, now);
}

static void remember(logincache_t *cache, const char *user, apr_time_t expires)
{
    logincache_key_t key;

    logincache_key(cache, &key, "ldap", user, "secret");
    logincache_remember(cache, &key, expires);
}

static void test_one(logincache_t *cache)
{
    ok(!knows(cache, "ldap", "alice", "secret", S(1)), "empty");
    remember(cache, "alice", S(10));
    ok(knows(cache, "ldap", "alice", "secret", S(9)), "remembered");
    ok(!knows(cache, "ldap", "alice", "secret", S(10)), "until its time");
    ok(!knows(cache, "ldap", "alice", "Secret", S(9)), "another password");
    ok(!knows(cache, "ldap", "alice", "", S(9)), "no password");
    ok(!knows(cache, "ldap", "bob", "secret", S(9)), "another user");
    ok(!knows(cache, "file", "alice", "secret", S(9)), "another source");
    ok(!knows(cache, "ldapa", "lice", "secret", S(9)), "shifted letters");
    ok(!knows(cache, "ldap", "alices", "ecret", S(9)), "shifted the other way");
    remember(cache, "alice", S(20));
    ok(knows(cache, "ldap", "alice", "secret", S(19)), "remembered anew");
}

/* More logins than fit: some are forgotten, none is invented, and those that
 * stay are the latest. */
static void test_many(logincache_t *cache, apr_pool_t *pool)
{
    int i, early = 0, late = 0, invented = 0;

    for (i = 0; i < 10000; i++) {
        remember(cache, apr_psprintf(pool, "user%d", i), S(100 + i));
    }
    for (i = 0; i < 2000; i++) {
        early += knows(cache, "ldap", apr_psprintf(pool, "user%d", i), "secret",
                       S(50));
        late += knows(cache, "ldap", apr_psprintf(pool, "user%d", 9999 - i),
                      "secret", S(50));
        invented += knows(cache, "ldap", apr_psprintf(pool, "nobody%d", i),
                          "secret", S(50));
    }
    ok(early < 500 && late > 1500, "the latest stay (%d early, %d late)", early,
       late);
    is_int(invented, 0, "nobody is invented");
}

int main(void)
{
    apr_pool_t *pool;
    logincache_t *one, *two;
    logincache_key_t a, b;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    one = logincache_create(pool);
    two = logincache_create(pool);
    logincache_key(one, &a, "ldap", "alice", "secret");
    logincache_key(two, &b, "ldap", "alice", "secret");
    ok(memcmp(&a, &b, sizeof(a)) != 0, "each cache has a key of its own");
    test_one(one);
    test_many(one, pool);
    apr_terminate();
    return done_testing();
}
