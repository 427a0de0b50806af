/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Calendars of many mailboxes to busy periods.  What came of a calendar in a
 * window is kept, so that the next one who looks at it does not read it again. */

#include "mod_freebusy_calendar.h"
#include "busy_packed.h"
#include "ical.h"

#include "lib/log.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(freebusy);

#define CACHE_TIME_DEFAULT apr_time_from_sec(60)
/* For the recurrences of one calendar, and of all together: what has arrived
 * at the last moment must still be read. */
#define BUDGET apr_time_from_msec(500)
#define BUDGET_TOTAL apr_time_from_sec(5)

/* Everything that may have to be known: the window of the view, and that of the
 * suggestions. */
static busy_window_t whole_window(const freebusy_state_t *s)
{
    busy_window_t w = s->request->window, more;

    if (!s->suggestions) {
        return w;
    }
    more = suggest_window(&s->suggestions->options);
    if (!s->request->wants_view || s->request->error.code) {
        return more;
    }
    w.start = more.start < w.start ? more.start : w.start;
    w.end = more.end > w.end ? more.end : w.end;
    return w;
}

/* What the caller is told about a calendar that could not be had. */
static void fail_calendar(availability_result_t *result, apr_status_t rv)
{
    if (rv == APR_NOTFOUND || APR_STATUS_IS_EACCES(rv)) {
        availability_fail(result, "ErrorNoFreeBusyAccess",
                          "The mailbox publishes no calendar.");
    }
    else if (rv == APR_TIMEUP) {
        availability_fail(result, "ErrorTimeoutExpired",
                          "The calendar of the mailbox was not there in time.");
    }
    else {
        availability_fail(result, "ErrorFreeBusyGenerationFailed",
                          "The calendar of the mailbox cannot be read.");
    }
}

static void report(request_rec *r, const mailbox_t *mailbox,
                   const ical_report_t *said)
{
    if (said->unexpandable || said->unknown_zones) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(14012) "calendar of %s: %d events with rules that are "
                                "not expanded (busy as a whole), %d time zones "
                                "that are not known",
                      mailbox->user, said->unexpandable, said->unknown_zones);
    }
    if (said->empty) {
        ap_log_rerror(
            APLOG_MARK, APLOG_INFO, 0, r,
            PN(14013) "free/busy of %s is empty: if that is not so, "
                      "the calendar server shows nothing to our login",
            mailbox->user);
    }
}

const timezone_t *freebusy_calendar_zone(const freebusy_state_t *s)
{
    return s->conf->zone ? s->conf->zone : s->request->zone;
}

/* A window of a mailbox: of the view, or of the suggestions. */
typedef struct part_t {
    busy_window_t window;
    int times_only;
    busy_set_t **busy; /* where it goes; NULL: not wanted */
} part_t;

enum { PART_VIEW, PART_SUGGESTIONS, PARTS };

static void parts_of(const freebusy_state_t *s, const freebusy_job_t *job,
                     part_t parts[PARTS])
{
    availability_result_t *result = job->result;
    part_t view = {s->request->window, 0, NULL}, suggestions = view;

    view.times_only = !availability_view_has_details(
        availability_view(s->request->view, result->grant, 1));
    if (s->request->wants_view && !s->request->error.code) {
        view.busy = &result->busy;
    }
    if (s->suggestions) {
        suggestions.window = suggest_window(&s->suggestions->options);
        suggestions.times_only = 1;
        suggestions.busy = &result->suggest_busy;
    }
    parts[PART_VIEW] = view;
    parts[PART_SUGGESTIONS] = suggestions;
}

/* --- the cache --- */

/* The scope of periods: that of the calendar, and the zone of floating times,
 * whose eras may be many: they go in once for all mailboxes. */
static const char *scope_of_periods(const freebusy_state_t *s,
                                    const char *scope)
{
    const apr_array_header_t *eras = freebusy_calendar_zone(s)->eras;
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    apr_sha1_ctx_t sha;

    apr_sha1_init(&sha);
    apr_sha1_update_binary(&sha, (unsigned char *)eras->elts,
                           (unsigned)(eras->nelts * eras->elt_size));
    apr_sha1_final(digest, &sha);
    return apr_pstrcat(s->r->pool, scope, "\n",
                       apr_pescape_hex(s->r->pool, digest, sizeof(digest), 0),
                       NULL);
}

