/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_RECORD_H
#define POSTERN_RECORD_H

/* What a source knows of one mailbox, checked: whatever a directory or a file
 * holds, what stands here is valid UTF-8 without control characters, and each
 * address is one that mail accepts.  Pure; any thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#define RECORD_TEXT_MAX 1024      /* bytes of a name or distinguished name */
#define RECORD_ADDRESSES_MAX 1000 /* of one mailbox */

typedef struct record_t {
    const char *user;         /* account name; never NULL in a found record */
    const char *mail;         /* primary address, or NULL: no mailbox */
    const char *domain;       /* of mail */
    const char *display_name; /* falls back to mail, then to user */
    const char *legacy_dn;    /* or NULL */
    const char *guid;         /* never NULL in a finished record */
    const char *host;         /* that the mailbox is on, or NULL */
    apr_array_header_t *addresses; /* const char *, primary first */
    const char *dn;                /* of the directory's entry, or NULL */
    const char *password;          /* hash of the file source, or NULL */
} record_t;

/* An empty record in `pool`. */
record_t *record_create(apr_pool_t *pool);

/* A copy of `record` with all it points to. */
record_t *record_copy(const record_t *record, apr_pool_t *pool);

/* `len` bytes as text, or NULL when they are none that may stand in a record:
 * empty, too long, not UTF-8, or with control characters. */
const char *record_text(const char *bytes, apr_size_t len, apr_pool_t *pool);

/* 1 when `text` is made of what host names are made of. */
int record_is_host(const char *text);

/* Adds an address, unless it is there already; `primary` makes it the first
 * and the record's mail.  APR_EINVAL with a static reason in *why when it is
 * no address, or one too many. */
apr_status_t record_add_address(record_t *record, const char *text,
                                apr_size_t len, int primary, const char **why,
                                apr_pool_t *pool);

/* Fills in what can be derived: display name and guid. */
void record_finish(record_t *record, apr_pool_t *pool);

#endif
