/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* libical has a reader of zone files too (icaltzutil.c).  Judged by the C
 * library, hour by hour: right until 2037, and wrong from 2038 on in Lord Howe,
 * Chatham, Cairo and Nuuk, whose rules it guesses from the transitions where the
 * file has them in its footer.  Its first use of a zone takes 0.7 to 22 ms under
 * a lock of the process; this takes 0.1.  And EWS wants the two rules of a zone,
 * which the footer is. */

#include "tzif.h"
#include "datetime.h"
#include "windows_zones.h"

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define ZONE_FOLDER "/usr/share/zoneinfo/"
#define FILE_MAX (64 * 1024)
#define NAME_MAX_LENGTH 64
#define HEADER_LENGTH 44
#define TYPE_LENGTH 6

/* Counts of a header (RFC 8536 section 3.1), in the order of the file. */
typedef struct header_t {
    apr_uint32_t isut, isstd, leap, times, types, chars;
} header_t;

static apr_uint32_t be32(const unsigned char *at)
{
    return (apr_uint32_t)at[0] << 24 | (apr_uint32_t)at[1] << 16 |
           (apr_uint32_t)at[2] << 8 | at[3];
}

static apr_int64_t be64(const unsigned char *at)
{
    return (apr_int64_t)((apr_uint64_t)be32(at) << 32 | be32(at + 4));
}

/* Reads the header at `at` and computes the length of the block behind it. */
static int read_header(const unsigned char *at, apr_size_t left, int time_size,
                       header_t *h, apr_size_t *block)
{
    if (left < HEADER_LENGTH || memcmp(at, "TZif", 4) != 0 || at[4] < '2') {
        return 0;
    }
    h->isut = be32(at + 20);
    h->isstd = be32(at + 24);
    h->leap = be32(at + 28);
    h->times = be32(at + 32);
    h->types = be32(at + 36);
    h->chars = be32(at + 40);
    if (h->times > FILE_MAX || h->types > 256 || h->types == 0 ||
        h->chars > FILE_MAX || h->leap > FILE_MAX || h->isstd > 256 ||
        h->isut > 256) {
        return 0;
    }
    *block = (apr_size_t)h->times * (apr_size_t)(time_size + 1) +
             (apr_size_t)h->types * TYPE_LENGTH + h->chars +
             (apr_size_t)h->leap * (apr_size_t)(time_size + 4) + h->isstd +
             h->isut;
    return left - HEADER_LENGTH >= *block;
}

/* A number of POSIX's TZ variable: [+-]digits, at most `max`. */
static int posix_number(const char **at, int max, int *value)
{
    int n = 0;

    if (!apr_isdigit(**at)) {
        return 0;
    }
    while (apr_isdigit(**at)) {
        n = n * 10 + (*(*at)++ - '0');
        if (n > max) {
            return 0;
        }
    }
    *value = n;
    return 1;
}

/* [+-]hh[:mm[:ss]] */
static int posix_time(const char **at, int *seconds)
{
    static const int unit[] = {DATETIME_HOUR, DATETIME_MINUTE, 1};
    int sign = 1, i, n;

    if (**at == '-' || **at == '+') {
        sign = *(*at)++ == '-' ? -1 : 1;
    }
    *seconds = 0;
    for (i = 0; i < 3; i++) {
        if (!posix_number(at, i ? 59 : 167, &n)) {
            return 0;
        }
        *seconds += n * unit[i];
        if (**at != ':') {
            break;
        }
        ++*at;
    }
    *seconds *= sign;
    return 1;
}

/* The name of a period: letters, or anything between angle brackets. */
static int posix_name(const char **at)
{
    const char *start = *at;

    if (**at == '<') {
        *at += strcspn(*at, ">");
        return *(*at) ? (++*at, 1) : 0;
    }
    while (apr_isalpha(**at)) {
        ++*at;
    }
    return *at - start >= 3;
}

/* ,Mm.w.d[/time]; the forms by day of the year are in no zone file. */
static int posix_rule(const char **at, timezone_rule_t *rule)
{
    if (strncmp(*at, ",M", 2) != 0) {
        return 0;
    }
    *at += 2;
    if (!posix_number(at, 12, &rule->month) || *(*at)++ != '.' ||
        !posix_number(at, 5, &rule->order) || *(*at)++ != '.' ||
        !posix_number(at, 6, &rule->weekday) || !rule->month || !rule->order) {
        return 0;
    }
    rule->seconds = 2 * DATETIME_HOUR;
    if (**at == '/') {
        ++*at;
        return posix_time(at, &rule->seconds);
    }
    return 1;
}

/* The footer (section 3.3): what holds after the last transition.  POSIX counts
 * offsets west of UTC. */
static int footer_era(timezone_t *tz, apr_int64_t from, const char *text)
{
    timezone_rule_t rules[2];
    int standard, daylight;

    memset(rules, 0, sizeof(rules));
    if (!posix_name(&text) || !posix_time(&text, &standard)) {
        return 0;
    }
    if (!*text) {
        timezone_add_fixed(tz, from, -standard);
        return 1;
    }
    daylight = standard - DATETIME_HOUR;
    if (!posix_name(&text) || (*text != ',' && !posix_time(&text, &daylight)) ||
        !posix_rule(&text, &rules[0]) || !posix_rule(&text, &rules[1]) ||
        *text) {
        return 0;
    }
    rules[0].offset = -daylight;
    rules[1].offset = -standard;
    timezone_add_rules(tz, from, rules, 2);
    return 1;
}

