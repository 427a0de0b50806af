/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_JSON_TEXT_H
#define POSTERN_JSON_TEXT_H

/* Text in JSON strings (RFC 8259 section 7), out.  Pure. */

#include <apr_pools.h>

/* `text` for between the quotes of a JSON string, all of it ASCII; what is no
 * UTF-8 becomes U+FFFD. */
const char *discover_json_escape(const char *text, apr_pool_t *pool);

#endif
