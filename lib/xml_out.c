/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The writing half of xml.h: bytes appended to one block that doubles.  Escaped
 * and cleaned in one pass, since printing is most of what an answer costs. */

#include "lib/xml.h"
#include "lib/utf8.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

#define FIRST_ROOM 4096

/* An open element: where its name stands in the bytes. */
typedef struct open_t {
    apr_size_t name;
    apr_size_t len;
} open_t;

struct xml_out_t {
    char *bytes;
    apr_size_t len, room;
    apr_array_header_t *open; /* open_t */
    int in_tag;               /* the last start tag lacks its > */
    int failed;
    apr_pool_t *pool;
};

/* Length of the character at `t` when XML 1.0 (production 2, Char) may carry
 * it, else 0. */
static apr_size_t clean_length(const char *t, apr_size_t left)
{
    apr_size_t n = utf8_char_length(t, left);
    unsigned char c = (unsigned char)t[0];

    if (n == 1 && c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
        return 0;
    }
    if (n == 3 && (memcmp(t, "\xef\xbf\xbe", 3) == 0 ||
                   memcmp(t, "\xef\xbf\xbf", 3) == 0)) {
        return 0;
    }
    return n;
}

/* --- the block --- */

/* Makes room for `n` more bytes and a NUL. */
static char *room_for(xml_out_t *x, apr_size_t n)
{
    apr_size_t room = x->room;
    char *bigger;

    while (room - x->len <= n) {
        room *= 2;
    }
    if (room != x->room) {
        bigger = apr_palloc(x->pool, room);
        memcpy(bigger, x->bytes, x->len);
        x->bytes = bigger;
        x->room = room;
    }
    return x->bytes + x->len;
}

static void put(xml_out_t *x, const char *bytes, apr_size_t n)
{
    memcpy(room_for(x, n), bytes, n);
    x->len += n;
}

#define PUT(x, literal) put(x, literal, sizeof(literal) - 1)

/* --- text --- */

/* What stands for an ASCII character that is not written as it is, or NULL.
 * White space in attributes would come back as blanks. */
static const char *reference_of(char c, int is_attribute)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#13;";
    case '\n':
        return is_attribute ? "&#10;" : NULL;
    case '\t':
        return is_attribute ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

/* The length of the run at `t` that is written as it is and needs no look:
 * ASCII but for the characters above. */
static apr_size_t plain_length(const char *t)
{
    const char *start = t;

    while ((unsigned char)*t >= 0x20 && (unsigned char)*t < 0x7f && *t != '&' &&
           *t != '<' && *t != '>' && *t != '"') {
        t++;
    }
    return (apr_size_t)(t - start);
}

static void put_text(xml_out_t *x, const char *t, int is_attribute)
{
    apr_size_t left = strlen(t), n;
    const char *reference;

    for (; left > 0; t += n, left -= n) {
        n = plain_length(t);
        if (n > 0) {
            put(x, t, n);
            continue;
        }
        reference = reference_of(*t, is_attribute);
        n = clean_length(t, left);
        if (reference) {
            put(x, reference, strlen(reference));
        }
        else if (n > 0) {
            put(x, t, n);
        }
        else {
            PUT(x, REPLACEMENT);
        }
        n = n ? n : 1;
    }
}

/* --- the document --- */

xml_out_t *xml_out_create(apr_pool_t *pool)
{
    xml_out_t *x = apr_pcalloc(pool, sizeof(*x));

    x->pool = pool;
    x->room = FIRST_ROOM;
    x->bytes = apr_palloc(pool, x->room);
    x->open = apr_array_make(pool, 16, sizeof(open_t));
    PUT(x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    return x;
}

/* What follows is content of the element, so its start tag ends. */
static void end_tag(xml_out_t *x)
{
    if (x->in_tag) {
        PUT(x, ">");
        x->in_tag = 0;
    }
}

void xml_out_start(xml_out_t *x, const char *name)
{
    open_t *open;

    end_tag(x);
    PUT(x, "<");
    open = apr_array_push(x->open);
    open->name = x->len;
    open->len = strlen(name);
    put(x, name, open->len);
    x->in_tag = 1;
}

void xml_out_attribute(xml_out_t *x, const char *name, const char *value)
{
    if (!x->in_tag) {
        x->failed = 1;
        return;
    }
    PUT(x, " ");
    put(x, name, strlen(name));
    PUT(x, "=\"");
    put_text(x, value, 1);
    PUT(x, "\"");
}

void xml_out_text(xml_out_t *x, const char *text)
{
    if (x->open->nelts == 0) {
        x->failed = 1;
        return;
    }
    end_tag(x);
    put_text(x, text, 0);
}

void xml_out_end(xml_out_t *x)
{
    const open_t *open = apr_array_pop(x->open);

    if (!open) {
        x->failed = 1;
        return;
    }
    if (x->in_tag) {
        PUT(x, "/>");
        x->in_tag = 0;
        return;
    }
    PUT(x, "</");
    room_for(x, open->len); /* before the name, which it may move */
    put(x, x->bytes + open->name, open->len);
    PUT(x, ">");
}

void xml_out_element(xml_out_t *x, const char *name, const char *text)
{
    if (text) {
        xml_out_start(x, name);
        xml_out_text(x, text);
        xml_out_end(x);
    }
}

apr_status_t xml_out_finish(xml_out_t *x, const char **bytes, apr_size_t *len)
{
    while (x->open->nelts > 0) {
        xml_out_end(x);
    }
    if (x->failed) {
        return APR_EINVAL;
    }
    PUT(x, "\n");
    x->bytes[x->len] = '\0';
    *bytes = x->bytes;
    *len = x->len;
    return APR_SUCCESS;
}
