/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_DATETIME_H
#define POSTERN_DATETIME_H

/* Dates and times of XML Schema (xs:dateTime, xs:time, xs:duration) as EWS uses
 * them, and the proleptic Gregorian calendar below.  Seconds are counted from
 * 1970-01-01T00:00:00 without leap seconds.  Pure; any thread. */

#include <apr_pools.h>

#define DATETIME_MINUTE 60
#define DATETIME_HOUR 3600
#define DATETIME_DAY 86400

/* Years that pass: everything a calendar of people holds, and nothing that can
 * overflow later arithmetic. */
#define DATETIME_YEAR_MIN 1601
#define DATETIME_YEAR_MAX 4500

typedef struct datetime_t {
    apr_int64_t seconds; /* as written on the clock */
    int has_offset;      /* written with Z or +hh:mm */
    int offset;          /* seconds east of UTC, 0 without */
} datetime_t;

/* Reads YYYY-MM-DDThh:mm:ss with optional fraction (dropped) and offset.
 * APR_EINVAL for anything else and for days that do not exist. */
apr_status_t datetime_parse(datetime_t *out, const char *text);

/* Reads hh:mm:ss (24:00:00 is the end of the day) into seconds of the day. */
apr_status_t datetime_parse_time(int *seconds, const char *text);

/* Reads an xs:duration of days, hours, minutes and seconds ("-PT1H30M") of at
 * most 100 days into seconds. */
apr_status_t datetime_parse_duration(int *seconds, const char *text);

/* Reads a whole decimal number between `min` and `max`, blanks around allowed. */
apr_status_t datetime_parse_int(int *value, const char *text, int min, int max);

/* YYYY-MM-DDThh:mm:ss, the same with a Z behind, and that of iCalendar:
 * YYYYMMDDThhmmssZ. */
const char *datetime_print(apr_int64_t seconds, apr_pool_t *pool);
const char *datetime_print_utc(apr_int64_t seconds, apr_pool_t *pool);
const char *datetime_print_basic(apr_int64_t seconds, apr_pool_t *pool);

/* hh:mm:ss of a second of the day. */
const char *datetime_print_time(int seconds, apr_pool_t *pool);

/* Days from 1970-01-01 to year-month-day, and back. */
apr_int64_t datetime_days(int year, int month, int day);
void datetime_civil(apr_int64_t days, int *year, int *month, int *day);

/* The day (and year) in which `seconds` falls; right for times before 1970. */
apr_int64_t datetime_day_of(apr_int64_t seconds);
int datetime_year_of(apr_int64_t seconds);

/* 0 Sunday ... 6 Saturday. */
int datetime_weekday(apr_int64_t days);

int datetime_days_in_month(int year, int month);

#endif
