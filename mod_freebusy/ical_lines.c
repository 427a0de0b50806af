/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The first fence: before libical sees a calendar, folded lines (RFC 5545
 * section 3.1) are joined, and every property that availability has no use for
 * is dropped; so is every single event that is days away from the window.  What
 * is left is small, and its nesting is known. */

#include "ical_reader.h"
#include "datetime.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <string.h>

static const char *const kept[] = {
    "ATTENDEE",   "CLASS",  "DTEND",         "DTSTART",
    "DURATION",   "EXDATE", "FREEBUSY",      "LOCATION",
    "RDATE",      "RRULE",  "RECURRENCE-ID", "STATUS",
    "SUMMARY",    "TRANSP", "TZID",          "TZOFFSETFROM",
    "TZOFFSETTO", "UID",    "X-WR-TIMEZONE", "X-MICROSOFT-CDO-BUSYSTATUS",
};

/* Dates of an event are compared as they stand, whatever the zone: two days of
 * margin are more than any zone needs. */
#define MARGIN 2

typedef struct lines_t {
    const char *at, *end;
    char *out, *to; /* what was kept; the current line grows at `to` */
    int depth, components;
    apr_int64_t from, till; /* days of the window, with margin */
    char *event;            /* where the current VEVENT begins in `out` */
    apr_int64_t starts, ends, lasts; /* its days, UNKNOWN until seen */
    int recurs; /* or is an instance that stands for itself */
    const char *why;
    apr_status_t rv;
} lines_t;

#define UNKNOWN APR_INT64_MIN

static int refuse(lines_t *l, apr_status_t rv, const char *why)
{
    l->rv = rv;
    l->why = why;
    return 0;
}

static int is_name(const char *line, apr_size_t len, const char *name)
{
    return len == strlen(name) && apr_cstr_casecmpn(line, name, len) == 0;
}

static int is_kept(const char *line, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (is_name(line, len, kept[i])) {
            return 1;
        }
    }
    return 0;
}

/* Joins one folded line into l->to.  Returns its end. */
static char *unfold(lines_t *l)
{
    char *to = l->to;

    while (l->at < l->end) {
        const char *eol = memchr(l->at, '\n', (apr_size_t)(l->end - l->at));
        apr_size_t len = (apr_size_t)((eol ? eol : l->end) - l->at);

        memcpy(to, l->at, len);
        to += len;
        l->at += len + (eol ? 1 : 0);
        if (to > l->to && to[-1] == '\r') {
            to--;
        }
        if (l->at >= l->end || (*l->at != ' ' && *l->at != '\t')) {
            break;
        }
        l->at++;
    }
    return to;
}

static int count_component(lines_t *l, int begins)
{
    l->depth += begins ? 1 : -1;
    if (l->depth < 0) {
        return refuse(l, APR_EINVAL, "calendar ends a component twice");
    }
    if (l->depth > ICAL_DEPTH_MAX) {
        return refuse(l, APR_ENOSPC, "calendar is nested too deeply");
    }
    if (begins && ++l->components > ICAL_COMPONENTS_MAX) {
        return refuse(l, APR_ENOSPC, "calendar has too many components");
    }
    return 1;
}

/* The day at the start of a DATE or DATE-TIME value. */
static apr_int64_t day_of(const char *value, const char *end)
{
    int n[3] = {0, 0, 0}, i;

    if (end - value < 8) {
        return UNKNOWN;
    }
    for (i = 0; i < 8; i++) {
        if (!apr_isdigit(value[i])) {
            return UNKNOWN;
        }
        n[i < 4 ? 0 : i < 6 ? 1 : 2] *= 10;
        n[i < 4 ? 0 : i < 6 ? 1 : 2] += value[i] - '0';
    }
    return n[1] >= 1 && n[1] <= 12 && n[2] >= 1 && n[2] <= 31
               ? datetime_days(n[0], n[1], n[2])
               : UNKNOWN;
}

/* Days that a DURATION can reach; UNKNOWN when it is not a plain one. */
static apr_int64_t days_of(const char *value, apr_size_t len)
{
    char text[32];
    int seconds;

    if (len >= sizeof(text)) {
        return UNKNOWN;
    }
    memcpy(text, value, len);
    text[len] = '\0';
    if (datetime_parse_duration(&seconds, text) != APR_SUCCESS || seconds < 0) {
        return UNKNOWN;
    }
    return seconds / DATETIME_DAY + 1;
}

