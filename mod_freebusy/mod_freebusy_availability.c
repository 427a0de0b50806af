/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* GetUserAvailability: who is asked for, and what he may be seen of. */

#include "mod_freebusy_calendar.h"
#include "ews_reply.h"

#include <apr_strings.h>

/* Monday to Friday, 08:00 to 17:00: what Outlook shows without being told. */
static const hours_t hours_default = {NULL, 1, {{0x3e, 480, 1020}}};

/* The answer to an address that nobody has, and to one that is broken, is the
 * same. */
static void fail_lookup(freebusy_state_t *s, availability_result_t *result,
                        apr_status_t rv, const char *address)
{
    if (rv == APR_NOTFOUND || rv == APR_INCOMPLETE || rv == APR_EMISMATCH) {
        availability_fail(
            result, "ErrorMailRecipientNotFound",
            apr_psprintf(s->r->pool,
                         "Unable to resolve e-mail address <>SMTP:%s to a "
                         "mailbox.",
                         address));
        return;
    }
    availability_fail(result, "ErrorInternalServerTransientError",
                      "The directory cannot be asked now; try again later.");
}

static availability_grant_e grant(const freebusy_state_t *s,
                                  const mailbox_t *mailbox)
{
    if (freebusy_may_ask(s->r, s->caller, mailbox)) {
        return AVAILABILITY_GRANT_OWNER;
    }
    return s->conf->view == FREEBUSY_UNSET
               ? AVAILABILITY_GRANT_FREE_BUSY
               : (availability_grant_e)s->conf->view;
}

static void look_up(freebusy_state_t *s, int i)
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
        availability_fail(
            result, "ErrorNoFreeBusyAccess",
            "The caller may not see the availability of this mailbox.");
        return;
    }
    s->jobs[i].mailbox = mailbox;
}

static const hours_t *working_hours(const freebusy_conf_t *conf,
                                    apr_pool_t *pool)
{
    hours_t *hours = apr_palloc(pool, sizeof(*hours));

    *hours = conf->hours ? *conf->hours : hours_default;
    hours->zone = conf->zone;
    return hours;
}

/* The hours of work are the organizer's, where his calendar tells them. */
static const apr_array_header_t *suggest(const freebusy_state_t *s)
{
    int i, count = s->request->attendees->nelts;
    suggest_attendee_t *attendees =
        apr_palloc(s->r->pool, sizeof(*attendees) * (apr_size_t)count);
    const hours_t *hours = s->hours;

    for (i = 0; i < count; i++) {
        const availability_attendee_t *a =
            &APR_ARRAY_IDX(s->request->attendees, i, availability_attendee_t);

        attendees[i].busy = s->results[i].suggest_busy;
        attendees[i].role = a->role;
        attendees[i].exclude_conflicts = a->exclude_conflicts;
        if (a->role == AVAILABILITY_ROLE_ORGANIZER) {
            hours = s->results[i].hours;
        }
    }
    return suggest_days(&s->suggestions->options, attendees, count,
                        s->request->zone, hours, s->r->pool);
}

xml_out_t *freebusy_availability(request_rec *r, const freebusy_conf_t *conf,
                                 const mailbox_t *caller,
                                 const ews_request_t *request)
{
    const availability_request_t *a = &request->availability;
    apr_size_t count = (apr_size_t)a->attendees->nelts, i;
    freebusy_state_t s = {.r = r, .conf = conf, .caller = caller, .request = a};

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
    freebusy_calendar_read(&s);
    return ews_reply_availability(request, s.results,
                                  s.suggestions ? suggest(&s) : NULL, r->pool);
}
