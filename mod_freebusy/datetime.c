/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "datetime.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define DURATION_MAX (100 * DATETIME_DAY)

/* Reads exactly `digits` digits and moves *at behind them. */
static int number(const char **at, int digits, int *value)
{
    *value = 0;
    while (digits-- > 0) {
        if (!apr_isdigit(**at)) {
            return 0;
        }
        *value = *value * 10 + (*(*at)++ - '0');
    }
    return 1;
}

static int literal(const char **at, char c)
{
    if (**at != c) {
        return 0;
    }
    ++*at;
    return 1;
}

/* hh:mm:ss and an optional fraction. */
static int clock_time(const char **at, int *seconds)
{
    int hour, minute, second;

    if (!number(at, 2, &hour) || !literal(at, ':') || !number(at, 2, &minute) ||
        !literal(at, ':') || !number(at, 2, &second)) {
        return 0;
    }
    if (literal(at, '.')) {
        if (!apr_isdigit(**at)) {
            return 0;
        }
        while (apr_isdigit(**at)) {
            ++*at;
        }
    }
    *seconds = hour * DATETIME_HOUR + minute * DATETIME_MINUTE + second;
    return minute < 60 && second < 60 && *seconds <= DATETIME_DAY;
}

/* Z, +hh:mm, -hh:mm or nothing. */
static int zone(const char **at, datetime_t *out)
{
    int sign, hour, minute;

    out->has_offset = 1;
    out->offset = 0;
    if (literal(at, 'Z')) {
        return 1;
    }
    sign = **at == '-' ? -1 : 1;
    if (!literal(at, '+') && !literal(at, '-')) {
        out->has_offset = 0;
        return 1;
    }
    if (!number(at, 2, &hour) || !literal(at, ':') || !number(at, 2, &minute)) {
        return 0;
    }
    out->offset = sign * (hour * DATETIME_HOUR + minute * DATETIME_MINUTE);
    return hour <= 14 && minute < 60;
}

static int date(const char **at, apr_int64_t *days)
{
    int year, month, day;

    if (!number(at, 4, &year) || !literal(at, '-') || !number(at, 2, &month) ||
        !literal(at, '-') || !number(at, 2, &day)) {
        return 0;
    }
    if (year < DATETIME_YEAR_MIN || year > DATETIME_YEAR_MAX || month < 1 ||
        month > 12 || day < 1 || day > datetime_days_in_month(year, month)) {
        return 0;
    }
    *days = datetime_days(year, month, day);
    return 1;
}

apr_status_t datetime_parse(datetime_t *out, const char *text)
{
    apr_int64_t days;
    int seconds;

    if (!date(&text, &days) || !literal(&text, 'T') ||
        !clock_time(&text, &seconds) || !zone(&text, out) || *text) {
        return APR_EINVAL;
    }
    out->seconds = days * DATETIME_DAY + seconds;
    return APR_SUCCESS;
}

apr_status_t datetime_parse_time(int *seconds, const char *text)
{
    return clock_time(&text, seconds) && !*text ? APR_SUCCESS : APR_EINVAL;
}

apr_status_t datetime_parse_int(int *value, const char *text, int min, int max)
{
    char *end;
    apr_int64_t n;

    while (apr_isspace(*text)) {
        text++;
    }
    if (!apr_isdigit(*text) && *text != '-' && *text != '+') {
        return APR_EINVAL;
    }
    n = apr_strtoi64(text, &end, 10);
    if (end == text) {
        return APR_EINVAL;
    }
    while (apr_isspace(*end)) {
        end++;
    }
    if (*end || n < min || n > max) {
        return APR_EINVAL;
    }
    *value = (int)n;
    return APR_SUCCESS;
}

/* The parts of a duration from large to small; each at most once. */
static const struct {
    char letter;
    int in_time, seconds;
} parts[] = {
    {'D', 0, DATETIME_DAY},
    {'H', 1, DATETIME_HOUR},
    {'M', 1, DATETIME_MINUTE},
    {'S', 1, 1},
};

