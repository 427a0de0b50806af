/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_USERFILE_H
#define POSTERN_USERFILE_H

/* The text of a MailboxFile: paragraphs of "key: value" lines, one paragraph a
 * mailbox.  mod_mailbox(5) describes it.  Pure; a parsed file is never changed
 * and may be read by any thread. */

#include "record.h"

#include <apr_pools.h>

#define USERFILE_MAX (16 * 1024 * 1024) /* bytes of a file */

typedef struct userfile_t userfile_t;

/* Parses `len` bytes at `text`; all of it must be right.  On success *file
 * lives in `pool` and does not point into `text`; otherwise APR_EINVAL, with
 * the line, counted from 1, and a static reason. */
apr_status_t userfile_parse(userfile_t **file, const char *text, apr_size_t len,
                            int *line, const char **why, apr_pool_t *pool);

/* How many mailboxes the file has. */
unsigned int userfile_count(const userfile_t *file);

/* One mailbox, or NULL; upper and lower case do not matter. */
const record_t *userfile_by_user(const userfile_t *file, const char *user);
const record_t *userfile_by_address(const userfile_t *file,
                                    const char *address);
const record_t *userfile_by_legacy_dn(const userfile_t *file, const char *dn);

/* The first record that has a password, or NULL: its hash tells how long
 * checking takes here. */
const record_t *userfile_sample(const userfile_t *file);

#endif
