/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* GetUserAvailability: mailboxes, their calendars, what is in them. */

#include "mod_freebusy.h"
#include "ews_reply.h"
#include "ical.h"

#include "lib/log.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>

APLOG_USE_MODULE(freebusy);

#define CACHE_TIME_DEFAULT 60 /* seconds */
#define MAX_BYTES_DEFAULT (8 * 1024 * 1024)
/* For the recurrences of one calendar, and of all together: what has arrived
 * at the last moment must still be read. */
#define BUDGET apr_time_from_msec(500)
#define BUDGET_TOTAL apr_time_from_sec(5)

/* Monday to Friday, 08:00 to 17:00: what Outlook shows without being told. */
static const availability_hours_t hours_default = {0x3e, 480, 1020, NULL};

/* One attendee on his way from address to result. */
typedef struct job_t {
    const mailbox_t *mailbox; /* NULL when there is nothing to read */
    source_calendar_t *calendar;
    availability_result_t *result;
} job_t;

typedef struct state_t {
    request_rec *r;
    const freebusy_conf_t *conf;
    const mailbox_t *caller; /* or NULL */
    const availability_request_t *request;
    const ews_suggestions_t *suggestions; /* NULL when none are wanted */
    const availability_hours_t *hours;
    apr_hash_t *zones; /* that one calendar leaves for the next */
    job_t *jobs;
    availability_result_t *results;
    apr_time_t deadline; /* of what is being done */
} state_t;

static void fail(availability_result_t *result, const char *code,
                 const char *text)
{
    result->error.code = code;
    result->error.text = text;
}

/* The answer to an address that nobody has, and to one that is broken, is the
 * same. */
static void fail_lookup(state_t *s, availability_result_t *result,
                        apr_status_t rv, const char *address)
{
    if (rv == APR_NOTFOUND || rv == APR_INCOMPLETE || rv == APR_EMISMATCH) {
        fail(result, "ErrorMailRecipientNotFound",
             apr_psprintf(s->r->pool,
                          "Unable to resolve e-mail address <>SMTP:%s to a "
                          "mailbox.",
                          address));
        return;
    }
    fail(result, "ErrorInternalServerTransientError",
         "The directory cannot be asked now; try again later.");
}

static availability_grant_e grant(const state_t *s, const mailbox_t *mailbox)
{
    if (freebusy_may_ask(s->r, s->caller, mailbox)) {
        return AVAILABILITY_GRANT_OWNER;
    }
    return s->conf->view == FREEBUSY_UNSET
               ? AVAILABILITY_GRANT_FREE_BUSY
               : (availability_grant_e)s->conf->view;
}

static void look_up(state_t *s, int i)
{
    const availability_attendee_t *a =
        &APR_ARRAY_IDX(s->request->attendees, i, availability_attendee_t);
    availability_result_t *result = &s->results[i];
    const mailbox_t *mailbox = NULL;
    apr_status_t rv;

    result->hours = s->hours;
    s->jobs[i].result = result;
    if (s->request->error.code) {
        result->error = s->request->error;
        if (!s->suggestions) {
            return;
        }
    }
    rv = freebusy_find(s->r,
                       a->legacy_dn ? MAILBOX_BY_LEGACY_DN : MAILBOX_BY_ADDRESS,
                       a->address, &mailbox);
    if (rv != APR_SUCCESS) {
        fail_lookup(s, result, rv, a->address);
        return;
    }
    result->grant = grant(s, mailbox);
    if (result->grant == AVAILABILITY_GRANT_NONE) {
        fail(result, "ErrorNoFreeBusyAccess",
             "The caller may not see the availability of this mailbox.");
        return;
    }
    s->jobs[i].mailbox = mailbox;
}

/* The caller's own password, if he logged in by one and it stays private. */
static const char *password_of_caller(request_rec *r, const source_t *source)
{
    const char *password = NULL, *user;

    if (!r->ap_auth_type || ap_cstr_casecmp(r->ap_auth_type, "Basic") != 0 ||
        !source_is_private(source) ||
        ap_get_basic_auth_components(r, &user, &password) != APR_SUCCESS) {
        return NULL;
    }
    return password;
}

/* The source as configured here, with its login.  0 when there is none. */
static int source_of(const state_t *s, source_t *source, const char **why)
{
    const freebusy_conf_t *conf = s->conf;

    *why = "no FreeBusySource is configured";
    if (!conf->source) {
        return 0;
    }
    *source = *conf->source;
    source->user = conf->source_user;
    source->password = conf->source_password;
    source->headers = conf->source_headers;
    source->ca_file = conf->source_ca;
    if (source->user && !source->password) {
        *why = "the caller's password cannot be passed on: he has none, or the "
               "calendar server is asked without TLS";
        source->user = s->caller ? s->caller->user : s->r->user;
        source->password = password_of_caller(s->r, source);
        return source->password != NULL;
    }
    return 1;
}

