/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_LDAPURL_H
#define POSTERN_LDAPURL_H

/* Where a directory is: an LDAP URL (RFC 4516) with one extension that httpd's
 * administrators know, several hosts separated by blanks.  Pure; any thread. */

#include <apr_pools.h>

typedef enum ldapurl_scope_e { LDAPURL_ONE, LDAPURL_SUB } ldapurl_scope_e;

typedef struct ldapurl_t {
    int ldaps;         /* TLS from the first byte */
    const char *hosts; /* host[:port], separated by one blank each, in the
                           form that libldap takes */
    int port;          /* of the first host */
    const char *base;  /* distinguished name, decoded */
    ldapurl_scope_e scope;
    const char *filter; /* with its parentheses, or "" */
} ldapurl_t;

/* Parses ldap[s]://host[:port][ host[:port]...]/base[??scope[?filter]].  On
 * success `url` holds copies in `pool`; otherwise APR_EINVAL with a static
 * sentence in *why, to stand behind the directive's name. */
apr_status_t ldapurl_parse(ldapurl_t *url, const char *text, const char **why,
                           apr_pool_t *pool);

#endif
