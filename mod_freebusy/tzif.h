/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_TZIF_H
#define POSTERN_TZIF_H

/* Time zones from the system's zone files (TZif, RFC 8536). */

#include "timezone.h"

/* Decodes the `len` bytes of a TZif file of version 2 or later.  APR_EINVAL
 * with a static reason in *why when they are not. */
apr_status_t tzif_decode(timezone_t **tz, const unsigned char *bytes,
                         apr_size_t len, const char **why, apr_pool_t *pool);

/* Loads the zone `name` (Europe/Berlin) from the system's folder, or the zone
 * that a Windows name (W. Europe Standard Time) stands for.  APR_NOTFOUND when
 * neither is known; nothing in `name` leads out of the folder. */
apr_status_t tzif_load(timezone_t **tz, const char *name, apr_pool_t *pool);

#endif
