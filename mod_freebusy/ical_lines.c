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
#include <apr_strings.h>
#include <string.h>

typedef struct name_t {
    apr_size_t len;
    const char *text;
} name_t;

#define NAME(text)                                                             \
    {                                                                          \
        sizeof(text) - 1, text                                                 \
    }

/* Nothing but these tells what an event is about. */
static const name_t details[] = {
    NAME("CLASS"),
    NAME("LOCATION"),
    NAME("SUMMARY"),
};

static const name_t kept[] = {
    NAME("ATTENDEE"),
    NAME("BUSYTYPE"),
    NAME("DTEND"),
    NAME("DTSTART"),
    NAME("DURATION"),
    NAME("EXDATE"),
    NAME("FREEBUSY"),
    NAME("RDATE"),
    NAME("RECURRENCE-ID"),
    NAME("RRULE"),
    NAME("STATUS"),
    NAME("TRANSP"),
    NAME("TZID"),
    NAME("TZOFFSETFROM"),
    NAME("TZOFFSETTO"),
    NAME("UID"),
    NAME("X-MICROSOFT-CDO-BUSYSTATUS"),
    NAME("X-WR-TIMEZONE"),
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
    int event_depth;        /* of its properties */
    int times_only;
    apr_int64_t starts, ends, lasts; /* its days, UNKNOWN until seen */
    int dates;  /* has single dates, or is an instance of its own */
    int recurs; /* has a rule; it ends on day `recurs_till` */
    apr_int64_t recurs_till;
    int attendees,
        busies; /* lines of ATTENDEE and FREEBUSY of this component */
    const apr_array_header_t *addresses; /* of the owner, or NULL */
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

/* Without regard to case; `name` is in capitals.  Called for each line of each
 * calendar several times: ends at the first byte that differs. */
static int is_name(const char *line, apr_size_t len, const char *name)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        char c =
            line[i] >= 'a' && line[i] <= 'z' ? (char)(line[i] - 32) : line[i];

        if (c != name[i] || name[i] == '\0') {
            return 0;
        }
    }
    return name[len] == '\0';
}

/* Most lines of a calendar are none of these: the length tells already. */
static int is_among(const name_t *names, apr_size_t count, const char *line,
                    apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        if (len == names[i].len && is_name(line, len, names[i].text)) {
            return 1;
        }
    }
    return 0;
}

/* Of alarms, nothing is read but that they are there. */
static int is_kept(const lines_t *l, const char *line, apr_size_t len)
{
    if (l->event && l->depth > l->event_depth) {
        return 0;
    }
    return is_among(kept, sizeof(kept) / sizeof(kept[0]), line, len) ||
           (!l->times_only &&
            is_among(details, sizeof(details) / sizeof(details[0]), line, len));
}

static int is_boundary(const char *line, apr_size_t len)
{
    return is_name(line, len, "BEGIN") || is_name(line, len, "END");
}

/* Bytes of the name of a property. */
static apr_size_t name_length(const char *line, apr_size_t len)
{
    apr_size_t n = 0;

    while (n < len && line[n] != ':' && line[n] != ';') {
        n++;
    }
    return n;
}

/* Passes over a line that is of no use, without copying it.  0 when that cannot
 * be told by its first piece. */
