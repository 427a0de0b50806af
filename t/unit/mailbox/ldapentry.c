/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/ldapentry.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static void take(ldapentry_t *entry, ldaprole_e role, const char *value,
                 apr_pool_t *pool)
{
    ldapentry_take(entry, role, value, strlen(value), pool);
}

static const char *address(const record_t *record, int i)
{
    return i < record->addresses->nelts
               ? APR_ARRAY_IDX(record->addresses, i, const char *)
               : NULL;
}

static void test_whole(apr_pool_t *pool)
{
    ldapentry_t entry;
    record_t *record;

    ldapentry_init(&entry, "cn=a", pool);
    take(&entry, LDAPROLE_USER, "alice", pool);
    take(&entry, LDAPROLE_ALIAS, "smtp:Alias@Example.test", pool);
    take(&entry, LDAPROLE_ALIAS, "SMTP:alice@example.test", pool);
    take(&entry, LDAPROLE_ALIAS, "bare@example.test", pool);
    take(&entry, LDAPROLE_ALIAS, "sip:alice@example.test", pool);
    take(&entry, LDAPROLE_ALIAS, "X500:/o=x", pool);
    take(&entry, LDAPROLE_MAIL, "Alice@Example.Test", pool);
    take(&entry, LDAPROLE_MAIL, "second@example.test", pool);
    take(&entry, LDAPROLE_NAME, "Alice <& Co>", pool);
    take(&entry, LDAPROLE_LEGACY_DN, "/o=x/cn=alice", pool);
    take(&entry, LDAPROLE_UPN, "alice@corp.test", pool);
    take(&entry, LDAPROLE_HOST, "store-1.example.test", pool);
    take(&entry, LDAPROLE_HOST, "store-2.example.test", pool);
    ldapentry_take(&entry, LDAPROLE_GUID, "guid-00000000001", 16, pool);
    record = ldapentry_finish(&entry, pool);
    is_int(entry.skipped, 0, "nothing is malformed");
    is_str(record->user, "alice", "user");
    is_str(record->dn, "cn=a", "dn");
    is_str(record->mail, "Alice@example.test", "the first mail counts");
    is_str(record->domain, "example.test", "its domain");
    is_str(record->display_name, "Alice <& Co>", "name");
    is_str(record->legacy_dn, "/o=x/cn=alice", "legacyExchangeDN");
    is_str(record->guid, "64697567-302d-3030-3030-303030303031", "guid");
    is_str(record->host, "store-1.example.test", "the first host counts");
    is_int(record->addresses->nelts, 4, "four addresses, none twice");
    is_str(address(record, 0), "Alice@example.test", "the primary one first");
    is_str(address(record, 1), "Alias@example.test", "then the others");
    is_str(address(record, 2), "bare@example.test", "in their order");
    is_str(address(record, 3), "second@example.test", "further mail values");
}

static void test_malformed(apr_pool_t *pool)
{
    ldapentry_t entry;
    record_t *record;
    int i;

    ldapentry_init(&entry, "cn=a", pool);
    ok(!ldapentry_finish(&entry, pool), "no account name, no record");

    ldapentry_init(&entry, "cn=a", pool);
    take(&entry, LDAPROLE_USER, "alice", pool);
    take(&entry, LDAPROLE_MAIL, "not an address", pool);
    take(&entry, LDAPROLE_NAME, "Alice\nExample", pool);
    take(&entry, LDAPROLE_LEGACY_DN, "/o=\xff", pool);
    take(&entry, LDAPROLE_HOST, "host:993", pool);
    ldapentry_take(&entry, LDAPROLE_GUID, "short", 5, pool);
    ldapentry_take(&entry, LDAPROLE_NAME, "NUL\0inside", 10, pool);
    ldapentry_take(&entry, LDAPROLE_NAME, "", 0, pool);
    record = ldapentry_finish(&entry, pool);
    ok(!record->mail, "no mail");
    is_str(record->display_name, "alice", "the user stands in for the name");
    ok(!record->legacy_dn, "no legacyExchangeDN");
    is_int((long long)strlen(record->guid), 36, "a guid all the same");
    ok(!record->host, "no host");
    ok(entry.skipped >= 7, "what was left out is counted");

    ldapentry_init(&entry, "cn=a", pool);
    take(&entry, LDAPROLE_USER, "alice", pool);
    take(&entry, LDAPROLE_ALIAS, "smtp:second@example.test", pool);
    take(&entry, LDAPROLE_ALIAS, "SMTP:first@example.test", pool);
    record = ldapentry_finish(&entry, pool);
    is_str(record->mail, "first@example.test", "SMTP: is the primary address");
    is_str(address(record, 0), "first@example.test", "and first");

    ldapentry_init(&entry, "cn=a", pool);
    take(&entry, LDAPROLE_USER, "alice", pool);
    for (i = 0; i < RECORD_ADDRESSES_MAX + 5; i++) {
        take(&entry, LDAPROLE_ALIAS,
             apr_psprintf(pool, "smtp:a%d@example.test", i), pool);
    }
    record = ldapentry_finish(&entry, pool);
    is_int(record->addresses->nelts, RECORD_ADDRESSES_MAX, "1000 addresses");
    is_int(entry.skipped, 5, "and no more");
}

static void test_copy(apr_pool_t *pool)
{
    apr_pool_t *other;
    ldapentry_t entry;
    record_t *copy;

    apr_pool_create(&other, pool);
    ldapentry_init(&entry, "cn=a", other);
    take(&entry, LDAPROLE_USER, "alice", other);
    take(&entry, LDAPROLE_MAIL, "alice@example.test", other);
    take(&entry, LDAPROLE_HOST, "store.example.test", other);
    copy = record_copy(ldapentry_finish(&entry, other), pool);
    apr_pool_destroy(other);
    is_str(copy->user, "alice", "a copy outlives what it was made of");
    is_str(address(copy, 0), "alice@example.test", "with its addresses");
    is_str(copy->host, "store.example.test", "and its host");
    ok(!copy->password && !copy->legacy_dn, "and what is not there");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_whole(pool);
    test_malformed(pool);
    test_copy(pool);
    apr_terminate();
    return done_testing();
}
