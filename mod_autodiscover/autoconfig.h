/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_AUTOCONFIG_H
#define POSTERN_AUTOCONFIG_H

/* The printer for Thunderbird and its kin: clientConfig version 1.1.  Pure; any
 * thread after xml_init(). */

#include "answer.h"

#include <apr_pools.h>

/* What a client puts in itself when nobody said who asks. */
#define DISCOVER_AUTOCONFIG_MAIL "%EMAILADDRESS%"
#define DISCOVER_AUTOCONFIG_LOCAL "%EMAILLOCALPART%"

/* 1 when clients would accept the answer: they want a server to read from and
 * one to send by. */
int discover_autoconfig_is_complete(const discover_answer_t *answer);

/* Prints `answer`; the bytes live as long as `pool`.  APR_EINVAL when
 * it could not be printed. */
apr_status_t discover_autoconfig_print(const discover_answer_t *answer,
                                       const char **bytes, apr_size_t *len,
                                       apr_pool_t *pool);

#endif