/* All that the periods of a mailbox depend on. */
static void part_key(unsigned char *key, const freebusy_job_t *job,
                     const part_t *part, const char *scope)
{
    const apr_array_header_t *addresses = job->mailbox->addresses;
    const placeholder_values_t values = freebusy_values(job->mailbox);
    const unsigned char times_only = (unsigned char)part->times_only;
    apr_sha1_ctx_t sha;
    int i;

    freebusy_cache_key_init(&sha, "periods", scope);
    apr_sha1_update_binary(&sha, (const unsigned char *)&part->window,
                           sizeof(part->window));
    apr_sha1_update_binary(&sha, &times_only, 1);
    for (i = 0; addresses && i < addresses->nelts; i++) {
        const char *address = APR_ARRAY_IDX(addresses, i, const char *);

        apr_sha1_update(&sha, address, (unsigned)strlen(address) + 1);
    }
    freebusy_cache_key_end(&sha, &values, key);
}

/* 1 when the cache knew all parts of the job. */
static int recall(freebusy_state_t *s, freebusy_job_t *job, const char *scope)
{
    unsigned char key[FREEBUSY_KEY_LENGTH];
    part_t parts[PARTS];
    const char *bytes;
    apr_size_t len;
    int i;

    parts_of(s, job, parts);
    for (i = 0; i < PARTS; i++) {
        if (!parts[i].busy) {
            continue;
        }
        part_key(key, job, &parts[i], scope);
        if (!freebusy_cache_get(s->r, key, &bytes, &len)) {
            return 0;
        }
        *parts[i].busy = busy_packed_read((const unsigned char *)bytes, len,
                                          parts[i].window, s->r->pool);
        if (!*parts[i].busy) {
            return 0;
        }
    }
    return 1;
}

static void keep(freebusy_state_t *s, const freebusy_job_t *job,
                 const part_t *part, const char *scope,
                 apr_interval_time_t lasts)
{
    unsigned char key[FREEBUSY_KEY_LENGTH];
    unsigned char *room = freebusy_cache_room(s->r);
    apr_size_t len =
        busy_packed_write(room, FREEBUSY_CACHE_ENTRY_MAX, *part->busy);

    part_key(key, job, part, scope);
    freebusy_cache_put(s->r, key, lasts, (char *)room, len);
}

/* --- reading --- */

/* What is in the calendar of `job` in the window of the part. */
static apr_status_t read_part(freebusy_state_t *s, freebusy_job_t *job,
                              const part_t *part)
{
    const apr_interval_time_t left = s->deadline - apr_time_now();
    const ical_query_t query = {part->window,
                                freebusy_calendar_zone(s),
                                job->mailbox->addresses,
                                left < BUDGET ? left : BUDGET,
                                s->zones,
                                part->times_only};
    source_calendar_t *c = job->calendar;
    ical_report_t said;

    if (left <= 0) {
        c->rv = APR_TIMEUP;
        c->why = "there was no time left to read it";
        return c->rv;
    }
    c->rv = ical_read(part->busy, c->data, c->len, &query, &said, &c->why,
                      s->r->pool);
    if (c->rv == APR_SUCCESS) {
        report(s->r, job->mailbox, &said);
    }
    else {
        *part->busy = NULL;
    }
    return c->rv;
}

static void read_parts(freebusy_state_t *s, freebusy_job_t *job,
                       const char *scope, apr_interval_time_t lasts)
{
    source_calendar_t *c = job->calendar;
    part_t parts[PARTS];
    int i;

    parts_of(s, job, parts);
    for (i = 0; i < PARTS && c->rv == APR_SUCCESS; i++) {
        if (parts[i].busy && read_part(s, job, &parts[i]) == APR_SUCCESS &&
            lasts) {
            keep(s, job, &parts[i], scope, lasts);
        }
    }
    if (c->rv != APR_SUCCESS) {
        fail_calendar(job->result, c->rv);
    }
}

