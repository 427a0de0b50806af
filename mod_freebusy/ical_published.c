/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Free/busy as servers publish it: VFREEBUSYs (RFC 5545 section 3.6.4) whose
 * times are in UTC.  There may be a hundred of them in a request, and libical
 * takes ten times as long for each.  What is written in any other way is
 * libical's business: nothing is guessed here. */

#include "ical_reader.h"
#include "datetime.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <string.h>

typedef struct published_t {
    const char *at, *end; /* what is left */
    const char *line;     /* the current one, without its end */
    const char *stop;
    int depth;      /* 1 in VCALENDAR, 2 in VFREEBUSY */
    int freebusies; /* VFREEBUSYs of this calendar */
    int periods;    /* properties FREEBUSY of this VFREEBUSY */
    int passed_over;
    busy_window_t covers;
    apr_array_header_t *covered; /* busy_window_t */
    busy_set_t *set;
    int empty; /* one of them has none */
} published_t;

static int next_line(published_t *p)
{
    const char *eol;

    if (p->at >= p->end) {
        return 0;
    }
    eol = memchr(p->at, '\n', (apr_size_t)(p->end - p->at));
    p->line = p->at;
    p->stop = eol ? eol : p->end;
    p->at = eol ? eol + 1 : p->end;
    if (p->stop > p->line && p->stop[-1] == '\r') {
        p->stop--;
    }
    return 1;
}

static int is_line(const published_t *p, const char *text)
{
    apr_size_t len = strlen(text);

    return (apr_size_t)(p->stop - p->line) == len &&
           memcmp(p->line, text, len) == 0;
}

/* What is behind `text` at the begin of the line, or NULL. */
static const char *behind(const published_t *p, const char *text)
{
    apr_size_t len = strlen(text);

    return (apr_size_t)(p->stop - p->line) >= len &&
                   memcmp(p->line, text, len) == 0
               ? p->line + len
               : NULL;
}

static int number(const char *at, int width)
{
    int n = 0;

    for (; width > 0; width--, at++) {
        if (!apr_isdigit(*at)) {
            return -1;
        }
        n = n * 10 + (*at - '0');
    }
    return n;
}

#define UTC_LENGTH 16 /* 20260302T090000Z */

/* Reads a time in UTC; returns what is behind it, or NULL. */
static const char *utc(const char *at, const char *stop, apr_int64_t *seconds)
{
    int year, month, day, hour, minute, second;

    if (stop - at < UTC_LENGTH || at[8] != 'T' || at[15] != 'Z') {
        return NULL;
    }
    year = number(at, 4);
    month = number(at + 4, 2);
    day = number(at + 6, 2);
    hour = number(at + 9, 2);
    minute = number(at + 11, 2);
    second = number(at + 13, 2);
    if (year < DATETIME_YEAR_MIN || year > DATETIME_YEAR_MAX || month < 1 ||
        month > 12 || day < 1 || day > datetime_days_in_month(year, month) ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 59) {
        return NULL;
    }
    *seconds = datetime_days(year, month, day) * DATETIME_DAY +
               hour * DATETIME_HOUR + minute * DATETIME_MINUTE + second;
    return at + UTC_LENGTH;
}

/* PT1H30M behind `start`; returns what is behind it, or NULL. */
static const char *lasting(const char *at, const char *stop, apr_int64_t start,
                           apr_int64_t *end)
{
    char text[32];
    const char *comma = memchr(at, ',', (apr_size_t)(stop - at));
    apr_size_t len = (apr_size_t)((comma ? comma : stop) - at);
    int seconds;

    if (len >= sizeof(text)) {
        return NULL;
    }
    memcpy(text, at, len);
    text[len] = '\0';
    if (datetime_parse_duration(&seconds, text) != APR_SUCCESS) {
        return NULL;
    }
    *end = start + seconds;
    return at + len;
}

/* FBTYPE (section 3.2.9); others are BUSY, as the section says. */
static const struct {
    const char *head;
    busy_type_e type;
} types[] = {
    {"FREEBUSY:", BUSY_BUSY},
    {"FREEBUSY;FBTYPE=BUSY:", BUSY_BUSY},
    {"FREEBUSY;FBTYPE=BUSY-TENTATIVE:", BUSY_TENTATIVE},
    {"FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:", BUSY_OOF},
    {"FREEBUSY;FBTYPE=FREE:", BUSY_FREE},
};

