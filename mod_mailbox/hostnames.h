/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_HOSTNAMES_H
#define POSTERN_HOSTNAMES_H

/* Whether the resolver speaks.  libldap asks it for the directory's addresses
 * without a time limit, several times for one connection, and with names of its
 * own, since they are in certificates: so it is asked beforehand, by another
 * thread.  Any thread. */

#include <apr_time.h>

#include "lib/errand.h"

/* 1 when the resolver has said something, be it that there is no such name,
 * about each of `hosts` (host[:port] or [address]:port, separated by blanks)
 * within `limit`; addresses are not asked for. */
int hostnames_answered(errand_t *errand, const char *hosts,
                       apr_interval_time_t limit);

#endif
