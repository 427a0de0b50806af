/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "packed.h"

#include "lib/bytes.h"

#include <stddef.h>
#include <string.h>

/* Changes with the layout, so that a cache of another version is not read. */
#define VERSION 2

enum { NOTHING, NO_MAILBOX, MAILBOX };

/* The texts of a record in their order; no addresses. */
static const struct {
    apr_size_t member;
    int is_needed;
} texts[] = {
    {offsetof(record_t, user), 1},      {offsetof(record_t, display_name), 1},
    {offsetof(record_t, legacy_dn), 0}, {offsetof(record_t, guid), 1},
    {offsetof(record_t, dn), 0},        {offsetof(record_t, host), 0},
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

/* NULL is written as no bytes: an empty text does not occur. */
static void put_text(bytes_writer_t *w, const char *text)
{
    apr_size_t len = text ? strlen(text) : 0;

    bytes_put_u16(w, (apr_uint16_t)len);
    bytes_put(w, text ? text : "", len);
}

apr_size_t packed_write(unsigned char *to, const record_t *record)
{
    bytes_writer_t w;
    apr_size_t i;
    int n;

    bytes_writer_init(&w, to, PACKED_MAX);
    bytes_put_u8(&w, VERSION);
    bytes_put_u8(&w, !record ? NOTHING : record->mail ? MAILBOX : NO_MAILBOX);
    for (i = 0; record && i < TEXTS; i++) {
        put_text(
            &w, *(const char *const *)((const char *)record + texts[i].member));
    }
    if (record) {
        bytes_put_u16(&w, (apr_uint16_t)record->addresses->nelts);
    }
    for (n = 0; record && n < record->addresses->nelts; n++) {
        put_text(&w, APR_ARRAY_IDX(record->addresses, n, const char *));
    }
    return w.failed ? 0 : w.used;
}

/* --- reading --- */

static int get_texts(bytes_reader_t *r, record_t *record, apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < TEXTS; i++) {
        apr_size_t len = bytes_get_u16(r);
        const unsigned char *bytes = bytes_get(r, len);
        const char *text =
            bytes ? record_text((const char *)bytes, len, pool) : NULL;

        if (!text && (len || texts[i].is_needed)) {
            return 0;
        }
        *(const char **)((char *)record + texts[i].member) = text;
    }
    return 1;
}

static int get_addresses(bytes_reader_t *r, record_t *record, int has_mail,
                         apr_pool_t *pool)
{
    int count = bytes_get_u16(r), i;
    const char *why;

    for (i = 0; i < count; i++) {
        apr_size_t len = bytes_get_u16(r);
        const unsigned char *bytes = bytes_get(r, len);

        if (!bytes ||
            record_add_address(record, (const char *)bytes, len,
                               has_mail && i == 0, &why, pool) != APR_SUCCESS) {
            return 0;
        }
    }
    return !has_mail || count > 0;
}

apr_status_t packed_read(const unsigned char *bytes, apr_size_t len,
                         const record_t **found, apr_pool_t *pool)
{
    record_t *record = record_create(pool);
    bytes_reader_t r;
    int version, kind;

    *found = NULL;
    bytes_reader_init(&r, bytes, len);
    version = bytes_get_u8(&r);
    kind = bytes_get_u8(&r);
    if (r.failed || version != VERSION || kind > MAILBOX) {
        return APR_EINVAL;
    }
    if (kind != NOTHING &&
        (!get_texts(&r, record, pool) ||
         !get_addresses(&r, record, kind == MAILBOX, pool))) {
        return APR_EINVAL;
    }
    if (r.failed || r.left) {
        return APR_EINVAL;
    }
    if (kind == NOTHING) {
        return APR_NOTFOUND;
    }
    *found = record;
    return APR_SUCCESS;
}
