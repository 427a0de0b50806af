/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_HEADER_H
#define SUBMIT_HEADER_H

/* The header of a message that somebody else wrote, for the sendmail
 * personality.  Pure; any thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#define HEADER_MAX (256 * 1024)

typedef struct header_field_t {
    const char *name;  /* as written */
    const char *lines; /* the whole field in CRLF, with its name */
    const char *value; /* unfolded, without blanks at both ends */
} header_field_t;

/* Splits a header: *fields of header_field_t; *used is how many of the `len`
 * bytes at `text` it took, with its empty line.  A first line that is no field
 * is body.  Bytes that may not stand in a header are replaced by '?'. */
void header_split(const char *text, apr_size_t len, apr_array_header_t **fields,
                  apr_size_t *used, apr_pool_t *pool);

/* The value of field `name`, or NULL. */
const char *header_value(const apr_array_header_t *fields, const char *name);

/* The addresses of an address list ("Name <a@b>, c@d (comment), group: e@f;")
 * as texts without brackets, appended to `addresses` (const char *). */
void header_addresses(const char *value, apr_array_header_t *addresses,
                      apr_pool_t *pool);

#endif
