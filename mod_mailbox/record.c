/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "record.h"

#include "guid.h"

#include "lib/mailaddr.h"
#include "lib/utf8.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

record_t *record_create(apr_pool_t *pool)
{
    record_t *record = apr_pcalloc(pool, sizeof(*record));

    record->addresses = apr_array_make(pool, 4, sizeof(const char *));
    return record;
}

record_t *record_copy(const record_t *from, apr_pool_t *pool)
{
    record_t *to = apr_pcalloc(pool, sizeof(*to));
    int i;

    to->user = apr_pstrdup(pool, from->user);
    to->mail = apr_pstrdup(pool, from->mail);
    to->domain = apr_pstrdup(pool, from->domain);
    to->display_name = apr_pstrdup(pool, from->display_name);
    to->legacy_dn = apr_pstrdup(pool, from->legacy_dn);
    to->guid = apr_pstrdup(pool, from->guid);
    to->host = apr_pstrdup(pool, from->host);
    to->dn = apr_pstrdup(pool, from->dn);
    to->password = apr_pstrdup(pool, from->password);
    to->addresses = apr_array_copy(pool, from->addresses);
    for (i = 0; i < to->addresses->nelts; i++) {
        const char **address = &APR_ARRAY_IDX(to->addresses, i, const char *);

        *address = apr_pstrdup(pool, *address);
    }
    return to;
}

const char *record_text(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    apr_size_t i;

    if (len == 0 || len > RECORD_TEXT_MAX || !utf8_is_valid(bytes, len)) {
        return NULL;
    }
    for (i = 0; i < len; i++) {
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f) {
            return NULL;
        }
    }
    return apr_pstrmemdup(pool, bytes, len);
}

int record_is_host(const char *text)
{
    const char *p;

    for (p = text; *p; p++) {
        if (!apr_isalnum(*p) && *p != '-' && *p != '.') {
            return 0;
        }
    }
    return p > text;
}

/* Where `address` stands in the list, or -1. */
static int index_of(const apr_array_header_t *addresses, const char *address)
{
    int i;

    for (i = 0; i < addresses->nelts; i++) {
        if (mailaddr_same(APR_ARRAY_IDX(addresses, i, const char *), address)) {
            return i;
        }
    }
    return -1;
}

static void move_to_front(apr_array_header_t *addresses, int from)
{
    const char **list = (const char **)addresses->elts;
    const char *address = list[from];

    memmove(list + 1, list, (apr_size_t)from * sizeof(*list));
    list[0] = address;
}

apr_status_t record_add_address(record_t *record, const char *text,
                                apr_size_t len, int primary, const char **why,
                                apr_pool_t *pool)
{
    mailaddr_t addr;
    int at;

    if (mailaddr_parse(&addr, text, len, why, pool) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    at = index_of(record->addresses, addr.text);
    if (at < 0 && record->addresses->nelts >= RECORD_ADDRESSES_MAX) {
        *why = "mailbox has more than 1000 addresses";
        return APR_EINVAL;
    }
    if (at < 0) {
        at = record->addresses->nelts;
        APR_ARRAY_PUSH(record->addresses, const char *) = addr.text;
    }
    if (primary) {
        record->mail = addr.text;
        record->domain = addr.domain;
        APR_ARRAY_IDX(record->addresses, at, const char *) = addr.text;
        move_to_front(record->addresses, at);
    }
    return APR_SUCCESS;
}

/* The name a guid is derived from: what is least likely to change. */
static const char *lasting_name(const record_t *record, apr_pool_t *pool)
{
    char *name = apr_pstrdup(pool, record->mail ? record->mail : record->user);
    char *p;

    for (p = name; *p; p++) {
        *p = (char)apr_tolower(*p);
    }
    return name;
}

void record_finish(record_t *record, apr_pool_t *pool)
{
    if (!record->display_name) {
        record->display_name = record->mail ? record->mail : record->user;
    }
    if (!record->guid) {
        record->guid = guid_from_name(lasting_name(record, pool), pool);
    }
}