/* Everything that may have to be known: the window of the view, and that of the
 * suggestions. */
static busy_window_t whole_window(const state_t *s)
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

/* All that the calendar of a mailbox depends on beside its own values. */
static const char *scope(const state_t *s, const source_t *source,
                         const source_question_t *question)
{
    apr_pool_t *pool = s->r->pool;
    const char *text =
        apr_pstrcat(pool, source->where, "\n", source->user ? source->user : "",
                    "\n", NULL);
    int i;

    for (i = 0; source->headers && i < source->headers->nelts; i++) {
        text = apr_pstrcat(pool, text,
                           APR_ARRAY_IDX(source->headers, i, const char *),
                           "\n", NULL);
    }
    if (source->kind == SOURCE_OUTBOX) {
        text =
            apr_psprintf(pool, "%s%s\n%" APR_INT64_T_FMT " %" APR_INT64_T_FMT,
                         text, question->caller ? question->caller->guid : "",
                         question->window.start, question->window.end);
    }
    return text;
}

/* What the cache has not is read, and kept.  Files are near enough without. */
static void read_through_cache(const state_t *s, const source_t *source,
                               const source_question_t *question,
                               source_calendar_t *list, int count,
                               const source_limits_t *limits)
{
    freebusy_server_t *server =
        ap_get_module_config(s->r->server->module_config, &freebusy_module);
    int seconds = s->conf->cache_time == FREEBUSY_UNSET ? CACHE_TIME_DEFAULT
                                                        : s->conf->cache_time;
    const char *key;
    char *room;
    int i, n = 0;
    source_calendar_t *missing;
    int *places;

    if (!server->provider || seconds == 0 || source->kind == SOURCE_FILE) {
        source_read(source, question, list, count, limits, s->r->pool);
        return;
    }
    key = scope(s, source, question);
    room = freebusy_cache_room(s->r->pool);
    missing = apr_palloc(s->r->pool, sizeof(*missing) * (apr_size_t)count);
    places = apr_palloc(s->r->pool, sizeof(*places) * (apr_size_t)count);
    for (i = 0; i < count; i++) {
        if (!freebusy_cache_get(s->r, server, key, &list[i], room)) {
            places[n] = i;
            missing[n++] = list[i];
        }
    }
    if (n > 0) {
        source_read(source, question, missing, n, limits, s->r->pool);
    }
    for (i = 0; i < n; i++) {
        freebusy_cache_put(s->r, server, key, seconds, &missing[i]);
        list[places[i]] = missing[i];
    }
}

/* All calendars at once.  A mailbox that was asked for twice is read twice. */
static void read_calendars(state_t *s)
{
    int i, n = 0, count = s->request->attendees->nelts;
    source_calendar_t *list =
        apr_pcalloc(s->r->pool, sizeof(*list) * (apr_size_t)count);
    source_limits_t limits = {s->deadline - apr_time_now(),
                              s->conf->max_bytes == FREEBUSY_UNSET
                                  ? MAX_BYTES_DEFAULT
                                  : (apr_size_t)s->conf->max_bytes};
    placeholder_values_t caller;
    source_question_t question = {whole_window(s), NULL};
    source_t source;
    const char *why;

    for (i = 0; i < count; i++) {
        if (s->jobs[i].mailbox) {
            list[n].values = freebusy_values(s->jobs[i].mailbox);
            s->jobs[i].calendar = &list[n++];
        }
    }
    if (n > 0 && !source_of(s, &source, &why)) {
        for (i = 0; i < n; i++) {
            list[i].rv = APR_ENOTIMPL;
            list[i].why = why;
        }
        return;
    }
    if (s->caller) {
        caller = freebusy_values(s->caller);
        question.caller = &caller;
    }
    if (n > 0) {
        read_through_cache(s, &source, &question, list, n, &limits);
    }
}

