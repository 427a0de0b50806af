/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ical_plain.h"
#include "datetime.h"

static int has(const short *list)
{
    return list[0] != ICAL_RECURRENCE_ARRAY_MAX;
}

/* The plain days of BYDAY as bits, bit 0 Sunday; 0 when some are not plain. */
static unsigned days_of(const struct icalrecurrencetype *rule)
{
    unsigned days = 0;
    int i;

    for (i = 0; rule->by_day[i] != ICAL_RECURRENCE_ARRAY_MAX; i++) {
        int day = rule->by_day[i];

        if (day < 1 || day > 7) {
            return 0;
        }
        days |= 1U << (day - 1);
    }
    return days;
}

int ical_plain_is(const struct icalrecurrencetype *rule)
{
    if (rule->rscale || rule->interval < 1 || rule->count < 0 ||
        has(rule->by_second) || has(rule->by_minute) || has(rule->by_hour) ||
        has(rule->by_month_day) || has(rule->by_year_day) ||
        has(rule->by_week_no) || has(rule->by_month) || has(rule->by_set_pos)) {
        return 0;
    }
    return rule->freq == ICAL_DAILY_RECURRENCE
               ? !has(rule->by_day)
               : rule->freq == ICAL_WEEKLY_RECURRENCE &&
                     (!has(rule->by_day) || days_of(rule));
}

unsigned ical_plain_days(const struct icalrecurrencetype *rule,
                         struct icaltimetype first)
{
    return has(rule->by_day) ? days_of(rule)
                             : 1U << (unsigned)datetime_weekday(datetime_days(
                                   first.year, first.month, first.day));
}

int ical_plain_instances(const struct icalrecurrencetype *rule)
{
    unsigned days = has(rule->by_day) ? days_of(rule) : 1;
    int n = 0;

    for (; days; days &= days - 1) {
        n++;
    }
    return n;
}

static int is_after(const struct icaltimetype *t, apr_int64_t day,
                    const struct icaltimetype *until)
{
    apr_int64_t last, of_day, of_last;

    if (icaltime_is_null_time(*until)) {
        return 0;
    }
    last = datetime_days(until->year, until->month, until->day);
    of_day = t->hour * DATETIME_HOUR + t->minute * DATETIME_MINUTE + t->second;
    of_last = until->hour * DATETIME_HOUR + until->minute * DATETIME_MINUTE +
              until->second;
    return day > last || (day == last && of_day > of_last);
}

apr_status_t ical_plain_run(const struct icalrecurrencetype *rule,
                            struct icaltimetype first, ical_plain_each_fn *each,
                            void *data)
{
    const apr_int64_t from = datetime_days(first.year, first.month, first.day);
    const int weekly = rule->freq == ICAL_WEEKLY_RECURRENCE;
    const int starts = weekly && rule->week_start != ICAL_NO_WEEKDAY
                           ? (int)rule->week_start - 1
                           : 1;
    const int weekday = datetime_weekday(from);
    const unsigned days = ical_plain_days(rule, first);
    const int step = rule->interval * (weekly ? 7 : 1);
    apr_int64_t begin = weekly ? from - (weekday - starts + 7) % 7 : from, day;
    int left = rule->count;
    apr_status_t rv;

    for (;; begin += step) {
        for (day = begin; day < begin + (weekly ? 7 : 1); day++) {
            if (day < from ||
                (weekly && !(days & 1U << (unsigned)datetime_weekday(day)))) {
                continue;
            }
            datetime_civil(day, &first.year, &first.month, &first.day);
            if (is_after(&first, day, &rule->until)) {
                return APR_SUCCESS;
            }
            rv = each(data, first);
            if (rv != APR_SUCCESS || (rule->count && --left == 0)) {
                return rv;
            }
        }
    }
}