static int freebusy(published_t *p)
{
    const char *at = NULL;
    busy_period_t period = {.type = BUSY_BUSY};
    size_t i;

    for (i = 0; !at && i < sizeof(types) / sizeof(types[0]); i++) {
        at = behind(p, types[i].head);
        period.type = types[i].type;
    }
    p->periods++;
    while (at) {
        at = utc(at, p->stop, &period.start);
        if (!at || at >= p->stop || *at++ != '/' || at >= p->stop) {
            return 0;
        }
        at = *at == 'P' ? lasting(at, p->stop, period.start, &period.end)
                        : utc(at, p->stop, &period.end);
        if (!at || (period.type != BUSY_FREE &&
                    busy_add(p->set, &period) != APR_SUCCESS)) {
            return 0;
        }
        if (at == p->stop) {
            return 1;
        }
        if (*at++ != ',') {
            return 0;
        }
    }
    return 0;
}

static int begin(published_t *p)
{
    if (p->depth == 0 && is_line(p, "BEGIN:VCALENDAR")) {
        p->freebusies = 0;
    }
    else if (p->depth == 1 && is_line(p, "BEGIN:VFREEBUSY")) {
        p->covers.start = APR_INT64_MIN;
        p->covers.end = APR_INT64_MAX;
        p->periods = 0;
    }
    else {
        return 0;
    }
    p->depth++;
    return 1;
}

static int end(published_t *p)
{
    if (p->depth == 2 && is_line(p, "END:VFREEBUSY")) {
        APR_ARRAY_PUSH(p->covered, busy_window_t) = p->covers;
        p->empty |= p->periods == 0;
        p->freebusies++;
    }
    else if (p->depth != 1 || !is_line(p, "END:VCALENDAR") ||
             p->freebusies == 0) {
        return 0;
    }
    p->depth--;
    return 1;
}

/* 1 for the properties that mean something here, however they are written. */
static int has_meaning(const published_t *p)
{
    static const char *const names[] = {"BEGIN", "END", "DTSTART", "DTEND",
                                        "FREEBUSY"};
    apr_size_t len = (apr_size_t)(p->stop - p->line);
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        apr_size_t n = strlen(names[i]);

        if (len > n && (p->line[n] == ':' || p->line[n] == ';') &&
            apr_cstr_casecmpn(p->line, names[i], n) == 0) {
            return 1;
        }
    }
    return 0;
}

static int property(published_t *p)
{
    const char *at;

    p->passed_over = !has_meaning(p);
    if (p->passed_over) {
        return p->depth > 0;
    }
    if (behind(p, "BEGIN:")) {
        return begin(p);
    }
    if (behind(p, "END:")) {
        return end(p);
    }
    if (p->depth != 2) {
        return 0;
    }
    if ((at = behind(p, "DTSTART:")) != NULL) {
        return utc(at, p->stop, &p->covers.start) == p->stop;
    }
    if ((at = behind(p, "DTEND:")) != NULL) {
        return utc(at, p->stop, &p->covers.end) == p->stop;
    }
    return freebusy(p);
}

busy_set_t *ical_published_read(const char *bytes, apr_size_t len,
                                busy_window_t window, ical_report_t *report,
                                apr_pool_t *pool)
{
    published_t p = {.at = bytes, .end = bytes + len};

    if (memchr(bytes, '\0', len)) {
        return NULL;
    }
    p.set = busy_create(window, pool);
    p.covered = apr_array_make(pool, 1, sizeof(busy_window_t));
    while (next_line(&p)) {
        int folded = p.line < p.stop && (*p.line == ' ' || *p.line == '\t');

        if (folded ? !p.passed_over : !property(&p)) {
            return NULL;
        }
    }
    if (p.depth != 0 || p.covered->nelts == 0) {
        return NULL;
    }
    report->empty = p.empty;
    busy_add_uncovered(p.set, p.covered);
    busy_sort(p.set);
    return p.set;
}
