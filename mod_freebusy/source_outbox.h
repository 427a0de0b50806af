/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SOURCE_OUTBOX_H
#define POSTERN_SOURCE_OUTBOX_H

/* Free/busy of many users by one request to a CalDAV server: the scheduling
 * outbox of the asking user (RFC 6638 section 5).  Pure; any thread. */

#include "source.h"

/* The body to POST: who is free in question->window?  Mailboxes whose address
 * cannot stand in it get an error; 0 when none is left. */
int source_outbox_write(const char **body, const source_question_t *question,
                        source_calendar_t *calendars, int count,
                        apr_pool_t *pool);

/* Gives each of the calendars its part of the answer, or its error.  APR_EINVAL
 * with a static reason in *why when the answer is none. */
apr_status_t source_outbox_read(const char *answer, apr_size_t len,
                                source_calendar_t *calendars, int count,
                                const char **why, apr_pool_t *pool);

#endif
