/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_SECRET_H
#define SUBMIT_SECRET_H

/* Passwords: sealed as "password 8 ..." with AES-256-GCM under a key that lies
 * in a file of its own, or fetched from a file or a program.
 *
 * A key on the same machine protects the password in listings, backups and
 * shared configuration files.  It does not protect it from root. */

#include "config.h"

#define SECRET_KEY_BYTES 32
#define SECRET_MAX 4096 /* bytes of a password or token */

/* Where the key of `config` lies: systemd's credential smtp-submit.key, the
 * configured file, else the configuration file's name with .key. */
const char *secret_key_path(const submit_config_t *config, apr_pool_t *pool);

/* Reads the key; with `make`, makes one (mode 0600) when there is none. */
apr_status_t secret_key_load(unsigned char key[SECRET_KEY_BYTES],
                             const char *path, int make, const char **why,
                             apr_pool_t *pool);

/* `password` as base64 of nonce, cipher text and tag. */
apr_status_t secret_seal(const char **blob,
                         const unsigned char key[SECRET_KEY_BYTES],
                         const char *password, apr_pool_t *pool);

/* The password in `blob`; APR_EINVAL with a sentence when the key is another
 * one or the blob was changed. */
apr_status_t secret_open(const char **password,
                         const unsigned char key[SECRET_KEY_BYTES],
                         const char *blob, const char **why, apr_pool_t *pool);

/* The password of `config`, from wherever it is. */
apr_status_t secret_password(const char **password,
                             const submit_config_t *config, const char **why,
                             apr_pool_t *pool);

/* Replaces a password in clear in `config` by its sealed form. */
apr_status_t secret_hide(submit_config_t *config, const char **why,
                         apr_pool_t *pool);

#endif
