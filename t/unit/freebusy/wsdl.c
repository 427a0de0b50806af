/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The tables of the description: what is used is there, once, and what is there
 * is used. */

#include "mod_freebusy/wsdl.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static int defines(const wsdl_row_t *row)
{
    return row->kind == WSDL_TYPE || row->kind == WSDL_ENUMERATION ||
           row->kind == WSDL_LIST;
}

/* How often the table of `prefix` has a type, or a global element, `name`. */
static int count(const char *prefixed, int global)
{
    const wsdl_row_t *row = *prefixed == 't' ? wsdl_types : wsdl_messages;
    int n = 0;

    for (; row->name; row++) {
        if ((global ? row->kind == WSDL_GLOBAL : defines(row)) &&
            strcmp(row->name, prefixed + 2) == 0) {
            n++;
        }
    }
    return n;
}

static int is_ours(const char *name)
{
    return name && (strncmp(name, "t:", 2) == 0 || strncmp(name, "m:", 2) == 0);
}

static void test_uses(const wsdl_row_t *row)
{
    for (; row->name; row++) {
        if (is_ours(row->type)) {
            is_int(count(row->type, 0), 1,
                   row->kind == WSDL_GLOBAL ? row->name : row->type);
        }
        if (row->kind == WSDL_ELEMENT && !row->type) {
            is_int(count(row->name, 1), 1, row->name);
        }
    }
}

/* 1 when some row refers to `prefixed` as its type. */
static int is_used(const char *prefixed)
{
    const wsdl_row_t *const tables[] = {wsdl_types, wsdl_messages};
    const wsdl_row_t *row;
    int i;

    for (i = 0; i < 2; i++) {
        for (row = tables[i]; row->name; row++) {
            if (row->type && strcmp(row->type, prefixed) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

/* The two that stand in an array of anything. */
static int stands_alone(const char *name)
{
    return strcmp(name, "UnknownAttendeeConflictData") == 0 ||
           strcmp(name, "IndividualAttendeeConflictData") == 0;
}

static void test_types(const char *prefix, const wsdl_row_t *row,
                       apr_pool_t *pool)
{
    for (; row->name; row++) {
        if (defines(row) && !stands_alone(row->name)) {
            ok(is_used(apr_pstrcat(pool, prefix, row->name, NULL)),
               "%s%s is used", prefix, row->name);
        }
    }
}

static void test_document(apr_pool_t *pool)
{
    static const xml_limits_t limits = {1 << 20, 20, 5000};
    const char *bytes, *why;
    apr_size_t len;
    xmlDocPtr doc;

    is_int(
        xml_out_finish(wsdl_write("https://mail/a?b&c\"<", pool), &bytes, &len),
        APR_SUCCESS, "it is written");
    is_int(xml_parse(&doc, bytes, len, &limits, &why, pool), APR_SUCCESS,
           "and well-formed, whatever the address is");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    xml_init();
    test_uses(wsdl_types);
    test_uses(wsdl_messages);
    test_types("t:", wsdl_types, pool);
    test_types("m:", wsdl_messages, pool);
    test_document(pool);
    apr_terminate();
    return done_testing();
}
