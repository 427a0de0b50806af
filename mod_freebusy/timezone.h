/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_TIMEZONE_H
#define POSTERN_TIMEZONE_H

/* One model for every kind of time zone that reaches us: the TimeZone rules of
 * EWS, the TimeZoneDefinition of newer clients, the system's zone files and the
 * VTIMEZONE of a calendar.  A zone is a list of eras; in each the offset is
 * fixed, or switches every year by rules.
 *
 * Offsets are seconds east of UTC: local = UTC + offset.  (EWS counts Bias in
 * minutes the other way: UTC = local + Bias.)  Pure; a zone does not change
 * after it was made and may be used by many threads. */

#include <apr_pools.h>
#include <apr_tables.h>

#define TIMEZONE_RULES_MAX 8
#define TIMEZONE_OFFSET_MAX (26 * 3600)

enum { /* weekday of a rule beyond 0 Sunday .. 6 Saturday */
       TIMEZONE_ANY_DAY = 7,
       TIMEZONE_WEEKDAY = 8,
       TIMEZONE_WEEKEND_DAY = 9
};

/* One switch a year, at a time on the clock of the offset being left. */
typedef struct timezone_rule_t {
    int month; /* 1..12 */
    int order; /* which `weekday` of the month, 1..5 with 5 the last; 0: `day` */
    int weekday; /* 0 Sunday .. 6, or one of the above */
    int day;     /* of the month, with order 0 */
    int seconds; /* of the day; POSIX allows negative ones and beyond 24 h */
    int offset;  /* from then on */
} timezone_rule_t;

typedef struct timezone_era_t {
    apr_int64_t from; /* UTC, inclusive */
    int offset;       /* without rules */
    int rule_count;   /* 0, or 2..TIMEZONE_RULES_MAX in order of the year */
    timezone_rule_t rules[TIMEZONE_RULES_MAX];
} timezone_era_t;

typedef struct timezone_t {
    apr_array_header_t *eras; /* timezone_era_t, ascending by `from`; the first
                                 also holds before its begin; never empty */
} timezone_t;

timezone_t *timezone_fixed(int offset, apr_pool_t *pool);

/* Appends an era.  With `count` rules of equal offset, or one, the era is
 * fixed; rules may come in any order. */
void timezone_add_rules(timezone_t *tz, apr_int64_t from,
                        const timezone_rule_t *rules, int count);
void timezone_add_fixed(timezone_t *tz, apr_int64_t from, int offset);
timezone_t *timezone_create(apr_pool_t *pool);

/* The offset at `utc`. */
int timezone_offset(const timezone_t *tz, apr_int64_t utc);

/* From UTC to the clock on the wall, and back.  A time that the clock shows
 * twice is the first of both; one that it skips counts on from the offset
 * before (RFC 5545 section 3.3.5). */
apr_int64_t timezone_to_local(const timezone_t *tz, apr_int64_t utc);
apr_int64_t timezone_to_utc(const timezone_t *tz, apr_int64_t local);

/* The yearly rules in force at `utc`, at most TIMEZONE_RULES_MAX of them; 0
 * where the offset is fixed. */
int timezone_rules(const timezone_t *tz, apr_int64_t utc,
                   const timezone_rule_t **rules);

/* The day of `year` on which a rule switches, counted from 1970. */
apr_int64_t timezone_rule_day(const timezone_rule_t *rule, int year);

#endif