static int skip(lines_t *l)
{
    const char *eol = memchr(l->at, '\n', (apr_size_t)(l->end - l->at));
    apr_size_t len = (apr_size_t)((eol ? eol : l->end) - l->at);
    apr_size_t name = name_length(l->at, len);

    if (l->depth == 0 || name == len || is_boundary(l->at, name) ||
        is_kept(l, l->at, name)) {
        return 0;
    }
    while (eol && eol + 1 < l->end && (eol[1] == ' ' || eol[1] == '\t')) {
        eol = memchr(eol + 1, '\n', (apr_size_t)(l->end - eol - 1));
    }
    l->at = eol ? eol + 1 : l->end;
    return 1;
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

/* The number behind `key` in a rule; 0 without one. */
static apr_int64_t number_in(const char *rule, const char *key)
{
    const char *at = strstr(rule, key);

    return at ? apr_atoi64(at + strlen(key)) : 0;
}

/* Days from the start in which a rule with COUNT has all its instances; UNKNOWN
 * for all but the plainest: each step has one at least. */
static apr_int64_t days_of_count(const char *rule)
{
    const char *by = strstr(rule, "BY");
    apr_int64_t count = number_in(rule, "COUNT=");
    apr_int64_t step = number_in(rule, "INTERVAL=");
    int weekly = strstr(rule, "FREQ=WEEKLY") != NULL;

    if (count < 1 || count > 100000 || step < 0 || step > 1000 ||
        (!weekly && !strstr(rule, "FREQ=DAILY")) ||
        (by &&
         (!weekly || strncmp(by, "BYDAY=", 6) != 0 || strstr(by + 2, "BY")))) {
        return UNKNOWN;
    }
    return (count + 1) * (step ? step : 1) * (weekly ? 7 : 1);
}

/* When the rule ends, as far as that is written in it.  What is not written in
 * capitals is not understood, which can only keep an event. */
static void note_rule(lines_t *l, const char *value, const char *end)
{
    char rule[256];
    apr_size_t len = (apr_size_t)(end - value);
    const char *until;
    apr_int64_t till = APR_INT64_MAX;

    if (len < sizeof(rule)) {
        memcpy(rule, value, len);
        rule[len] = '\0';
        until = strstr(rule, "UNTIL=");
        if (until) {
            till = day_of(until + 6, rule + len);
        }
        else if (l->starts != UNKNOWN && days_of_count(rule) != UNKNOWN) {
            till = l->starts + days_of_count(rule);
        }
    }
    if (till == UNKNOWN) {
        till = APR_INT64_MAX;
    }
    l->recurs_till = till > l->recurs_till ? till : l->recurs_till;
    l->recurs = 1;
}

/* Notes when an event is. */
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
        l->dates |= day == UNKNOWN;
    }
    else if (is_name(l->to, name, "RRULE")) {
        note_rule(l, value, end);
    }
    else if (is_name(l->to, name, "RDATE") ||
             is_name(l->to, name, "RECURRENCE-ID")) {
        l->dates = 1;
    }
}

/* 1 when the event that ends here cannot touch the window. */
static int is_far(const lines_t *l)
{
    apr_int64_t length = 1;

    if (l->dates || l->starts == UNKNOWN) {
        return 0;
    }
    if (l->lasts != UNKNOWN) {
        length = l->lasts;
    }
    if (l->ends != UNKNOWN && l->ends - l->starts > length) {
        length = l->ends - l->starts;
    }
    if (l->starts > l->till) {
        return 1;
    }
    if (l->recurs) {
        return l->recurs_till < l->from - length - MARGIN;
    }
    return l->starts + length < l->from;
}

/* 1 for a FREEBUSY of one period far from the window.  The first of a VFREEBUSY
 * stays: none at all would mean something. */
static int is_far_freebusy(lines_t *l, const char *end)
{
    const char *colon = memchr(l->to, ':', (apr_size_t)(end - l->to));
    const char *value = colon ? colon + 1 : end, *slash;
    apr_int64_t starts = day_of(value, end), ends;

    slash = memchr(value, '/', (apr_size_t)(end - value));
    if (l->busies++ == 0 || !slash || starts == UNKNOWN ||
        memchr(value, ',', (apr_size_t)(end - value))) {
        return 0;
    }
    ends = day_of(slash + 1, end);
    if (ends == UNKNOWN) {
        ends = days_of(slash + 1, (apr_size_t)(end - slash - 1));
        if (ends == UNKNOWN) {
            return 0;
        }
        ends += starts;
    }
    return starts > l->till || ends < l->from;
}

/* The owner among the attendees counts, and the first of all: others only make
 * a large meeting slow. */
