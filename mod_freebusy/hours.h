/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_HOURS_H
#define POSTERN_HOURS_H

/* Regular hours of work: WorkingHours of EWS.  Pure; any thread. */

#include "timezone.h"

#define HOURS_PERIODS_MAX 14

/* On some days of the week, from and to in minutes of the day. */
typedef struct hours_period_t {
    unsigned days; /* bit 0 Sunday .. bit 6 Saturday */
    int from, to;
} hours_period_t;

typedef struct hours_t {
    const timezone_t *zone; /* NULL: that of the caller */
    int count;
    hours_period_t periods[HOURS_PERIODS_MAX];
} hours_t;

/* Adds a period, to the days of one with the same times if there is one.  What
 * does not fit is left out. */
void hours_add(hours_t *hours, unsigned days, int from, int to);

/* 1 when all of the `minutes` from `clock` on (seconds on the clock of the
 * hours' zone) are within one period. */
int hours_contain(const hours_t *hours, apr_int64_t clock, int minutes);

#endif
