/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_XML_H
#define POSTERN_XML_H

/* Hardened XML in, over libxml2, and XML out.
 *
 * In:  no document type declaration, no entity but the five of XML, no file
 *      and no network access, a ceiling for bytes, depth and elements.
 * Out: a writer that escapes, and replaces what XML cannot carry (invalid
 *      UTF-8, control characters) by U+FFFD, so that every answer is
 *      well-formed whatever a directory or a calendar held.
 * Any thread; call xml_init() once per process before. */

#include <apr_pools.h>
#include <libxml/tree.h>

typedef struct xml_limits_t {
    apr_size_t max_bytes;
    int max_depth;    /* of open elements */
    int max_elements; /* in the whole document */
} xml_limits_t;

/* Prepares libxml2 for threads.  Never calls xmlCleanupParser(): other
 * modules of the same process use the library too. */
void xml_init(void);

/* Parses the `len` bytes at `bytes` (UTF-8, UTF-16, or what their XML
 * declaration names) into *doc, freed with `pool`.  APR_ENOSPC when a limit is
 * passed, APR_EINVAL when the bytes are no well-formed XML, or have a DOCTYPE, or
 * a NUL in text of one byte a character; *why is then a static text. */
apr_status_t xml_parse(xmlDocPtr *doc, const char *bytes, apr_size_t len,
                       const xml_limits_t *limits, const char **why,
                       apr_pool_t *pool);

/* 1 when `node` is the element `name` of namespace `ns` (NULL: any or none). */
int xml_is(xmlNodePtr node, const char *ns, const char *name);

/* The first child element `name` of namespace `ns` (NULL: any or none) below
 * `parent`, or NULL; `parent` may be NULL. */
xmlNodePtr xml_child(xmlNodePtr parent, const char *ns, const char *name);

/* The next element after `node` among its siblings, or NULL; with `node` NULL
 * the first child element of `parent`. */
xmlNodePtr xml_next(xmlNodePtr parent, xmlNodePtr node);

/* The text inside `node`, copied to `pool`: as it stands, or without blanks at
 * both ends.  NULL when `node` is NULL. */
const char *xml_text(xmlNodePtr node, apr_pool_t *pool);
const char *xml_trimmed(xmlNodePtr node, apr_pool_t *pool);

/* The attribute `name` (no namespace) of `node`, copied to `pool`, or NULL. */
const char *xml_attribute(xmlNodePtr node, const char *name, apr_pool_t *pool);

typedef struct xml_out_t xml_out_t;

/* A new document in memory, freed with `pool`; starts with the declaration
 * <?xml version="1.0" encoding="UTF-8"?>. */
xml_out_t *xml_out_create(apr_pool_t *pool);

/* Opens element `name` ("p:name" writes a prefix); xml_out_end() closes it.
 * Namespaces are declared like attributes: xml_out_attribute(x, "xmlns", uri)
 * directly after xml_out_start(). */
void xml_out_start(xml_out_t *x, const char *name);
void xml_out_attribute(xml_out_t *x, const char *name, const char *value);
void xml_out_text(xml_out_t *x, const char *text);
void xml_out_end(xml_out_t *x);

/* <name>text</name>; nothing at all when `text` is NULL. */
void xml_out_element(xml_out_t *x, const char *name, const char *text);

/* Closes what is open and yields the bytes, with a NUL behind them, which live
 * as long as the pool.  APR_EINVAL when something was written where XML has no
 * place for it. */
apr_status_t xml_out_finish(xml_out_t *x, const char **bytes, apr_size_t *len);

#endif
