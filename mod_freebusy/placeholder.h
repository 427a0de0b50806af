/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_PLACEHOLDER_H
#define POSTERN_PLACEHOLDER_H

/* File names and URLs of the configuration with the values of a mailbox in
 * them: %{user} %{mail} %{domain} %{guid}.  A value never becomes more than one
 * part of the path.  Pure; any thread. */

#include <apr_pools.h>

typedef struct placeholder_values_t {
    const char *user, *mail, *domain, *guid;
} placeholder_values_t;

typedef enum placeholder_kind_e {
    PLACEHOLDER_PATH,  /* refuses slashes, leading dots, control characters */
    PLACEHOLDER_URL,   /* refuses dots alone; %-encodes all but unreserved */
    PLACEHOLDER_HEADER /* refuses control characters */
} placeholder_kind_e;

/* NULL when each %{...} in `text` is known and closed, else a static reason. */
const char *placeholder_check(const char *text);

/* 1 when there is any in `text`. */
int placeholder_is_in(const char *text);

/* Fills in the values.  APR_EINVAL with a static reason in *why when a value
 * cannot stand where it is wanted. */
apr_status_t placeholder_expand(const char **out, const char *text,
                                const placeholder_values_t *values,
                                placeholder_kind_e kind, const char **why,
                                apr_pool_t *pool);

#endif
