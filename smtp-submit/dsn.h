/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_DSN_H
#define SUBMIT_DSN_H

/* What a sender may ask the servers to report (RFC 3461).  Pure; any thread. */

#include <apr_pools.h>

/* 1 for "never", or "success", "failure" and "delay" with commas, in any
 * case. */
int dsn_is_notify(const char *text);

/* The same as NOTIFY wants it, in capitals; NULL for anything else. */
const char *dsn_notify(const char *text, apr_pool_t *pool);

/* "full", "headers" or "hdrs", in any case, as RET wants it: FULL, HDRS; NULL
 * for anything else. */
const char *dsn_returns(const char *text);

/* Section 4: printable characters save + and = stand for themselves. */
const char *dsn_xtext(const char *text, apr_pool_t *pool);

/* An envelope id as ENVID wants it: what is xtext already stays, as sendmail's
 * -V has it, the rest is encoded.  NULL for one of more than 100 characters
 * (section 4.4), or none. */
const char *dsn_envelope_id(const char *text, apr_pool_t *pool);

#endif
