/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_LDAPENTRY_H
#define POSTERN_LDAPENTRY_H

/* The values of one directory entry, made into a record.  A directory may hold
 * anything; what cannot stand in a record is left out.  Pure; any thread. */

#include "ldaprole.h"
#include "record.h"

typedef struct ldapentry_t {
    record_t *record;
    const char *mail;    /* values of the roles mail, as they came */
    const char *primary; /* SMTP: among the aliases */
    int skipped;         /* values that were left out as malformed */
} ldapentry_t;

/* An entry without values. */
void ldapentry_init(ldapentry_t *entry, const char *dn, apr_pool_t *pool);

/* Takes one value of `len` bytes. */
void ldapentry_take(ldapentry_t *entry, ldaprole_e role, const char *value,
                    apr_size_t len, apr_pool_t *pool);

/* The finished record, or NULL when the entry has no account name. */
record_t *ldapentry_finish(ldapentry_t *entry, apr_pool_t *pool);

#endif
