/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_GUID_H
#define POSTERN_GUID_H

/* GUIDs as text: 8-4-4-4-12, lower case.  Pure; any thread. */

#include <apr_pools.h>

#define GUID_TEXT_LENGTH 36

/* The text of the 16 bytes of an objectGUID: its first three parts are
 * little-endian ([MS-DTYP] section 2.3.4.2). */
const char *guid_from_bytes(const unsigned char bytes[16], apr_pool_t *pool);

/* `len` bytes that are a GUID in text, with or without braces, in lower case;
 * NULL when they are none. */
const char *guid_from_text(const char *text, apr_size_t len, apr_pool_t *pool);

/* A GUID that is always the same for the same `name`: RFC 4122 section 4.3,
 * version 5, in a name space of our own. */
const char *guid_from_name(const char *name, apr_pool_t *pool);

#endif