/* 1 when `footer` has the offset `offset` from `from` to before `to`: looked at
 * in a few places, because two switches of a year are months apart. */
static int agrees(const timezone_t *footer, apr_int64_t from, apr_int64_t to,
                  int offset)
{
    int i;

    if (to - from > 366 * DATETIME_DAY ||
        timezone_offset(footer, from) != offset) {
        return 0;
    }
    for (i = 1; i < 8 && from < to; i++) {
        if (timezone_offset(footer, from + (to - from) * i / 8) != offset) {
            return 0;
        }
    }
    return from == to || timezone_offset(footer, to - 1) == offset;
}

/* Drops the eras at the end that the footer describes as well, so that its
 * rules hold from the earliest possible time. */
static void shorten(timezone_t *tz, apr_pool_t *pool)
{
    timezone_era_t *eras = (timezone_era_t *)tz->eras->elts;
    int keep = tz->eras->nelts - 1;
    timezone_t *footer = timezone_create(pool);

    APR_ARRAY_PUSH(footer->eras, timezone_era_t) = eras[keep];
    while (keep > 1 && agrees(footer, eras[keep - 1].from, eras[keep].from,
                              eras[keep - 1].offset)) {
        keep--;
    }
    eras[tz->eras->nelts - 1].from = eras[keep].from;
    eras[keep] = eras[tz->eras->nelts - 1];
    tz->eras->nelts = keep + 1;
}

/* Section 3.2: transition times, their types, type records. */
static int block_eras(timezone_t *tz, const unsigned char *at,
                      const header_t *h)
{
    const unsigned char *types = at + (apr_size_t)h->times * 8;
    const unsigned char *records = types + h->times;
    apr_uint32_t i;
    apr_int64_t last = APR_INT64_MIN;

    timezone_add_fixed(tz, APR_INT64_MIN, (int)be32(records));
    for (i = 0; i < h->times; i++) {
        apr_int64_t when = be64(at + (apr_size_t)i * 8);
        int offset;

        if (types[i] >= h->types || when < last) {
            return 0;
        }
        offset = (int)be32(records + (apr_size_t)types[i] * TYPE_LENGTH);
        if (offset > TIMEZONE_OFFSET_MAX || offset < -TIMEZONE_OFFSET_MAX) {
            return 0;
        }
        timezone_add_fixed(tz, when, offset);
        last = when;
    }
    return 1;
}

apr_status_t tzif_decode(timezone_t **tz, const unsigned char *bytes,
                         apr_size_t len, const char **why, apr_pool_t *pool)
{
    header_t h;
    apr_size_t block, at;
    const char *footer, *end;
    int count;

    *why = "no time zone file of version 2";
    if (!read_header(bytes, len, 4, &h, &block)) {
        return APR_EINVAL;
    }
    at = HEADER_LENGTH + block;
    if (!read_header(bytes + at, len - at, 8, &h, &block)) {
        return APR_EINVAL;
    }
    *tz = timezone_create(pool);
    *why = "time zone file has a broken transition";
    if (!block_eras(*tz, bytes + at + HEADER_LENGTH, &h)) {
        return APR_EINVAL;
    }
    at += HEADER_LENGTH + block;
    *why = "time zone file has a broken footer";
    end = at + 1 < len && bytes[at] == '\n'
              ? memchr(bytes + at + 1, '\n', len - at - 1)
              : NULL;
    if (!end) {
        return APR_EINVAL;
    }
    footer = (const char *)bytes + at + 1;
    count = (*tz)->eras->nelts;
    if (end > footer &&
        !footer_era(*tz,
                    APR_ARRAY_IDX((*tz)->eras, count - 1, timezone_era_t).from,
                    apr_pstrmemdup(pool, footer, (apr_size_t)(end - footer)))) {
        return APR_EINVAL;
    }
    if (end > footer && count > 1) {
        shorten(*tz, pool);
    }
    *why = NULL;
    return APR_SUCCESS;
}

/* Area/Location names of the database: no dot, no empty part. */
static int name_is_safe(const char *name)
{
    const char *p;

    for (p = name; *p; p++) {
        int slash_ok = p > name && p[-1] != '/' && p[1];

        if (!apr_isalnum(*p) && !strchr("_+-", *p) &&
            !(*p == '/' && slash_ok)) {
            return 0;
        }
    }
    return p > name && p - name <= NAME_MAX_LENGTH;
}

apr_status_t tzif_load(timezone_t **tz, const char *name, apr_pool_t *pool)
{
    const windows_zone_t *mapped = windows_zones_find(name);
    const char *why;
    unsigned char *bytes;
    apr_size_t len;
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv;

    name = mapped ? mapped->iana : name;
    if (!name_is_safe(name)) {
        return APR_NOTFOUND;
    }
    rv = apr_file_open(&file, apr_pstrcat(pool, ZONE_FOLDER, name, NULL),
                       APR_FOPEN_READ | APR_FOPEN_BINARY, 0, pool);
    if (rv != APR_SUCCESS) {
        return APR_NOTFOUND;
    }
    rv = apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_TYPE, file);
    if (rv == APR_SUCCESS && info.filetype == APR_REG &&
        info.size <= FILE_MAX) {
        len = (apr_size_t)info.size;
        bytes = apr_palloc(pool, len);
        rv = apr_file_read_full(file, bytes, len, &len);
    }
    else {
        rv = APR_NOTFOUND;
    }
    apr_file_close(file);
    return rv == APR_SUCCESS ? tzif_decode(tz, bytes, len, &why, pool)
                             : APR_NOTFOUND;
}
