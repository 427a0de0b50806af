/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/packed.h"

#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static record_t *alice(int addresses, apr_pool_t *pool)
{
    record_t *record = record_create(pool);
    const char *why;
    int i;

    record->user = "alice";
    record->dn = "cn=alice,dc=example,dc=test";
    record->password = "never packed";
    record->host = "store.example.test";
    for (i = 0; i < addresses; i++) {
        const char *text = apr_psprintf(pool, "alice%d@example.test", i);

        record_add_address(record, text, strlen(text), i == 1, &why, pool);
    }
    record_finish(record, pool);
    return record;
}

static void test_round_trip(apr_pool_t *pool)
{
    unsigned char bytes[PACKED_MAX];
    const record_t *got;
    apr_size_t len = packed_write(bytes, alice(3, pool));

    is_int(packed_read(bytes, len, &got, pool), APR_SUCCESS, "a mailbox");
    is_str(got->user, "alice", "its user");
    is_str(got->mail, "alice1@example.test", "its primary address");
    is_str(got->domain, "example.test", "and domain");
    is_int(got->addresses->nelts, 3, "all addresses");
    is_str(got->dn, "cn=alice,dc=example,dc=test", "its entry");
    is_str(got->guid, alice(3, pool)->guid, "its guid");
    is_str(got->host, "store.example.test", "its host");
    is_str(got->legacy_dn, NULL, "what it has not");
    is_str(got->password, NULL, "no password");
    len = packed_write(bytes, alice(0, pool));
    is_int(packed_read(bytes, len, &got, pool), APR_SUCCESS, "a user");
    is_str(got->mail, NULL, "without mail address");
    len = packed_write(bytes, NULL);
    is_int(packed_read(bytes, len, &got, pool), APR_NOTFOUND, "nobody");
    ok(got == NULL, "no record then");
    is_int((long long)packed_write(bytes, alice(500, pool)), 0,
           "a record that does not fit");
}

static void test_hostile(apr_pool_t *pool)
{
    unsigned char bytes[PACKED_MAX + 1];
    const record_t *got;
    apr_size_t len = packed_write(bytes, alice(3, pool)), i, bad = 0;

    for (i = 0; i < len; i++) {
        bad += packed_read(bytes, i, &got, pool) != APR_EINVAL;
    }
    is_int((long long)bad, 0, "cut off anywhere");
    bytes[len] = 0;
    is_int(packed_read(bytes, len + 1, &got, pool), APR_EINVAL,
           "one byte more");
    bytes[4] = '\n';
    is_int(packed_read(bytes, len, &got, pool), APR_EINVAL,
           "a control character in the name");
    bytes[0]++;
    is_int(packed_read(bytes, len, &got, pool), APR_EINVAL, "another version");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_round_trip(pool);
    test_hostile(pool);
    apr_pool_destroy(pool);
    return done_testing();
}
