/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_LOGIN_H
#define POSTERN_LOGIN_H

/* A login name as clients send it: EXAMPLE\alice, alice@example.test or alice.
 * Whether its domain is ours is asked separately, so that nobody forgets it:
 * the domain is what the client claims.  Pure; any thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#define LOGIN_MAX 320 /* bytes of a whole login name */

typedef enum login_form_e {
    LOGIN_BARE,   /* alice */
    LOGIN_DOMAIN, /* EXAMPLE\alice or EXAMPLE/alice */
    LOGIN_REALM   /* alice@example.test */
} login_form_e;

typedef struct login_t {
    login_form_e form;
    const char *user;   /* alice, as given */
    const char *domain; /* EXAMPLE or example.test, as given; NULL when bare */
    const char *text;   /* the whole */
} login_t;

/* Parses `text`.  On success `login` holds copies in `pool`; otherwise
 * APR_EINVAL with a static reason in *why. */
apr_status_t login_parse(login_t *login, const char *text, const char **why,
                         apr_pool_t *pool);

/* 1 when `login` has a domain and it is one of `domains` (const char *; NULL
 * is an empty list), without regard to the case of ASCII letters. */
int login_is_ours(const login_t *login, const apr_array_header_t *domains);

#endif
