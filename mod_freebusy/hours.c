/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "hours.h"
#include "datetime.h"

void hours_add(hours_t *hours, unsigned days, int from, int to)
{
    hours_period_t *p = hours->periods, *end = p + hours->count;

    while (p < end && (p->from != from || p->to != to)) {
        p++;
    }
    if (p == end) {
        if (hours->count == HOURS_PERIODS_MAX) {
            return;
        }
        hours->count++;
        p->days = 0;
        p->from = from;
        p->to = to;
    }
    p->days |= days;
}

int hours_contain(const hours_t *hours, apr_int64_t clock, int minutes)
{
    apr_int64_t day = datetime_day_of(clock);
    int minute = (int)(clock - day * DATETIME_DAY) / DATETIME_MINUTE, i;

    for (i = 0; i < hours->count; i++) {
        const hours_period_t *p = &hours->periods[i];

        if ((p->days & 1u << datetime_weekday(day)) != 0 && minute >= p->from &&
            minute + minutes <= p->to) {
            return 1;
        }
    }
    return 0;
}
