/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MEETING_H
#define POSTERN_MEETING_H

/* The meeting for which another time is sought: its own period in the calendars
 * of the attendees is no conflict.  Pure; any thread. */

#include "busy.h"

typedef struct meeting_t {
    const char *uid;        /* of iCalendar, or NULL */
    int has_time;           /* it is known when the meeting is now */
    apr_int64_t start, end; /* UTC */
} meeting_t;

/* The UID of iCalendar behind a GlobalObjectId ([MS-OXOCAL] section 2.2.1.27),
 * which comes in hexadecimal digits or in base64.  A text that is neither is
 * taken for the UID itself. */
const char *meeting_uid(const char *global_object_id, apr_pool_t *pool);

/* 1 when `period` is the meeting: by its UID, or, where the client or the source
 * tells none, by its time. */
int meeting_is(const meeting_t *meeting, const busy_period_t *period);

#endif