apr_status_t datetime_parse_duration(int *seconds, const char *text)
{
    apr_int64_t total = 0;
    int sign = literal(&text, '-') ? -1 : 1, in_time = 0, any = 0;
    size_t i = 0;

    if (!literal(&text, 'P')) {
        return APR_EINVAL;
    }
    while (*text) {
        char *end;
        apr_int64_t n;

        if (!in_time && literal(&text, 'T')) {
            in_time = 1;
        }
        n = apr_isdigit(*text) ? apr_strtoi64(text, &end, 10) : -1;
        if (n < 0 || n > DURATION_MAX) {
            return APR_EINVAL;
        }
        while (i < 4 &&
               (parts[i].letter != *end || parts[i].in_time != in_time)) {
            i++;
        }
        if (i == 4) {
            return APR_EINVAL;
        }
        total += n * parts[i++].seconds;
        text = end + 1;
        any = 1;
    }
    if (!any || total > DURATION_MAX) {
        return APR_EINVAL;
    }
    *seconds = sign * (int)total;
    return APR_SUCCESS;
}

/* `width` digits of `n` at `to`; returns what is behind them. */
static char *digits(char *to, int n, int width)
{
    int i;

    for (i = width - 1; i >= 0; i--, n /= 10) {
        to[i] = (char)('0' + n % 10);
    }
    return to + width;
}

static char *put(char *to, const char *text)
{
    while (*text) {
        *to++ = *text++;
    }
    return to;
}

/* Hundreds of mailboxes have thousands of times: no format string.  `dash` and
 * `colon` stand between the parts, `zone` behind them. */
static const char *print(apr_int64_t seconds, const char *dash,
                         const char *colon, const char *zone, apr_pool_t *pool)
{
    apr_int64_t days = datetime_day_of(seconds);
    int clock = (int)(seconds - days * DATETIME_DAY), year, month, day;
    char *text = apr_palloc(pool, sizeof("2026-03-02T09:00:00Z")), *to = text;

    datetime_civil(days, &year, &month, &day);
    to = put(digits(to, year, 4), dash);
    to = put(digits(to, month, 2), dash);
    to = put(digits(to, day, 2), "T");
    to = put(digits(to, clock / DATETIME_HOUR, 2), colon);
    to = put(digits(to, clock / DATETIME_MINUTE % 60, 2), colon);
    *put(digits(to, clock % 60, 2), zone) = '\0';
    return text;
}

const char *datetime_print(apr_int64_t seconds, apr_pool_t *pool)
{
    return print(seconds, "-", ":", "", pool);
}

const char *datetime_print_utc(apr_int64_t seconds, apr_pool_t *pool)
{
    return print(seconds, "-", ":", "Z", pool);
}

const char *datetime_print_basic(apr_int64_t seconds, apr_pool_t *pool)
{
    return print(seconds, "", "", "Z", pool);
}

const char *datetime_print_time(int seconds, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%02d:%02d:%02d", seconds / DATETIME_HOUR,
                        seconds / DATETIME_MINUTE % 60, seconds % 60);
}

/* Both ways count from 1 March of a year, so that the leap day comes last; an
 * era is 400 years of 146097 days. */
apr_int64_t datetime_days(int year, int month, int day)
{
    apr_int64_t y = month <= 2 ? year - 1 : year;
    apr_int64_t era = (y >= 0 ? y : y - 399) / 400;
    apr_int64_t year_of_era = y - era * 400;
    apr_int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    apr_int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

void datetime_civil(apr_int64_t days, int *year, int *month, int *day)
{
    apr_int64_t z = days + 719468;
    apr_int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    apr_int64_t day_of_era = z - era * 146097;
    apr_int64_t year_of_era = (day_of_era - day_of_era / 1460 +
                               day_of_era / 36524 - day_of_era / 146096) /
                              365;
    apr_int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    apr_int64_t shifted = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

apr_int64_t datetime_day_of(apr_int64_t seconds)
{
    apr_int64_t days = seconds / DATETIME_DAY;

    return seconds % DATETIME_DAY < 0 ? days - 1 : days;
}

int datetime_year_of(apr_int64_t seconds)
{
    int year, month, day;

    datetime_civil(datetime_day_of(seconds), &year, &month, &day);
    return year;
}

int datetime_weekday(apr_int64_t days)
{
    int weekday = (int)((days + 4) % 7);

    return weekday < 0 ? weekday + 7 : weekday;
}

int datetime_days_in_month(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}
