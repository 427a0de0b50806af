/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ldapentry.h"

#include "guid.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

static const char smtp_prefix[] = "smtp:";

void ldapentry_init(ldapentry_t *entry, const char *dn, apr_pool_t *pool)
{
    memset(entry, 0, sizeof(*entry));
    entry->record = record_create(pool);
    entry->record->dn = apr_pstrdup(pool, dn);
}

static void add(ldapentry_t *entry, const char *address, int primary,
                apr_pool_t *pool)
{
    const char *why;

    if (record_add_address(entry->record, address, strlen(address), primary,
                           &why, pool) != APR_SUCCESS) {
        entry->skipped++;
    }
}

/* SMTP:primary, smtp:further, or a bare address; x500:, sip: and their like
 * are no mail addresses. */
static void take_alias(ldapentry_t *entry, const char *value, apr_pool_t *pool)
{
    apr_size_t prefix = strlen(smtp_prefix);

    if (apr_cstr_casecmpn(value, smtp_prefix, prefix) == 0) {
        if (value[0] == 'S' && !entry->primary) {
            entry->primary = value + prefix;
        }
        add(entry, value + prefix, 0, pool);
    }
    else if (!strchr(value, ':')) {
        add(entry, value, 0, pool);
    }
}

static const char *take_guid(const char *value, apr_size_t len,
                             apr_pool_t *pool)
{
    if (len == 16) {
        return guid_from_bytes((const unsigned char *)value, pool);
    }
    return guid_from_text(value, len, pool);
}

/* The first value of an attribute counts. */
static void keep_first(const char **member, const char *value)
{
    if (!*member) {
        *member = value;
    }
}

void ldapentry_take(ldapentry_t *entry, ldaprole_e role, const char *value,
                    apr_size_t len, apr_pool_t *pool)
{
    record_t *record = entry->record;
    const char *text = role == LDAPROLE_GUID ? take_guid(value, len, pool)
                                             : record_text(value, len, pool);

    if (!text) {
        entry->skipped++;
        return;
    }
    switch (role) {
    case LDAPROLE_USER:
        keep_first(&record->user, text);
        break;
    case LDAPROLE_MAIL:
        keep_first(&entry->mail, text);
        add(entry, text, 0, pool);
        break;
    case LDAPROLE_ALIAS:
        take_alias(entry, text, pool);
        break;
    case LDAPROLE_NAME:
        keep_first(&record->display_name, text);
        break;
    case LDAPROLE_LEGACY_DN:
        keep_first(&record->legacy_dn, text);
        break;
    case LDAPROLE_GUID:
        keep_first(&record->guid, text);
        break;
    case LDAPROLE_HOST:
        if (record_is_host(text)) {
            keep_first(&record->host, text);
        }
        else {
            entry->skipped++;
        }
        break;
    case LDAPROLE_UPN:
    case LDAPROLE_COUNT:
        break;
    }
}

record_t *ldapentry_finish(ldapentry_t *entry, apr_pool_t *pool)
{
    record_t *record = entry->record;

    if (!record->user) {
        return NULL;
    }
    if (entry->mail) {
        add(entry, entry->mail, 1, pool);
    }
    if (!record->mail && entry->primary) {
        add(entry, entry->primary, 1, pool);
    }
    record_finish(record, pool);
    return record;
}
