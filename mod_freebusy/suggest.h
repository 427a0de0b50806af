/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SUGGEST_H
#define POSTERN_SUGGEST_H

/* Meeting suggestions: every half hour of every day in the window is looked at,
 * and the best are kept.  A time is as good as the share of attendees who are
 * free in all of it; who is tentative, away, or not known is not free.  Optional
 * attendees do not count, but of two equal times the one that suits more of them
 * comes first.  Of rooms one is enough; without any the time is poor.  Pure; any
 * thread. */

#include "availability.h"
#include "meeting.h"

/* SuggestionQuality; better is less. */
typedef enum suggest_quality_e {
    SUGGEST_EXCELLENT, /* all are free */
    SUGGEST_GOOD,      /* GoodThreshold + 50 percent */
    SUGGEST_FAIR,      /* 50 percent */
    SUGGEST_POOR
} suggest_quality_e;

/* SuggestionsViewOptions. */
typedef struct suggest_options_t {
    busy_window_t window;
    int good_threshold;        /* 1..49 */
    int max;                   /* results a day */
    int max_other;             /* of them outside of hours */
    int duration;              /* of the meeting, minutes */
    int step;                  /* minutes between times to try */
    suggest_quality_e minimum; /* what is worse is left out */
    meeting_t moved;           /* the meeting, if it is there already; its time
                                  is tried as well */
} suggest_options_t;

typedef struct suggest_attendee_t {
    const busy_set_t *busy; /* of suggest_window(), or NULL: not known */
    availability_role_e role;
    int exclude_conflicts; /* no time at which this one is not free */
} suggest_attendee_t;

typedef struct suggest_time_t {
    apr_int64_t start; /* UTC */
    int is_work_time;
    suggest_quality_e quality;
    int optional;                 /* how many optional attendees are free */
    const busy_type_e *conflicts; /* one for each attendee */
} suggest_time_t;

typedef struct suggest_day_t {
    apr_int64_t date; /* midnight on the caller's clock */
    suggest_quality_e quality;
    apr_array_header_t *times; /* suggest_time_t, best first */
} suggest_day_t;

/* What must be known of each attendee. */
busy_window_t suggest_window(const suggest_options_t *options);

/* A suggest_day_t for each day of the window on the clock of `zone`. */
apr_array_header_t *suggest_days(const suggest_options_t *options,
                                 const suggest_attendee_t *attendees, int count,
                                 const timezone_t *zone, const hours_t *hours,
                                 apr_pool_t *pool);

const char *suggest_quality_name(suggest_quality_e quality);
int suggest_quality_read(suggest_quality_e *quality, const char *text);

#endif
