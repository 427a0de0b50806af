/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_VARIABLES_H
#define POSTERN_VARIABLES_H

/* Variables in the values of directives: %{mail}, %{local} (before the @),
 * %{user}, %{domain}, %{guid}, %{host}.  Any other % stands for itself.  Pure. */

#include <apr_pools.h>

/* The mailbox that an answer is for; a member that is NULL is not known. */
typedef struct discover_mailbox_t {
    const char *user;
    const char *mail;
    const char *local;
    const char *domain;
    const char *display_name;
    const char *guid;
    const char *legacy_dn;
    const char *host;
} discover_mailbox_t;

typedef enum discover_place_e {
    DISCOVER_PLACE_TEXT, /* values are put in as they are */
    DISCOVER_PLACE_URL,  /* values are percent-encoded */
    DISCOVER_PLACE_HOST  /* values must be made of host name characters */
} discover_place_e;

/* Puts the values of `mailbox` into `text`.  APR_EINVAL with a static *why
 * for an unknown or unclosed variable, or a value that is not known or may not
 * stand there. */
apr_status_t discover_variables_expand(const char **expanded, const char *text,
                                       const discover_mailbox_t *mailbox,
                                       discover_place_e place, const char **why,
                                       apr_pool_t *pool);

/* A mailbox of example.com, to try out a value with. */
const discover_mailbox_t *discover_variables_sample(void);

#endif
