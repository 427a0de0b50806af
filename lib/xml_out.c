/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The writing half of xml.h: libxml2's xmlTextWriter with a sticky failure and
 * cleaned text. */

#include "lib/xml.h"
#include "lib/utf8.h"

#include <apr_strings.h>
#include <libxml/xmlwriter.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct xml_out_t {
    xmlBufferPtr buffer;
    xmlTextWriterPtr writer;
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

const char *xml_clean(const char *text, apr_pool_t *pool)
{
    apr_size_t left = strlen(text), n, bad = 0;
    const char *t;
    char *clean, *to;

    for (t = text; *t; t += n ? n : 1) {
        n = clean_length(t, left - (apr_size_t)(t - text));
        bad += n == 0;
    }
    if (!bad) {
        return text;
    }
    clean = to = apr_palloc(pool, left + bad * (sizeof(REPLACEMENT) - 1) + 1);
    for (t = text; *t; t += n ? n : 1) {
        n = clean_length(t, left - (apr_size_t)(t - text));
        memcpy(to, n ? t : REPLACEMENT, n ? n : sizeof(REPLACEMENT) - 1);
        to += n ? n : sizeof(REPLACEMENT) - 1;
    }
    *to = '\0';
    return clean;
}

static apr_status_t free_out(void *data)
{
    xml_out_t *x = data;

    if (x->writer) {
        xmlFreeTextWriter(x->writer);
    }
    if (x->buffer) {
        xmlBufferFree(x->buffer);
    }
    return APR_SUCCESS;
}

/* Remembers that a call of xmlTextWriter failed. */
static void note(xml_out_t *x, int rc)
{
    x->failed |= rc < 0;
}

xml_out_t *xml_out_create(apr_pool_t *pool)
{
    xml_out_t *x = apr_pcalloc(pool, sizeof(*x));

    x->pool = pool;
    x->buffer = xmlBufferCreate();
    x->writer = x->buffer ? xmlNewTextWriterMemory(x->buffer, 0) : NULL;
    apr_pool_cleanup_register(pool, x, free_out, apr_pool_cleanup_null);
    if (!x->writer) {
        x->failed = 1;
        return x;
    }
    note(x, xmlTextWriterStartDocument(x->writer, "1.0", "utf-8", NULL));
    return x;
}

void xml_out_start(xml_out_t *x, const char *name)
{
    if (!x->failed) {
        note(x, xmlTextWriterStartElement(x->writer, (const xmlChar *)name));
    }
}

void xml_out_attribute(xml_out_t *x, const char *name, const char *value)
{
    if (!x->failed) {
        value = xml_clean(value, x->pool);
        note(x, xmlTextWriterWriteAttribute(x->writer, (const xmlChar *)name,
                                            (const xmlChar *)value));
    }
}

void xml_out_text(xml_out_t *x, const char *text)
{
    if (!x->failed) {
        text = xml_clean(text, x->pool);
        note(x, xmlTextWriterWriteString(x->writer, (const xmlChar *)text));
    }
}

void xml_out_end(xml_out_t *x)
{
    if (!x->failed) {
        note(x, xmlTextWriterEndElement(x->writer));
    }
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
    if (!x->failed) {
        note(x, xmlTextWriterEndDocument(x->writer));
        note(x, xmlTextWriterFlush(x->writer));
    }
    if (x->failed) {
        return APR_ENOMEM;
    }
    *bytes = (const char *)xmlBufferContent(x->buffer);
    *len = (apr_size_t)xmlBufferLength(x->buffer);
    return APR_SUCCESS;
}
