/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SOURCE_REPORT_H
#define POSTERN_SOURCE_REPORT_H

/* The free-busy-query report of CalDAV (RFC 4791 section 7.10): the server
 * answers with one VFREEBUSY of a calendar, or of all calendars below a
 * collection.  Pure; any thread. */

#include "busy.h"

/* The headers of the request, which end with NULL. */
extern const char *const source_report_headers[];

/* The body of the request. */
const char *source_report_write(busy_window_t window, apr_pool_t *pool);

#endif
