/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "timezone.h"
#include "datetime.h"

#include <string.h>

timezone_t *timezone_create(apr_pool_t *pool)
{
    timezone_t *tz = apr_palloc(pool, sizeof(*tz));

    tz->eras = apr_array_make(pool, 1, sizeof(timezone_era_t));
    return tz;
}

void timezone_add_fixed(timezone_t *tz, apr_int64_t from, int offset)
{
    timezone_era_t *era = apr_array_push(tz->eras);

    memset(era, 0, sizeof(*era));
    era->from = from;
    era->offset = offset;
}

timezone_t *timezone_fixed(int offset, apr_pool_t *pool)
{
    timezone_t *tz = timezone_create(pool);

    timezone_add_fixed(tz, APR_INT64_MIN, offset);
    return tz;
}

static int later(const timezone_rule_t *a, const timezone_rule_t *b)
{
    return timezone_rule_day(a, 2001) > timezone_rule_day(b, 2001);
}

void timezone_add_rules(timezone_t *tz, apr_int64_t from,
                        const timezone_rule_t *rules, int count)
{
    timezone_era_t *era;
    int i, j, same = 1;

    for (i = 1; i < count; i++) {
        same &= rules[i].offset == rules[0].offset;
    }
    timezone_add_fixed(tz, from, rules[0].offset);
    if (same) {
        return;
    }
    era = &APR_ARRAY_IDX(tz->eras, tz->eras->nelts - 1, timezone_era_t);
    era->rule_count = count < TIMEZONE_RULES_MAX ? count : TIMEZONE_RULES_MAX;
    for (i = 0; i < era->rule_count; i++) {
        for (j = i; j > 0 && later(&era->rules[j - 1], &rules[i]); j--) {
            era->rules[j] = era->rules[j - 1];
        }
        era->rules[j] = rules[i];
    }
}

static int day_matches(int weekday, int wanted)
{
    int weekend = weekday == 0 || weekday == 6;

    switch (wanted) {
    case TIMEZONE_ANY_DAY:
        return 1;
    case TIMEZONE_WEEKDAY:
        return !weekend;
    case TIMEZONE_WEEKEND_DAY:
        return weekend;
    default:
        return weekday == wanted;
    }
}

/* The `order`th day of the month that matches; 5 is the last. */
static apr_int64_t matching_day(const timezone_rule_t *rule, apr_int64_t first,
                                int length)
{
    apr_int64_t day, found = first;
    int count = 0, wanted = rule->order == 5 ? length : rule->order;

    for (day = first; day < first + length && count < wanted; day++) {
        if (day_matches(datetime_weekday(day), rule->weekday)) {
            found = day;
            count++;
        }
    }
    return found;
}

apr_int64_t timezone_rule_day(const timezone_rule_t *rule, int year)
{
    apr_int64_t first = datetime_days(year, rule->month, 1);
    int length = datetime_days_in_month(year, rule->month), day;

    if (rule->order == 0) {
        return first + (rule->day < length ? rule->day : length) - 1;
    }
    if (rule->weekday >= TIMEZONE_ANY_DAY) {
        return matching_day(rule, first, length);
    }
    day = (rule->weekday - datetime_weekday(first) + 7) % 7 +
          7 * (rule->order - 1);
    return first + (day < length ? day : day - 7);
}

/* When rule `i` of the era switches in `year`, in UTC: its time is on the clock
 * of the rule before it. */
static apr_int64_t switch_time(const timezone_era_t *era, int i, int year)
{
    int before = (i + era->rule_count - 1) % era->rule_count;
    const timezone_rule_t *rule = &era->rules[i];

    return timezone_rule_day(rule, year) * DATETIME_DAY + rule->seconds -
           era->rules[before].offset;
}

static int offset_by_rules(const timezone_era_t *era, apr_int64_t utc)
{
    int year = datetime_year_of(utc + TIMEZONE_OFFSET_MAX), y, i;

    /* The last switch that is not later.  In local time it may already be the
     * year after; and the last switch may be one of the year before. */
    for (y = year; y >= year - 2; y--) {
        for (i = era->rule_count - 1; i >= 0; i--) {
            if (switch_time(era, i, y) <= utc) {
                return era->rules[i].offset;
            }
        }
    }
    return era->rules[era->rule_count - 1].offset;
}

static const timezone_era_t *era_at(const timezone_t *tz, apr_int64_t utc)
{
    const timezone_era_t *eras = (const timezone_era_t *)tz->eras->elts;
    int low = 0, high = tz->eras->nelts - 1;

    while (low < high) {
        int middle = (low + high + 1) / 2;

        if (eras[middle].from <= utc) {
            low = middle;
        }
        else {
            high = middle - 1;
        }
    }
    return &eras[low];
}

int timezone_offset(const timezone_t *tz, apr_int64_t utc)
{
    const timezone_era_t *era = era_at(tz, utc);

    return era->rule_count ? offset_by_rules(era, utc) : era->offset;
}

apr_int64_t timezone_to_local(const timezone_t *tz, apr_int64_t utc)
{
    return utc + timezone_offset(tz, utc);
}

apr_int64_t timezone_to_utc(const timezone_t *tz, apr_int64_t local)
{
    int before = timezone_offset(tz, local - TIMEZONE_OFFSET_MAX);
    int after = timezone_offset(tz, local + TIMEZONE_OFFSET_MAX);

    if (timezone_offset(tz, local - before) != before &&
        timezone_offset(tz, local - after) == after) {
        return local - after;
    }
    return local - before;
}

int timezone_rules(const timezone_t *tz, apr_int64_t utc,
                   const timezone_rule_t **rules)
{
    const timezone_era_t *era = era_at(tz, utc);

    *rules = era->rules;
    return era->rule_count;
}
