/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SCRIPT_FILE_H
#define POSTERN_SCRIPT_FILE_H

/* A Sieve script in a file of the mail user's folder.  Folders below the part
 * of the path that the admin wrote out may belong to users: no symbolic link is
 * followed in them, nothing but a regular file is opened.  Pure (POSIX); any
 * thread. */

#include <apr_pools.h>

/* Reads `path` whole, at most `max` bytes, NUL behind.  APR_ENOENT when file or
 * folder is not there, APR_ENOSPC, or the error of the system. */
apr_status_t script_file_read(const char **bytes, apr_size_t *len,
                              const char *path, apr_size_t fixed,
                              apr_size_t max, apr_pool_t *pool);

/* Replaces `path` by `bytes`: a new file beside it, synced to disk, renamed.
 * Whoever reads sees the old or the new one.  The file gets the owner of its
 * folder and mode 0600; where the process may not give files away, the group of
 * the folder and mode 0640.  The folder must exist.
 *
 * `fixed`: how many bytes at the start of `path` come from the admin; links are
 * followed in there. */
apr_status_t script_file_write(const char *path, apr_size_t fixed,
                               const char *bytes, apr_size_t len,
                               apr_pool_t *pool);

#endif
