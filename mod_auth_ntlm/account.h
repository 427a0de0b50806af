/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ACCOUNT_H
#define POSTERN_ACCOUNT_H

/* From what a client says in its type 3 to the one name of that account.
 *
 * The verifier checks the password of the account that it finds; it takes a
 * wrong domain for a local account, and an anonymous message for a login.  So
 * only names pass here that can mean one account alone, written in one way:
 *
 *   EXAMPLE + alice            EXAMPLE\alice
 *   example.test + Alice       EXAMPLE\alice    (example.test is an alias)
 *   "" + alice                 EXAMPLE\alice
 *   "" + Alice@Example.Test    alice@example.test
 *
 * The last stays as it is: an administrator may have given the principal name
 * alice@example.test to an account that is not EXAMPLE\alice.  Pure; any
 * thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "ntlmssp.h"

/* sAMAccountName has at most 20 characters for people, userPrincipalName
 * 1024; what is longer than this is nobody's login. */
#define ACCOUNT_MAX 256
/* A NetBIOS name of a domain, and a buffer for whatever account_name() makes. */
#define ACCOUNT_DOMAIN_MAX 15
#define ACCOUNT_SIZE (ACCOUNT_DOMAIN_MAX + 1 + ACCOUNT_MAX + 1)

typedef struct account_domain_t {
    const char *name;            /* NetBIOS name, as it appears in r->user; at
                                    most ACCOUNT_DOMAIN_MAX bytes */
    apr_array_header_t *aliases; /* const char *: DNS names of the same */
} account_domain_t;

/* 1 when `name` is the domain's name or an alias, ASCII letters without
 * regard to case. */
int account_is_of_domain(const account_domain_t *domain, const char *name);

/* The account of `message` in *account, in `pool`.  APR_EACCES with a static
 * reason in *why when the message is anonymous, of another domain, or names
 * nobody. */
apr_status_t account_name(const char **account,
                          const ntlmssp_authenticate_t *message,
                          const account_domain_t *domain, const char **why,
                          apr_pool_t *pool);

#endif
