/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_DISK_H
#define SUBMIT_DISK_H

/* Files that are on disk when a call returns.  POSIX, because APR can neither
 * flush a directory nor take a lock that belongs to one descriptor.  Every
 * function yields 0 or an errno value. */

#include <apr_pools.h>
#include <sys/types.h>

/* Writes all `len` bytes. */
int disk_write(int fd, const void *data, apr_size_t len);

/* Flushes the directory that holds `path`. */
int disk_sync_parent(const char *path, apr_pool_t *pool);

/* The same when `fd` is the file at `path`, also in a directory that we may
 * write to and not read: then the whole file system is flushed. */
int disk_sync_name(int fd, const char *path, apr_pool_t *pool);

/* The bytes of a regular file of at most `max` bytes, NUL-terminated;
 * EFBIG when it is larger. */
int disk_read(const char *path, apr_size_t max, const char **text,
              apr_size_t *len, apr_pool_t *pool);

/* A descriptor from which the bytes can be read, -1 when there is no memory. */
int disk_bytes(const void *data, apr_size_t len);

/* Replaces `path` in one step: temporary file, flush, rename, flush.  Owner
 * and group of an old file are kept. */
int disk_replace(const char *path, const void *data, apr_size_t len,
                 mode_t mode, apr_pool_t *pool);

#endif
