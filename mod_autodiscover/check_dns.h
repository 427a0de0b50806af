/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_CHECK_DNS_H
#define POSTERN_CHECK_DNS_H

/* What the self-check asks of DNS.  One thread. */

#include <apr_pools.h>

/* 1 when `name` has an address. */
int check_dns_has_address(const char *name);

/* The target of the SRV record (RFC 2782) at `name` that goes first, with its
 * port in *port; NULL when there is none. */
const char *check_dns_srv(const char *name, int *port, apr_pool_t *pool);

#endif