/* What a set says about its owner, wherever it came from. */
static void finish(const freebusy_state_t *s, availability_result_t *result)
{
    const busy_set_t *known =
        result->busy ? result->busy : result->suggest_busy;

    if (known && known->hours) {
        result->hours = known->hours;
    }
    if (result->busy &&
        result->busy->periods->nelts > AVAILABILITY_EVENTS_MAX &&
        s->request->view != AVAILABILITY_VIEW_MERGED_ONLY) {
        availability_fail(
            result, "ErrorResultSetTooBig",
            "The mailbox has more than 1000 events in the time window.");
    }
}

/* The log spells out what the system says; our own codes have their text. */
static apr_status_t of_system(apr_status_t rv)
{
    return rv < APR_OS_START_ERROR ? rv : APR_SUCCESS;
}

/* One line for all calendars of the request that failed: a dead calendar server
 * fails a hundred of them. */
static void log_failures(const freebusy_state_t *s)
{
    const freebusy_job_t *first = NULL;
    int i, failed = 0;

    for (i = 0; i < s->request->attendees->nelts; i++) {
        const freebusy_job_t *job = &s->jobs[i];

        if (job->calendar && job->calendar->rv != APR_SUCCESS) {
            first = first ? first : job;
            failed++;
        }
    }
    if (first) {
        ap_log_rerror(APLOG_MARK,
                      first->calendar->rv == APR_NOTFOUND ? APLOG_INFO
                                                          : APLOG_ERR,
                      of_system(first->calendar->rv), s->r,
                      PN(14014) "%d of %d calendars could not be read; that of "
                                "%s: %s",
                      failed, s->request->attendees->nelts,
                      first->mailbox->user, first->calendar->why);
    }
}

/* Files are near enough without a cache. */
static apr_interval_time_t time_to_keep(const freebusy_state_t *s,
                                        const source_t *source)
{
    if (source->kind == SOURCE_FILE || !freebusy_cache_is_there(s->r)) {
        return 0;
    }
    return s->conf->cache_time == FREEBUSY_UNSET ? CACHE_TIME_DEFAULT
                                                 : s->conf->cache_time;
}

/* The calendars that must be asked for: those of mailboxes about which the cache
 * does not know all. */
static source_calendar_t *missing(freebusy_state_t *s, const char *scope,
                                  apr_interval_time_t lasts, int *count)
{
    int i, all = s->request->attendees->nelts;
    source_calendar_t *list =
        apr_pcalloc(s->r->pool, sizeof(*list) * (apr_size_t)all);

    for (i = *count = 0; i < all; i++) {
        freebusy_job_t *job = &s->jobs[i];

        if (job->mailbox && !(lasts && recall(s, job, scope))) {
            list[*count].values = freebusy_values(job->mailbox);
            job->calendar = &list[(*count)++];
        }
    }
    return list;
}

void freebusy_calendar_read(freebusy_state_t *s)
{
    int i, n, all = s->request->attendees->nelts;
    apr_interval_time_t lasts = 0;
    const char *why, *scope = "";
    source_calendar_t *list;
    source_t source;
    int known = freebusy_source_of(s, &source, &why);

    if (known) {
        lasts = time_to_keep(s, &source);
        scope =
            lasts ? scope_of_periods(s, freebusy_source_scope(s, &source)) : "";
    }
    list = missing(s, scope, lasts, &n);
    if (known && n > 0) {
        freebusy_source_read(s, &source, whole_window(s), list, n, lasts);
    }
    for (i = 0; !known && i < n; i++) {
        list[i].rv = APR_ENOTIMPL;
        list[i].why = why;
    }
    s->deadline = apr_time_now() + BUDGET_TOTAL;
    for (i = 0; i < all; i++) {
        if (s->jobs[i].calendar) {
            read_parts(s, &s->jobs[i], scope, lasts);
        }
        finish(s, s->jobs[i].result);
    }
    log_failures(s);
}
