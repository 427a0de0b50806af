/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_REPORT_H
#define SUBMIT_REPORT_H

/* What the administrator reads: syslog (facility mail), and standard error
 * while debugging or when running as a daemon.  Never a password, a token or a
 * message body. */

#include "lib/log.h"

#include <apr_pools.h>
#include <syslog.h>

typedef struct report_t {
    const char *hostname;
    int trace;      /* a file for all lines, or 0 */
    int debug;      /* LOG_DEBUG lines go to standard error */
    int stderr_too; /* all lines go to standard error */
} report_t;

/* One line at a level of syslog(3).  Control characters are replaced. */
__attribute__((format(printf, 3, 4))) void report(const report_t *to, int level,
                                                  const char *format, ...);

#endif
