/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The reading half of xml.h: libxml2's SAX events build the usual tree, and
 * are watched for what we refuse. */

#include "lib/xml.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>

#define XML_OPTIONS                                                            \
    (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |               \
     XML_PARSE_COMPACT | XML_PARSE_NOCDATA)

/* Hangs off ctxt->_private while a document is parsed. */
typedef struct watch_t {
    const xml_limits_t *limits;
    int depth;
    int elements;
    const char *why; /* set by the first refusal */
    apr_status_t rv;
} watch_t;

void xml_init(void)
{
    xmlInitParser();
}

static void refuse(xmlParserCtxtPtr ctxt, apr_status_t rv, const char *why)
{
    watch_t *watch = ctxt->_private;

    if (!watch->why) {
        watch->why = why;
        watch->rv = rv;
    }
    xmlStopParser(ctxt);
}

static void on_doctype(void *data, const xmlChar *name,
                       const xmlChar *public_id, const xmlChar *system_id)
{
    (void)name;
    (void)public_id;
    (void)system_id;
    refuse(data, APR_EINVAL, "document has a DOCTYPE");
}

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix,
                     const xmlChar *uri, int namespaces,
                     const xmlChar **namespace_list, int attributes,
                     int defaulted, const xmlChar **attribute_list)
{
    xmlParserCtxtPtr ctxt = data;
    watch_t *watch = ctxt->_private;

    if (++watch->depth > watch->limits->max_depth) {
        refuse(ctxt, APR_ENOSPC, "document is nested too deeply");
        return;
    }
    if (++watch->elements > watch->limits->max_elements) {
        refuse(ctxt, APR_ENOSPC, "document has too many elements");
        return;
    }
    xmlSAX2StartElementNs(data, name, prefix, uri, namespaces, namespace_list,
                          attributes, defaulted, attribute_list);
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix,
                   const xmlChar *uri)
{
    xmlParserCtxtPtr ctxt = data;
    watch_t *watch = ctxt->_private;

    watch->depth--;
    xmlSAX2EndElementNs(data, name, prefix, uri);
}

static apr_status_t free_doc(void *data)
{
    xmlFreeDoc(data);
    return APR_SUCCESS;
}

/* Runs the parser and takes the document out of its context. */
static xmlDocPtr run(xmlParserCtxtPtr ctxt, watch_t *watch)
{
    xmlDocPtr doc = NULL;

    xmlCtxtUseOptions(ctxt, XML_OPTIONS);
    ctxt->_private = watch;
    ctxt->sax->internalSubset = on_doctype;
    ctxt->sax->startElementNs = on_start;
    ctxt->sax->endElementNs = on_end;
    xmlParseDocument(ctxt);
    doc = ctxt->myDoc;
    ctxt->myDoc = NULL;
    if (doc &&
        (watch->why || !ctxt->wellFormed || !xmlDocGetRootElement(doc))) {
        xmlFreeDoc(doc);
        doc = NULL;
    }
    return doc;
}

/* 1 when text of one byte a character holds a NUL: libxml2 would take it for
 * the end of the document and leave the rest unread. */
static int has_nul(const char *bytes, apr_size_t len)
{
    int is_wide = len < 4 || memchr(bytes, 0, 4) ||
                  memcmp(bytes, "\xff\xfe", 2) == 0 ||
                  memcmp(bytes, "\xfe\xff", 2) == 0;

    return !is_wide && memchr(bytes, 0, len);
}

apr_status_t xml_parse(xmlDocPtr *doc, const char *bytes, apr_size_t len,
                       const xml_limits_t *limits, const char **why,
                       apr_pool_t *pool)
{
    watch_t watch = {.limits = limits, .rv = APR_EINVAL};
    xmlParserCtxtPtr ctxt;

    *doc = NULL;
    *why = "document is empty";
    if (len == 0) {
        return APR_EINVAL;
    }
    *why = "document is too long";
    if (len > limits->max_bytes || len > APR_INT32_MAX) {
        return APR_ENOSPC;
    }
    *why = "document has a NUL";
    if (has_nul(bytes, len)) {
        return APR_EINVAL;
    }
    *why = "out of memory";
    ctxt = xmlCreateMemoryParserCtxt(bytes, (int)len);
    if (!ctxt) {
        return APR_ENOMEM;
    }
    *doc = run(ctxt, &watch);
    xmlFreeParserCtxt(ctxt);
    if (!*doc) {
        *why = watch.why ? watch.why : "document is not well-formed XML";
        return watch.rv;
    }
    apr_pool_cleanup_register(pool, *doc, free_doc, apr_pool_cleanup_null);
    *why = NULL;
    return APR_SUCCESS;
}

int xml_is(xmlNodePtr node, const char *ns, const char *name)
{
    if (!node || node->type != XML_ELEMENT_NODE ||
        strcmp((const char *)node->name, name) != 0) {
        return 0;
    }
    return !ns || (node->ns && node->ns->href &&
                   strcmp((const char *)node->ns->href, ns) == 0);
}

xmlNodePtr xml_next(xmlNodePtr parent, xmlNodePtr node)
{
    if (!node) {
        node = parent ? parent->children : NULL;
    }
    else {
        node = node->next;
    }
    while (node && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

xmlNodePtr xml_child(xmlNodePtr parent, const char *ns, const char *name)
{
    xmlNodePtr node = xml_next(parent, NULL);

    while (node && !xml_is(node, ns, name)) {
        node = xml_next(parent, node);
    }
    return node;
}

/* libxml2's malloc'd string, copied to the pool. */
static const char *to_pool(xmlChar *text, apr_pool_t *pool)
{
    const char *copy = text ? apr_pstrdup(pool, (const char *)text) : NULL;

    xmlFree(text);
    return copy;
}

const char *xml_text(xmlNodePtr node, apr_pool_t *pool)
{
    const char *text;

    if (!node) {
        return NULL;
    }
    text = to_pool(xmlNodeGetContent(node), pool);
    return text ? text : "";
}

const char *xml_trimmed(xmlNodePtr node, apr_pool_t *pool)
{
    const char *text = xml_text(node, pool);
    apr_size_t len;

    if (!text) {
        return NULL;
    }
    while (apr_isspace(*text)) {
        text++;
    }
    len = strlen(text);
    while (len > 0 && apr_isspace(text[len - 1])) {
        len--;
    }
    return apr_pstrmemdup(pool, text, len);
}

const char *xml_attribute(xmlNodePtr node, const char *name, apr_pool_t *pool)
{
    if (!node) {
        return NULL;
    }
    return to_pool(xmlGetNoNsProp(node, (const xmlChar *)name), pool);
}
