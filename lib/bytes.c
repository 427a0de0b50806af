/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/bytes.h"

#include <string.h>

void bytes_reader_init(bytes_reader_t *r, const void *at, apr_size_t len)
{
    r->at = at;
    r->left = len;
    r->failed = 0;
}

const unsigned char *bytes_get(bytes_reader_t *r, apr_size_t len)
{
    const unsigned char *at = r->at;

    if (r->failed || len > r->left) {
        r->failed = 1;
        return NULL;
    }
    r->at += len;
    r->left -= len;
    return at;
}

unsigned char bytes_get_u8(bytes_reader_t *r)
{
    const unsigned char *b = bytes_get(r, 1);

    return b ? b[0] : 0;
}

apr_uint16_t bytes_get_u16(bytes_reader_t *r)
{
    const unsigned char *b = bytes_get(r, 2);

    return b ? (apr_uint16_t)(b[0] | b[1] << 8) : 0;
}

apr_uint32_t bytes_get_u32(bytes_reader_t *r)
{
    const unsigned char *b = bytes_get(r, 4);

    if (!b) {
        return 0;
    }
    return (apr_uint32_t)b[0] | (apr_uint32_t)b[1] << 8 |
           (apr_uint32_t)b[2] << 16 | (apr_uint32_t)b[3] << 24;
}

void bytes_writer_init(bytes_writer_t *w, void *start, apr_size_t room)
{
    w->start = start;
    w->used = 0;
    w->room = room;
    w->failed = 0;
}

/* Room for `len` more bytes, or NULL once anything did not fit. */
static unsigned char *reserve(bytes_writer_t *w, apr_size_t len)
{
    unsigned char *at = w->start + w->used;

    if (w->failed || len > w->room - w->used) {
        w->failed = 1;
        return NULL;
    }
    w->used += len;
    return at;
}

void bytes_put(bytes_writer_t *w, const void *data, apr_size_t len)
{
    unsigned char *at = reserve(w, len);

    if (at && len) {
        memcpy(at, data, len);
    }
}

void bytes_put_zeros(bytes_writer_t *w, apr_size_t len)
{
    unsigned char *at = reserve(w, len);

    if (at && len) {
        memset(at, 0, len);
    }
}

void bytes_put_u8(bytes_writer_t *w, unsigned char value)
{
    bytes_put(w, &value, 1);
}

void bytes_put_u16(bytes_writer_t *w, apr_uint16_t value)
{
    unsigned char b[2] = {(unsigned char)value, (unsigned char)(value >> 8)};

    bytes_put(w, b, sizeof(b));
}

void bytes_put_u32(bytes_writer_t *w, apr_uint32_t value)
{
    unsigned char b[4] = {(unsigned char)value, (unsigned char)(value >> 8),
                          (unsigned char)(value >> 16),
                          (unsigned char)(value >> 24)};

    bytes_put(w, b, sizeof(b));
}
