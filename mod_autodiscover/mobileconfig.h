/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOBILECONFIG_H
#define POSTERN_MOBILECONFIG_H

/* The printer for Apple's configuration profiles: mail, CalDAV, CardDAV and
 * ActiveSync accounts in one property list.  Its identifiers are the same each
 * time for the same mailbox, so that a profile that is loaded again replaces
 * the old one.  Pure; any thread after xml_init(). */

#include "answer.h"

#include <apr_pools.h>

/* 1 when there is an account to put into a profile. */
int discover_mobileconfig_is_complete(const discover_answer_t *answer);

/* Prints `answer`; the bytes live as long as `pool`.  APR_EINVAL when a URL
 * cannot be taken apart, APR_EINVAL when it could not be printed. */
apr_status_t discover_mobileconfig_print(const discover_answer_t *answer,
                                         const char **bytes, apr_size_t *len,
                                         apr_pool_t *pool);

#endif
