/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_UUID_H
#define POSTERN_UUID_H

/* UUIDs that are always the same for the same name (RFC 4122 section 4.3,
 * version 5).  Pure. */

#include <apr_pools.h>

/* The UUID of `name` in a name space of our own, 8-4-4-4-12 in lower case. */
const char *discover_uuid_of(const char *name, apr_pool_t *pool);

/* 1 when `text` is written as 8-4-4-4-12 hexadecimal digits. */
int discover_uuid_is_valid(const char *text);

#endif
