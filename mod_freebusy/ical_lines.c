/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The first fence: before libical sees a calendar, folded lines (RFC 5545
 * section 3.1) are joined, and every property that availability has no use for
 * is dropped.  What is left is small, and its nesting is known. */

#include "ical_reader.h"

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

typedef struct lines_t {
    const char *at, *end;
    char *out, *to; /* what was kept; the current line grows at `to` */
    int depth, components;
    const char *why;
    apr_status_t rv;
} lines_t;

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

/* Keeps the line from l->to to `end`, or lets the next overwrite it. */
static int keep(lines_t *l, char *end)
{
    apr_size_t len = (apr_size_t)(end - l->to), name;

    for (name = 0; name < len && l->to[name] != ':' && l->to[name] != ';';) {
        name++;
    }
    if (is_name(l->to, name, "BEGIN") || is_name(l->to, name, "END")) {
        if (!count_component(l, apr_tolower(*l->to) == 'b')) {
            return 0;
        }
    }
    else if (l->depth == 0 && len > 0) {
        return refuse(l, APR_EINVAL, "no calendar");
    }
    else if (!is_kept(l->to, name)) {
        return 1;
    }
    if (len > ICAL_LINE_MAX) {
        return refuse(l, APR_ENOSPC, "calendar has a line that is too long");
    }
    l->to = end;
    *l->to++ = '\r';
    *l->to++ = '\n';
    return 1;
}

char *ical_lines_thin(const char *bytes, apr_size_t len, apr_status_t *rv,
                      const char **why, apr_pool_t *pool)
{
    lines_t l = {.at = bytes, .end = bytes + len, .rv = APR_SUCCESS};

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