static int is_idle_attendee(lines_t *l, const char *end)
{
    apr_size_t len = (apr_size_t)(end - l->to), at;
    int i;

    if (!l->event || (l->attendees++ == 0 && !l->times_only)) {
        return 0;
    }
    for (i = 0; l->addresses && i < l->addresses->nelts; i++) {
        const char *address = APR_ARRAY_IDX(l->addresses, i, const char *);
        apr_size_t n = strlen(address);

        for (at = 0; n <= len && at <= len - n; at++) {
            if (apr_cstr_casecmpn(l->to + at, address, n) == 0) {
                return 0;
            }
        }
    }
    return 1;
}

/* BEGIN and END of an event.  1 when it goes, with all that was kept of it. */
static int event_goes(lines_t *l, int begins, const char *end)
{
    const char *name = memchr(l->to, ':', (apr_size_t)(end - l->to));

    if (!name || !is_name(name + 1, (apr_size_t)(end - name - 1), "VEVENT")) {
        return 0;
    }
    if (begins && !l->event) {
        l->event = l->to;
        l->event_depth = l->depth;
        l->starts = l->ends = l->lasts = UNKNOWN;
        l->recurs_till = UNKNOWN;
        l->recurs = l->dates = l->attendees = 0;
        return 0;
    }
    if (begins || !l->event || l->depth + 1 != l->event_depth) {
        return 0;
    }
    if (is_far(l)) {
        l->to = l->event;
        l->event = NULL;
        return 1;
    }
    l->event = NULL;
    return 0;
}

/* 1 for the begin and the end of a part of an event that nobody asks for. */
static int is_idle_part(const lines_t *l, int begins)
{
    return l->event && l->times_only &&
           l->depth + (begins ? 0 : 1) > l->event_depth;
}

/* Keeps the line from l->to to `end`, or lets the next overwrite it. */
static int keep(lines_t *l, char *end)
{
    apr_size_t len = (apr_size_t)(end - l->to);
    apr_size_t name = name_length(l->to, len);

    if (is_boundary(l->to, name)) {
        int begins = apr_tolower(*l->to) == 'b';

        if (!count_component(l, begins)) {
            return 0;
        }
        l->busies = 0;
        if (event_goes(l, begins, end) || is_idle_part(l, begins)) {
            return 1;
        }
    }
    else if (l->depth == 0 && len > 0) {
        return refuse(l, APR_EINVAL, "no calendar");
    }
    else if (!is_kept(l, l->to, name)) {
        return 1;
    }
    else if (is_name(l->to, name, "FREEBUSY")) {
        if (is_far_freebusy(l, end)) {
            return 1;
        }
    }
    else if (is_name(l->to, name, "ATTENDEE")) {
        if (is_idle_attendee(l, end)) {
            return 1;
        }
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

char *ical_lines_thin(const char *bytes, apr_size_t len,
                      const ical_query_t *query, apr_status_t *rv,
                      const char **why, apr_pool_t *pool)
{
    lines_t l = {.at = bytes, .end = bytes + len, .rv = APR_SUCCESS};

    l.addresses = query->addresses;
    l.times_only = query->times_only;
    l.from = datetime_day_of(query->window.start) - MARGIN;
    l.till = datetime_day_of(query->window.end) + MARGIN;
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        l.at += 3;
    }
    /* CR LF may be longer than the LF that was read. */
    l.out = l.to = apr_palloc(pool, 2 * len + 3);
    if (memchr(bytes, '\0', len)) {
        refuse(&l, APR_EINVAL, "calendar holds a NUL");
    }
    while (l.rv == APR_SUCCESS && l.at < l.end) {
        if (!skip(&l)) {
            keep(&l, unfold(&l));
        }
    }
    if (l.rv == APR_SUCCESS && (l.depth != 0 || l.components == 0)) {
        refuse(&l, APR_EINVAL, "calendar is cut off");
    }
    *l.to = '\0';
    *rv = l.rv;
    *why = l.why;
    return l.rv == APR_SUCCESS ? l.out : NULL;
}
