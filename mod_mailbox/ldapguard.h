/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_LDAPGUARD_H
#define POSTERN_LDAPGUARD_H

/* A time limit for the TLS handshake of libldap's connections.
 *
 * libldap 2.5 makes the socket non-blocking for the handshake and then asks it
 * again and again, without waiting and without end (ldap_int_tls_start() looks
 * at LDAP_OPT_NETWORK_TIMEOUT for asynchronous handles only): a server that
 * accepts a connection and stays silent costs a whole processor and a thread
 * for ever.  The guard is a layer between TLS and the socket that waits, and
 * gives up when the time is over. */

#include <apr_pools.h>
#include <apr_time.h>

/* Guards every connection that libldap opens in this process from now until
 * `pool` is cleaned up; `limit` counts from the TCP connection to the end of
 * the handshake.  Call where one thread runs. */
apr_status_t ldapguard_install(apr_interval_time_t limit, apr_pool_t *pool);

#endif
