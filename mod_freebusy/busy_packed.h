/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_BUSY_PACKED_H
#define POSTERN_BUSY_PACKED_H

/* What is known about a mailbox in a window, as bytes for a cache that other
 * processes and machines share.  What comes back is checked as if a calendar had
 * said it.  Pure; any thread. */

#include "busy.h"

/* Packs `set` into the `room` bytes at `to`.  The length, or 0 when it does not
 * fit, or tells hours of work: their zone is not packed. */
apr_size_t busy_packed_write(unsigned char *to, apr_size_t room,
                             const busy_set_t *set);

/* Reads it back, as known in `window`: NULL for bytes that busy_packed_write()
 * does not make. */
busy_set_t *busy_packed_read(const unsigned char *bytes, apr_size_t len,
                             busy_window_t window, apr_pool_t *pool);

#endif
