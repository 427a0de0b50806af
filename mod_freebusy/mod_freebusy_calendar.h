/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_FREEBUSY_CALENDAR_H
#define POSTERN_MOD_FREEBUSY_CALENDAR_H

/* From the mailboxes of a request to what is known about them. */

#include "mod_freebusy.h"

#include <apr_hash.h>

/* One attendee on his way from address to result. */
typedef struct freebusy_job_t {
    const mailbox_t *mailbox;    /* NULL when there is nothing to read */
    source_calendar_t *calendar; /* NULL when the cache knew all */
    availability_result_t *result;
} freebusy_job_t;

typedef struct freebusy_state_t {
    request_rec *r;
    const freebusy_conf_t *conf;
    const mailbox_t *caller; /* or NULL */
    const availability_request_t *request;
    const ews_suggestions_t *suggestions; /* NULL when none are wanted */
    apr_hash_t *zones;              /* that one calendar leaves for the next */
    freebusy_job_t *jobs;           /* one for each attendee */
    availability_result_t *results; /* theirs */
    const hours_t *hours;           /* as configured */
    apr_time_t deadline;            /* of what is being done */
} freebusy_state_t;

/* Reads the calendars of all jobs with a mailbox and fills in their results. */
void freebusy_calendar_read(freebusy_state_t *s);

/* The zone of floating times. */
const timezone_t *freebusy_calendar_zone(const freebusy_state_t *s);

/* The source as configured here, with its login.  0, with *why, when it cannot
 * be asked. */
int freebusy_source_of(const freebusy_state_t *s, source_t *source,
                       const char **why);

/* All that an answer of the source depends on, beside the mailbox and the
 * window. */
const char *freebusy_source_scope(const freebusy_state_t *s,
                                  const source_t *source);

/* Reads the calendars, through the cache of their texts when `lasts` is not
 * 0. */
void freebusy_source_read(freebusy_state_t *s, const source_t *source,
                          busy_window_t window, source_calendar_t *list,
                          int count, apr_interval_time_t lasts);

#endif