/* What the caller is told about a calendar that could not be had. */
static void fail_calendar(availability_result_t *result, apr_status_t rv)
{
    if (rv == APR_NOTFOUND || APR_STATUS_IS_EACCES(rv)) {
        fail(result, "ErrorNoFreeBusyAccess",
             "The mailbox publishes no calendar.");
    }
    else if (rv == APR_TIMEUP) {
        fail(result, "ErrorTimeoutExpired",
             "The calendar of the mailbox was not there in time.");
    }
    else {
        fail(result, "ErrorFreeBusyGenerationFailed",
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

/* What is in the calendar of `job` in `window`. */
static apr_status_t read_window(state_t *s, job_t *job, busy_window_t window,
                                int times_only, busy_set_t **busy)
{
    const apr_interval_time_t left = s->deadline - apr_time_now();
    ical_query_t query = {window,
                          s->conf->zone ? s->conf->zone : s->request->zone,
                          job->mailbox->addresses,
                          left < BUDGET ? left : BUDGET,
                          s->zones,
                          times_only};
    source_calendar_t *c = job->calendar;
    ical_report_t said;

    if (left <= 0) {
        c->rv = APR_TIMEUP;
        c->why = "there was no time left to read it";
        return c->rv;
    }
    c->rv =
        ical_read(busy, c->data, c->len, &query, &said, &c->why, s->r->pool);
    if (c->rv == APR_SUCCESS) {
        report(s->r, job->mailbox, &said);
    }
    return c->rv;
}

static void read_periods(state_t *s, job_t *job)
{
    source_calendar_t *c = job->calendar;
    availability_result_t *result = job->result;
    int times_only = !availability_view_has_details(
        availability_view(s->request->view, result->grant, 1));

    if (c->rv == APR_SUCCESS && s->suggestions &&
        read_window(s, job, suggest_window(&s->suggestions->options), 1,
                    &result->suggest_busy) != APR_SUCCESS) {
        result->suggest_busy = NULL;
    }
    if (c->rv == APR_SUCCESS && s->request->wants_view &&
        !s->request->error.code) {
        read_window(s, job, s->request->window, times_only, &result->busy);
    }
    if (c->rv != APR_SUCCESS) {
        fail_calendar(result, c->rv);
    }
    else if (result->busy &&
             result->busy->periods->nelts > AVAILABILITY_EVENTS_MAX &&
             s->request->view != AVAILABILITY_VIEW_MERGED_ONLY) {
        fail(result, "ErrorResultSetTooBig",
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
static void log_failures(const state_t *s)
{
    const job_t *first = NULL;
    int i, failed = 0;

    for (i = 0; i < s->request->attendees->nelts; i++) {
        const job_t *job = &s->jobs[i];

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

static const availability_hours_t *working_hours(const freebusy_conf_t *conf,
                                                 apr_pool_t *pool)
{
    availability_hours_t *hours = apr_palloc(pool, sizeof(*hours));

    *hours = conf->hours ? *conf->hours : hours_default;
    hours->zone = conf->zone;
    return hours;
}

static const apr_array_header_t *suggest(const state_t *s)
{
    int i, count = s->request->attendees->nelts;
    suggest_attendee_t *attendees =
        apr_palloc(s->r->pool, sizeof(*attendees) * (apr_size_t)count);

    for (i = 0; i < count; i++) {
        const availability_attendee_t *a =
            &APR_ARRAY_IDX(s->request->attendees, i, availability_attendee_t);

        attendees[i].busy = s->results[i].suggest_busy;
        attendees[i].counts = !a->optional;
        attendees[i].exclude_conflicts = a->exclude_conflicts;
    }
    return suggest_days(&s->suggestions->options, attendees, count,
                        s->request->zone, s->hours, s->r->pool);
}

xml_out_t *freebusy_availability(request_rec *r, const freebusy_conf_t *conf,
                                 const mailbox_t *caller,
                                 const ews_request_t *request)
{
    const availability_request_t *a = &request->availability;
    apr_size_t count = (apr_size_t)a->attendees->nelts, i;
    state_t s = {.r = r, .conf = conf, .caller = caller, .request = a};

    s.hours = working_hours(conf, r->pool);
    s.suggestions =
        request->suggestions.wanted && !request->suggestions.error.code
            ? &request->suggestions
            : NULL;
    s.zones = apr_hash_make(r->pool);
    s.jobs = apr_pcalloc(r->pool, sizeof(*s.jobs) * count);
    s.results = apr_pcalloc(r->pool, sizeof(*s.results) * count);
    s.deadline = freebusy_deadline(conf);
    for (i = 0; i < count; i++) {
        look_up(&s, (int)i);
    }
    read_calendars(&s);
    s.deadline = apr_time_now() + BUDGET_TOTAL;
    for (i = 0; i < count; i++) {
        if (s.jobs[i].mailbox) {
            read_periods(&s, &s.jobs[i]);
        }
    }
    log_failures(&s);
    return ews_reply_availability(request, s.results,
                                  s.suggestions ? suggest(&s) : NULL, r->pool);
}
