/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/uuid.h"

#include "t/unit/tap.h"

#include <apr_general.h>

int main(void)
{
    apr_pool_t *pool;
    const char *a;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    a = discover_uuid_of("alice", pool);
    ok(discover_uuid_is_valid(a), "a name gives a UUID (%s)", a);
    is_str(discover_uuid_of("alice", pool), a, "the same name, the same UUID");
    ok(strcmp(discover_uuid_of("bob", pool), a) != 0, "another for another");
    is_int(a[14], '5', "version 5");
    ok(strchr("89ab", a[19]) != NULL, "the variant of RFC 4122");
    ok(discover_uuid_is_valid("6BA7B810-9dad-11d1-80b4-00c04fd430c8"),
       "capitals are valid");
    ok(!discover_uuid_is_valid(""), "nothing is not");
    ok(!discover_uuid_is_valid("6ba7b810-9dad-11d1-80b4-00c04fd430c"),
       "too short is not");
    ok(!discover_uuid_is_valid("6ba7b810-9dad-11d1-80b4-00c04fd430c8a"),
       "too long is not");
    ok(!discover_uuid_is_valid("6ba7b810-9dad-11d1-80b4+00c04fd430c8"),
       "another separator is not");
    ok(!discover_uuid_is_valid("6ba7b810-9dad-11d1-80b4-00c04fd430cg"),
       "another letter is not");
    apr_terminate();
    return done_testing();
}
