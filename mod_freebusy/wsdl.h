/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_WSDL_H
#define POSTERN_WSDL_H

/* The description of the service (WSDL 1.1): the operations that are answered
 * here, in the words of EWS.  Pure; any thread. */

#include "lib/xml.h"

/* The whole document; `location` is the URL of the service. */
xml_out_t *wsdl_write(const char *location, apr_pool_t *pool);

/* The two schemas as tables, in wsdl_types.c. */
typedef enum wsdl_kind_e {
    WSDL_TYPE,        /* begins a complex type with a sequence in it */
    WSDL_ELEMENT,     /* an element of it */
    WSDL_ANY,         /* anything more */
    WSDL_ATTRIBUTE,   /* an attribute, behind all elements */
    WSDL_GLOBAL,      /* an element of its own, of a named type */
    WSDL_ENUMERATION, /* begins a simple type */
    WSDL_VALUE,       /* a value of it */
    WSDL_LIST         /* a list of a simple type */
} wsdl_kind_e;

typedef struct wsdl_row_t {
    wsdl_kind_e kind;
    const char *name; /* of an element: without a type, what it refers to */
    const char *type;
    const char *min, *max; /* how often; NULL: once */
} wsdl_row_t;

extern const wsdl_row_t wsdl_types[], wsdl_messages[]; /* end with no name */

#endif
