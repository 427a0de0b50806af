/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_VTIMEZONE_H
#define POSTERN_VTIMEZONE_H

/* Time zones from the VTIMEZONE components of a calendar (RFC 5545 section
 * 3.6.5).  libical's own expansion is not used: it has no bound. */

#include "busy.h"
#include "timezone.h"

#include <libical/ical.h>

/* The zone, right for times from a year before `window` to a year after it.
 * APR_EINVAL with a static reason in *why when the component is malformed, or
 * its rules are none that a time zone has (yearly ones). */
apr_status_t vtimezone_read(timezone_t **tz, icalcomponent *vtimezone,
                            busy_window_t window, const char **why,
                            apr_pool_t *pool);

#endif
