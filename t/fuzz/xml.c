/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The hardened XML reader, and the writer with what was read: a document that
 * we print must be one that we can read again. */

#include "lib/xml.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const xml_limits_t limits = {65536, 32, 2000};

static int print_tree(xml_out_t *out, xmlNodePtr parent, apr_pool_t *pool)
{
    xmlNodePtr node = NULL;
    int elements = 0;

    while ((node = xml_next(parent, node)) != NULL) {
        const char *value = xml_attribute(node, "a", pool);

        xml_out_start(out, "e");
        if (value) {
            xml_out_attribute(out, "a", value);
        }
        xml_out_element(out, "t", xml_trimmed(node, pool));
        elements += 2 + print_tree(out, node, pool);
        xml_out_end(out);
    }
    return elements;
}

static void print_and_read_back(xmlNodePtr root, apr_pool_t *pool)
{
    static const xml_limits_t generous = {1 << 26, 64, 10000};
    xml_out_t *out = xml_out_create(pool);
    const char *bytes, *why;
    apr_size_t len;
    xmlDocPtr again;

    xml_out_start(out, "root");
    xml_out_element(out, "text", xml_text(root, pool));
    print_tree(out, root, pool);
    if (xml_out_finish(out, &bytes, &len) != APR_SUCCESS ||
        xml_parse(&again, bytes, len, &generous, &why, pool) != APR_SUCCESS) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    const char *why = NULL;
    xmlDocPtr doc;

    if (!global) {
        apr_initialize();
        xml_init();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    if (xml_parse(&doc, (const char *)data, size, &limits, &why, pool) ==
        APR_SUCCESS) {
        print_and_read_back(xmlDocGetRootElement(doc), pool);
    }
    else if (!why) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
