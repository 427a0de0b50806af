/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ALTERNATIVES_H
#define POSTERN_ALTERNATIVES_H

/* Further mailboxes, as plain XML and SOAP print them alike.  Pure. */

#include "lib/xml.h"

#include <apr_tables.h>

/* An element `name` for each of `alternatives` (discover_alternative_t), which
 * may be NULL. */
void discover_alternatives_print(xml_out_t *x, const char *name,
                                 const apr_array_header_t *alternatives);

#endif
