/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_LDAPROLE_H
#define POSTERN_LDAPROLE_H

/* Which attribute of the directory plays which role, and what is asked of the
 * directory with them.  Pure; any thread. */

#include <apr_pools.h>

typedef enum ldaprole_e {
    LDAPROLE_USER,
    LDAPROLE_UPN,
    LDAPROLE_MAIL,
    LDAPROLE_ALIAS,
    LDAPROLE_NAME,
    LDAPROLE_LEGACY_DN,
    LDAPROLE_GUID,
    LDAPROLE_HOST,
    LDAPROLE_COUNT
} ldaprole_e;

/* Attribute names by role; NULL where the directory has none. */
typedef struct ldaproles_t {
    const char *attribute[LDAPROLE_COUNT];
} ldaproles_t;

/* The role called `name` in MailboxLDAPAttribute, or LDAPROLE_COUNT. */
ldaprole_e ldaprole_named(const char *name);

/* Active Directory's name for a role's attribute; "" when it has none. */
const char *ldaprole_default(ldaprole_e role);

/* 1 when the directory may have no attribute for the role. */
int ldaprole_may_be_none(ldaprole_e role);

/* 1 when `name` can be the name of an attribute (RFC 4512 section 2.5). */
int ldaprole_is_attribute(const char *name);

/* Filters (RFC 4515), each ANDed with `also`: a filter or "".  All values are
 * escaped.  NULL when the directory has no attribute to ask for. */
const char *ldaprole_user_filter(const ldaproles_t *roles, const char *user,
                                 const char *also, apr_pool_t *pool);
const char *ldaprole_upn_filter(const ldaproles_t *roles, const char *upn,
                                const char *also, apr_pool_t *pool);
const char *ldaprole_address_filter(const ldaproles_t *roles,
                                    const char *address, const char *also,
                                    apr_pool_t *pool);
const char *ldaprole_legacy_dn_filter(const ldaproles_t *roles, const char *dn,
                                      const char *also, apr_pool_t *pool);

/* The same, never NULL: one of these attributes, up to a NULL, has the value. */
const char *ldaprole_any_filter(const char *const *attributes,
                                const char *value, const char *also,
                                apr_pool_t *pool);

#endif
