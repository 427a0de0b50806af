/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "header.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* ---- fields ---- */

/* The length of the field name before its colon, 0 when the line is no field
 * (RFC 5322 section 2.2). */
static apr_size_t name_length(const char *line, apr_size_t len)
{
    apr_size_t n = 0;

    while (n < len && line[n] > ' ' && line[n] < 0x7f && line[n] != ':') {
        n++;
    }
    return n < len && line[n] == ':' ? n : 0;
}

/* The length of the line at `text` with its end, and without it in *bare. */
static apr_size_t line_length(const char *text, apr_size_t len,
                              apr_size_t *bare)
{
    const char *end = memchr(text, '\n', len);

    *bare = end ? (apr_size_t)(end - text) : len;
    if (*bare > 0 && text[*bare - 1] == '\r') {
        --*bare;
    }
    return end ? (apr_size_t)(end - text) + 1 : len;
}

static char clean(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f ? '?' : c;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *trimmed(const char *text, apr_pool_t *pool)
{
    apr_size_t len;

    text += strspn(text, " \t");
    len = strlen(text);
    while (len > 0 && is_blank(text[len - 1])) {
        len--;
    }
    return apr_pstrmemdup(pool, text, len);
}

/* One field with all its lines, of `len` bytes. */
static void add_field(apr_array_header_t *fields, const char *text,
                      apr_size_t len, apr_pool_t *pool)
{
    header_field_t *field = apr_array_push(fields);
    char *lines = apr_palloc(pool, 3 * len + 3), *out = lines;
    char *value = apr_palloc(pool, len + 1), *to = value;
    apr_size_t at = 0, bare, i, name = strcspn(text, ":");

    field->name = apr_pstrmemdup(pool, text, name);
    while (at < len) {
        apr_size_t n = line_length(text + at, len - at, &bare);

        for (i = 0; i < bare; i++) {
            *out++ = clean(text[at + i]);
        }
        *out++ = '\r';
        *out++ = '\n';
        /* The blanks at a fold count for one. */
        i = at ? 0 : name + 1;
        while (i < bare && is_blank(text[at + i])) {
            i++;
        }
        while (at && to > value && is_blank(to[-1])) {
            to--;
        }
        if (at) {
            *to++ = ' ';
        }
        for (; i < bare; i++) {
            *to++ = clean(text[at + i]);
        }
        at += n;
    }
    *out = *to = '\0';
    field->lines = lines;
    field->value = trimmed(value, pool);
}

void header_split(const char *text, apr_size_t len, apr_array_header_t **fields,
                  apr_size_t *used, apr_pool_t *pool)
{
    apr_size_t at = 0, bare, n, start = 0;
    int inside = 0; /* a field began at `start` */

    *fields = apr_array_make(pool, 16, sizeof(header_field_t));
    *used = 0;
    while (at < len) {
        n = line_length(text + at, len - at, &bare);
        if (!(inside && bare > 0 && is_blank(text[at]))) {
            if (inside) {
                add_field(*fields, text + start, at - start, pool);
            }
            inside = name_length(text + at, bare) > 0;
            start = at;
            if (bare == 0) {
                *used = at + n;
                return;
            }
            /* A line that is no field begins the body, save the one that
             * mailbox files put in front. */
            if (!inside && (at > 0 || strncmp(text, "From ", 5) != 0)) {
                break;
            }
        }
        at += n;
    }
    if (inside) {
        add_field(*fields, text + start, at - start, pool);
    }
    *used = at;
}

const char *header_value(const apr_array_header_t *fields, const char *name)
{
    int i;

    for (i = 0; i < fields->nelts; i++) {
        const header_field_t *f = &APR_ARRAY_IDX(fields, i, header_field_t);

        if (apr_cstr_casecmp(f->name, name) == 0) {
            return f->value;
        }
    }
    return NULL;
}

/* ---- addresses ---- */

/* Skips a comment with the comments inside it. */
static const char *skip_comment(const char *s)
{
    int depth = 0;

    for (; *s; s++) {
        if (*s == '\\' && s[1]) {
            s++;
        }
        else if (*s == '(') {
            depth++;
        }
        else if (*s == ')' && --depth == 0) {
            return s + 1;
        }
    }
    return s;
}

/* Copies a quoted string. */
static const char *copy_quoted(const char *s, char **out)
{
    *(*out)++ = *s++;
    while (*s && *s != '"') {
        if (*s == '\\' && s[1]) {
            *(*out)++ = *s++;
        }
        *(*out)++ = *s++;
    }
    if (*s) {
        *(*out)++ = *s++;
    }
    return s;
}

/* What one mailbox is worth: what stands in brackets, else all of it. */
static void take_mailbox(char *text, char *bracket,
                         apr_array_header_t *addresses, apr_pool_t *pool)
{
    const char *address = text;
    char *end;

    if (bracket) {
        end = strchr(bracket, '>');
        if (end) {
            *end = '\0';
        }
        address = bracket;
    }
    address = trimmed(address, pool);
    if (*address) {
        APR_ARRAY_PUSH(addresses, const char *) = address;
    }
}

void header_addresses(const char *s, apr_array_header_t *addresses,
                      apr_pool_t *pool)
{
    char *text = apr_palloc(pool, strlen(s) + 1), *out = text, *bracket = NULL;

    while (*s) {
        switch (*s) {
        case '(':
            s = skip_comment(s);
            continue;
        case '"':
            s = copy_quoted(s, &out);
            continue;
        case ':': /* the name of a group ends */
            out = text;
            bracket = NULL;
            break;
        case '<':
            bracket = out;
            break;
        case ',':
        case ';':
            *out = '\0';
            take_mailbox(text, bracket, addresses, pool);
            out = text;
            bracket = NULL;
            break;
        default:
            *out++ = *s;
        }
        s++;
    }
    *out = '\0';
    take_mailbox(text, bracket, addresses, pool);
}
