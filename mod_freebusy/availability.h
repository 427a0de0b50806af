/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_AVAILABILITY_H
#define POSTERN_AVAILABILITY_H

/* GetUserAvailability: the question and the answer as plain structs, and what
 * may be shown to whom.  Pure; any thread. */

#include "busy.h"
#include "timezone.h"

#define AVAILABILITY_MAILBOXES_MAX 100
#define AVAILABILITY_WINDOW_DAYS_MAX 62
#define AVAILABILITY_EVENTS_MAX 1000 /* listed for one mailbox */
#define AVAILABILITY_INTERVAL_DEFAULT 30
#define AVAILABILITY_INTERVAL_MIN 5 /* minutes */
#define AVAILABILITY_INTERVAL_MAX 1440

/* RequestedView and FreeBusyViewType. */
typedef enum availability_view_e {
    AVAILABILITY_VIEW_NONE,
    AVAILABILITY_VIEW_MERGED_ONLY,
    AVAILABILITY_VIEW_FREE_BUSY,
    AVAILABILITY_VIEW_FREE_BUSY_MERGED,
    AVAILABILITY_VIEW_DETAILED,
    AVAILABILITY_VIEW_DETAILED_MERGED
} availability_view_e;

/* What a caller may see of a mailbox. */
typedef enum availability_grant_e {
    AVAILABILITY_GRANT_NONE,
    AVAILABILITY_GRANT_MERGED,    /* the digits */
    AVAILABILITY_GRANT_FREE_BUSY, /* and the times of single events */
    AVAILABILITY_GRANT_DETAILED,  /* and subject and place, unless private */
    AVAILABILITY_GRANT_OWNER      /* everything */
} availability_grant_e;

typedef struct availability_error_t {
    const char *code; /* a ResponseCode of EWS, NULL for none */
    const char *text;
} availability_error_t;

/* AttendeeType, as far as it makes a difference. */
typedef enum availability_role_e {
    AVAILABILITY_ROLE_REQUIRED, /* and Resource: without it, no meeting */
    AVAILABILITY_ROLE_ORGANIZER,
    AVAILABILITY_ROLE_OPTIONAL,
    AVAILABILITY_ROLE_ROOM
} availability_role_e;

typedef struct availability_attendee_t {
    const char *address; /* as sent */
    int legacy_dn;       /* RoutingType EX: the address is a legacy DN */
    availability_role_e role;
    int exclude_conflicts;
} availability_attendee_t;

typedef struct availability_request_t {
    apr_array_header_t *attendees; /* availability_attendee_t */
    const timezone_t *zone;        /* of the caller */
    int wants_view;                /* FreeBusyViewOptions were sent */
    availability_view_e view;
    busy_window_t window;
    int interval;               /* minutes */
    availability_error_t error; /* about the options: every mailbox gets it */
} availability_request_t;

typedef struct availability_result_t {
    availability_error_t error; /* code NULL: success */
    busy_set_t *busy;           /* in the window of the view */
    busy_set_t *suggest_busy;   /* in the window of the suggestions, or NULL */
    availability_grant_e grant;
    const hours_t *hours;
} availability_result_t;

/* The mailbox gets this error. */
void availability_fail(availability_result_t *result, const char *code,
                       const char *text);

/* The least of what was asked, is granted, and is known. */
availability_view_e availability_view(availability_view_e asked,
                                      availability_grant_e granted,
                                      int has_details);
int availability_view_has_digits(availability_view_e view);
int availability_view_has_events(availability_view_e view);
int availability_view_has_details(availability_view_e view);

/* The words of EWS, and 0 for an unknown one. */
const char *availability_view_name(availability_view_e view);
int availability_view_read(availability_view_e *view, const char *text);
const char *availability_busy_name(busy_type_e type);

#endif
