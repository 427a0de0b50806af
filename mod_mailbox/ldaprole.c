/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ldaprole.h"

#include <apr_cstr.h>
#include <apr_escape.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *name, *attribute;
    int may_be_none;
} roles_known[LDAPROLE_COUNT] = {
    [LDAPROLE_USER]      = {"user",     "sAMAccountName",    0},
    [LDAPROLE_UPN]       = {"upn",      "userPrincipalName", 1},
    [LDAPROLE_MAIL]      = {"mail",     "mail",              0},
    [LDAPROLE_ALIAS]     = {"alias",    "proxyAddresses",    1},
    [LDAPROLE_NAME]      = {"name",     "displayName",       1},
    [LDAPROLE_LEGACY_DN] = {"legacydn", "legacyExchangeDN",  1},
    [LDAPROLE_GUID]      = {"guid",     "objectGUID",        1},
    [LDAPROLE_HOST]      = {"host",     "",                  1},
};
/* clang-format on */

ldaprole_e ldaprole_named(const char *name)
{
    int role;

    for (role = 0; role < LDAPROLE_COUNT; role++) {
        if (apr_cstr_casecmp(name, roles_known[role].name) == 0) {
            break;
        }
    }
    return (ldaprole_e)role;
}

const char *ldaprole_default(ldaprole_e role)
{
    return roles_known[role].attribute;
}

int ldaprole_may_be_none(ldaprole_e role)
{
    return roles_known[role].may_be_none;
}

int ldaprole_is_attribute(const char *name)
{
    const char *p;

    for (p = name; *p; p++) {
        if (!apr_isalnum(*p) && !strchr("-.;_", *p)) {
            return 0;
        }
    }
    return p > name && p - name <= 100 && apr_isalnum(*name);
}

/* (attribute=prefix value), or "" when there is no such attribute. */
static const char *equals(const ldaproles_t *roles, ldaprole_e role,
                          const char *prefix, const char *value,
                          apr_pool_t *pool)
{
    if (!roles->attribute[role]) {
        return "";
    }
    return apr_pstrcat(pool, "(", roles->attribute[role], "=", prefix,
                       apr_pescape_ldap(pool, value, (apr_ssize_t)strlen(value),
                                        APR_ESCAPE_LDAP_FILTER),
                       ")", NULL);
}

/* `test` ANDed with `also`. */
static const char *both(const char *test, const char *also, apr_pool_t *pool)
{
    if (!*test) {
        return NULL;
    }
    return *also ? apr_pstrcat(pool, "(&", also, test, ")", NULL) : test;
}

const char *ldaprole_user_filter(const ldaproles_t *roles, const char *user,
                                 const char *also, apr_pool_t *pool)
{
    return both(equals(roles, LDAPROLE_USER, "", user, pool), also, pool);
}

const char *ldaprole_upn_filter(const ldaproles_t *roles, const char *upn,
                                const char *also, apr_pool_t *pool)
{
    return both(equals(roles, LDAPROLE_UPN, "", upn, pool), also, pool);
}

const char *ldaprole_address_filter(const ldaproles_t *roles,
                                    const char *address, const char *also,
                                    apr_pool_t *pool)
{
    const char *any = apr_pstrcat(
        pool, "(|", equals(roles, LDAPROLE_MAIL, "", address, pool),
        equals(roles, LDAPROLE_ALIAS, "smtp:", address, pool),
        equals(roles, LDAPROLE_ALIAS, "", address, pool), ")", NULL);

    return both(any, also, pool);
}

const char *ldaprole_legacy_dn_filter(const ldaproles_t *roles, const char *dn,
                                      const char *also, apr_pool_t *pool)
{
    const char *own = equals(roles, LDAPROLE_LEGACY_DN, "", dn, pool);
    const char *former = equals(roles, LDAPROLE_ALIAS, "x500:", dn, pool);

    if (!*own) {
        return NULL;
    }
    return both(*former ? apr_pstrcat(pool, "(|", own, former, ")", NULL) : own,
                also, pool);
}

const char *ldaprole_any_filter(const char *const *attributes,
                                const char *value, const char *also,
                                apr_pool_t *pool)
{
    const char *escaped = apr_pescape_ldap(
        pool, value, (apr_ssize_t)strlen(value), APR_ESCAPE_LDAP_FILTER);
    const char *filter = "(|";

    for (; *attributes; attributes++) {
        filter = apr_pstrcat(pool, filter, "(", *attributes, "=", escaped, ")",
                             NULL);
    }
    return both(apr_pstrcat(pool, filter, ")", NULL), also, pool);
}
