/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "busy_packed.h"

#include "lib/bytes.h"

#include <apr_strings.h>
#include <string.h>

#define FORM 1 /* changes with what is written */
#define ABSENT 0xffff
#define PERIOD_MIN 24 /* bytes of a period without texts */

static void put_time(bytes_writer_t *w, apr_int64_t t)
{
    bytes_put_u32(w, (apr_uint32_t)((apr_uint64_t)t >> 32));
    bytes_put_u32(w, (apr_uint32_t)((apr_uint64_t)t & 0xffffffffU));
}

static apr_int64_t get_time(bytes_reader_t *r)
{
    apr_uint64_t high = bytes_get_u32(r);

    return (apr_int64_t)(high << 32 | bytes_get_u32(r));
}

static void put_text(bytes_writer_t *w, const char *text)
{
    apr_size_t len = text ? strlen(text) : ABSENT;

    if (!text || len >= ABSENT) {
        w->failed |= text != NULL;
        bytes_put_u16(w, ABSENT);
        return;
    }
    bytes_put_u16(w, (apr_uint16_t)len);
    bytes_put(w, text, len);
}

static const char *get_text(bytes_reader_t *r, apr_pool_t *pool)
{
    apr_uint16_t len = bytes_get_u16(r);
    const unsigned char *text = len == ABSENT ? NULL : bytes_get(r, len);

    return text ? apr_pstrmemdup(pool, (const char *)text, len) : NULL;
}

/* In this order, from the lowest bit. */
static unsigned flags_of(const busy_period_t *p)
{
    return (unsigned)(p->meeting | p->recurring << 1 | p->exception << 2 |
                      p->reminder << 3 | p->private_ << 4);
}

static void set_flags(busy_period_t *p, unsigned flags)
{
    p->meeting = flags & 1;
    p->recurring = flags >> 1 & 1;
    p->exception = flags >> 2 & 1;
    p->reminder = flags >> 3 & 1;
    p->private_ = flags >> 4 & 1;
}

apr_size_t busy_packed_write(unsigned char *to, apr_size_t room,
                             const busy_set_t *set)
{
    bytes_writer_t w;
    int i;

    if (set->hours) {
        return 0;
    }
    bytes_writer_init(&w, to, room);
    bytes_put_u8(&w, FORM);
    bytes_put_u8(&w, (unsigned char)set->has_details);
    bytes_put_u32(&w, (apr_uint32_t)set->periods->nelts);
    for (i = 0; i < set->periods->nelts; i++) {
        const busy_period_t *p = &APR_ARRAY_IDX(set->periods, i, busy_period_t);

        put_time(&w, p->start);
        put_time(&w, p->end);
        bytes_put_u8(&w, (unsigned char)p->type);
        bytes_put_u8(&w, (unsigned char)flags_of(p));
        put_text(&w, p->id);
        put_text(&w, p->subject);
        put_text(&w, p->location);
    }
    return w.failed ? 0 : w.used;
}

/* 0 when it is no period of the window. */
static int read_period(bytes_reader_t *r, busy_set_t *set, apr_pool_t *pool)
{
    busy_period_t p = {.start = get_time(r)};
    int before = set->periods->nelts;
    unsigned type;

    p.end = get_time(r);
    type = bytes_get_u8(r);
    set_flags(&p, bytes_get_u8(r));
    p.id = get_text(r, pool);
    p.subject = get_text(r, pool);
    p.location = get_text(r, pool);
    if (r->failed || type > BUSY_ELSEWHERE) {
        return 0;
    }
    p.type = (busy_type_e)type;
    return busy_add(set, &p) == APR_SUCCESS && set->periods->nelts > before;
}

busy_set_t *busy_packed_read(const unsigned char *bytes, apr_size_t len,
                             busy_window_t window, apr_pool_t *pool)
{
    busy_set_t *set = busy_create(window, pool);
    bytes_reader_t r;
    apr_uint32_t count;

    bytes_reader_init(&r, bytes, len);
    if (bytes_get_u8(&r) != FORM) {
        return NULL;
    }
    set->has_details = bytes_get_u8(&r) != 0;
    count = bytes_get_u32(&r);
    if (r.failed || count > r.left / PERIOD_MIN) {
        return NULL;
    }
    for (; count > 0; count--) {
        if (!read_period(&r, set, pool)) {
            return NULL;
        }
    }
    return r.left == 0 ? set : NULL;
}
