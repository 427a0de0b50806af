/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SCRIPT_STORE_H
#define POSTERN_SCRIPT_STORE_H

/* Where the out-of-office script of a mailbox is kept: in a file, or on a
 * ManageSieve server beside the user's own scripts.  Pure; any thread. */

#include "placeholder.h"

#include <apr_time.h>

/* The name of our script on a ManageSieve server. */
#define SCRIPT_STORE_NAME "postern-out-of-office"

typedef enum script_store_kind_e {
    SCRIPT_STORE_FILE,
    SCRIPT_STORE_MANAGESIEVE
} script_store_kind_e;

typedef struct script_store_t {
    script_store_kind_e kind;
    const char *path; /* with placeholders */
    const char *host; /* of the ManageSieve server */
    int port;
    const char *authorize;       /* for whom to log in, with placeholders */
    const char *user, *password; /* the master user */
    const char *ca_file;         /* or NULL */
} script_store_t;

typedef struct script_state_t {
    const char *script; /* NULL: none yet */
    apr_size_t len;
    int active;      /* the mail server runs it (always so for a file) */
    const char *own; /* the user's own active script, or NULL */
} script_state_t;

/* Reads "file:/..." or "managesieve://host[:port]" into *store.  NULL, or what
 * is wrong. */
const char *script_store_parse(script_store_t *store, const char *text,
                               apr_pool_t *pool);

/* What is there.  *why is set with any error. */
apr_status_t script_store_load(script_state_t *state,
                               const script_store_t *store,
                               const placeholder_values_t *values,
                               apr_time_t deadline, const char **why,
                               apr_pool_t *pool);

/* Stores `script`.  On a ManageSieve server it becomes the active one, or, with
 * `activate` 0, `own` does if ours was (`was_active`). */
apr_status_t script_store_save(const script_store_t *store,
                               const placeholder_values_t *values,
                               apr_time_t deadline, const char *script,
                               int activate, int was_active, const char *own,
                               const char **why, apr_pool_t *pool);

#endif