/* Notes when an event is.  A property of a component inside it counts as well:
 * that can only keep an event. */
static void note(lines_t *l, apr_size_t name, const char *end)
{
    const char *colon = memchr(l->to, ':', (apr_size_t)(end - l->to));
    const char *value = colon ? colon + 1 : end;
    apr_int64_t day;

    if (is_name(l->to, name, "DTSTART")) {
        day = day_of(value, end);
        l->starts = l->starts == UNKNOWN ? day : l->starts;
    }
    else if (is_name(l->to, name, "DTEND")) {
        day = day_of(value, end);
        l->ends = day > l->ends ? day : l->ends;
    }
    else if (is_name(l->to, name, "DURATION")) {
        day = days_of(value, (apr_size_t)(end - value));
        l->lasts = day > l->lasts ? day : l->lasts;
        l->recurs |= day == UNKNOWN;
    }
    l->recurs |= is_name(l->to, name, "RRULE") ||
                 is_name(l->to, name, "RDATE") ||
                 is_name(l->to, name, "RECURRENCE-ID");
}

/* 1 when the event that ends here cannot touch the window. */
static int is_far(const lines_t *l)
{
    apr_int64_t last = l->starts + 1;

    if (l->recurs || l->starts == UNKNOWN) {
        return 0;
    }
    if (l->lasts != UNKNOWN) {
        last = l->starts + l->lasts;
    }
    if (l->ends > last) {
        last = l->ends;
    }
    return l->starts > l->till || last < l->from;
}

/* BEGIN and END of an event.  1 when it goes, with all that was kept of it. */
static int event_goes(lines_t *l, int begins, const char *end)
{
    const char *name = memchr(l->to, ':', (apr_size_t)(end - l->to));

    if (!name || !is_name(name + 1, (apr_size_t)(end - name - 1), "VEVENT")) {
        return 0;
    }
    if (begins) {
        l->event = l->to;
        l->starts = l->ends = l->lasts = UNKNOWN;
        l->recurs = 0;
        return 0;
    }
    if (l->event && is_far(l)) {
        l->to = l->event;
        l->event = NULL;
        return 1;
    }
    l->event = NULL;
    return 0;
}

/* Keeps the line from l->to to `end`, or lets the next overwrite it. */
static int keep(lines_t *l, char *end)
{
    apr_size_t len = (apr_size_t)(end - l->to), name;

    for (name = 0; name < len && l->to[name] != ':' && l->to[name] != ';';) {
        name++;
    }
    if (is_name(l->to, name, "BEGIN") || is_name(l->to, name, "END")) {
        int begins = apr_tolower(*l->to) == 'b';

        if (!count_component(l, begins)) {
            return 0;
        }
        if (event_goes(l, begins, end)) {
            return 1;
        }
    }
    else if (l->depth == 0 && len > 0) {
        return refuse(l, APR_EINVAL, "no calendar");
    }
    else if (!is_kept(l->to, name)) {
        return 1;
    }
    else {
        note(l, name, end);
    }
    if (len > ICAL_LINE_MAX) {
        return refuse(l, APR_ENOSPC, "calendar has a line that is too long");
    }
    l->to = end;
    *l->to++ = '\r';
    *l->to++ = '\n';
    return 1;
}

char *ical_lines_thin(const char *bytes, apr_size_t len, busy_window_t window,
                      apr_status_t *rv, const char **why, apr_pool_t *pool)
{
    lines_t l = {.at = bytes, .end = bytes + len, .rv = APR_SUCCESS};

    l.from = datetime_day_of(window.start) - MARGIN;
    l.till = datetime_day_of(window.end) + MARGIN;
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        l.at += 3;
    }
    /* CR LF may be longer than the LF that was read. */
    l.out = l.to = apr_palloc(pool, 2 * len + 3);
    if (memchr(bytes, '\0', len)) {
        refuse(&l, APR_EINVAL, "calendar holds a NUL");
    }
    while (l.rv == APR_SUCCESS && l.at < l.end) {
        keep(&l, unfold(&l));
    }
    if (l.rv == APR_SUCCESS && (l.depth != 0 || l.components == 0)) {
        refuse(&l, APR_EINVAL, "calendar is cut off");
    }
    *l.to = '\0';
    *rv = l.rv;
    *why = l.why;
    return l.rv == APR_SUCCESS ? l.out : NULL;
}
