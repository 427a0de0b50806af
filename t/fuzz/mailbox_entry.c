/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Values of a directory's entry, one behind the other: role, length, bytes.
 * Whatever they are, the record is safe to print. */

#include "mod_mailbox/ldapentry.h"

#include "lib/utf8.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    const char *p;

    if (!text) {
        return;
    }
    for (p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            abort();
        }
    }
    if (p == text || !utf8_is_valid(text, strlen(text))) {
        abort();
    }
}

static void check_record(const record_t *record)
{
    int i;

    check_text(record->user);
    check_text(record->mail);
    check_text(record->display_name);
    check_text(record->legacy_dn);
    check_text(record->guid);
    for (i = 0; i < record->addresses->nelts; i++) {
        check_text(APR_ARRAY_IDX(record->addresses, i, const char *));
    }
    if (!record->guid || !record->display_name ||
        (record->mail &&
         strcmp(record->mail,
                APR_ARRAY_IDX(record->addresses, 0, const char *)) != 0)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    ldapentry_t entry;
    record_t *record;

    if (!global) {
        apr_initialize();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    ldapentry_init(&entry, "cn=x", pool);
    while (size >= 2) {
        ldaprole_e role = (ldaprole_e)(data[0] % LDAPROLE_COUNT);
        size_t len = data[1] < size - 2 ? data[1] : size - 2;

        ldapentry_take(&entry, role, (const char *)data + 2, len, pool);
        data += 2 + len;
        size -= 2 + len;
    }
    record = ldapentry_finish(&entry, pool);
    if (record) {
        check_record(record);
    }
    apr_pool_destroy(pool);
    return 0;
}
