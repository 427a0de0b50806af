/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_PACKED_H
#define POSTERN_PACKED_H

/* A record, or that there is none, as bytes for a cache that other processes
 * and machines share.  What comes back is checked as if a directory had said
 * it.  Hashes of passwords are never packed.  Pure; any thread. */

#include "record.h"

#define PACKED_MAX 8192 /* bytes; longer records are not kept */

/* Packs `record`, or that nothing was found when it is NULL, into PACKED_MAX
 * bytes at `to`.  The length, or 0 when it does not fit. */
apr_size_t packed_write(unsigned char *to, const record_t *record);

/* Reads it back: APR_SUCCESS with a record in `pool`, APR_NOTFOUND when that is
 * what was packed, APR_EINVAL for bytes that packed_write() does not make. */
apr_status_t packed_read(const unsigned char *bytes, apr_size_t len,
                         const record_t **record, apr_pool_t *pool);

#endif
