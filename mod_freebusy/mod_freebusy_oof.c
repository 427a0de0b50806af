/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Get/SetUserOofSettings: whose, from where, to where. */

#include "mod_freebusy.h"
#include "ews_reply.h"
#include "sieve.h"

#include "lib/log.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(freebusy);

static const availability_error_t denied = {
    "ErrorAccessDenied", "Only the owner of a mailbox may ask for this."};
static const availability_error_t broken = {
    "ErrorInternalServerError",
    "The out-of-office settings cannot be read or written."};
static const availability_error_t foreign = {
    "ErrorInternalServerError",
    "The out-of-office script was not written by this server."};

/* 1 when the mailbox of the request is the caller's own.  An address that
 * nobody has and one of somebody else give the same answer. */
static int is_own(request_rec *r, const mailbox_t *caller,
                  const availability_attendee_t *asked)
{
    const mailbox_t *target;
    apr_status_t rv = freebusy_find(
        r, asked->legacy_dn ? MAILBOX_BY_LEGACY_DN : MAILBOX_BY_ADDRESS,
        asked->address, &target);

    if (rv == APR_SUCCESS && freebusy_may_ask(r, caller, target)) {
        return 1;
    }
    ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                  PN(14021) "%s may not ask for the out-of-office settings of "
                            "\"%s\"",
                  r->user, ap_escape_logitem(r->pool, asked->address));
    return 0;
}

/* The store as configured here, with its login. */
static int store_of(request_rec *r, const freebusy_conf_t *conf,
                    script_store_t *store)
{
    if (!conf->oof_store) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      PN(14022) "no FreeBusyOofStore is configured for %s",
                      r->uri);
        return 0;
    }
    *store = *conf->oof_store;
    store->user = conf->oof_user;
    store->password = conf->oof_password;
    store->authorize = conf->oof_authorize ? conf->oof_authorize : "%{user}";
    store->ca_file = conf->oof_ca;
    return 1;
}

/* The log spells out what the system says; our own codes have their text. */
static apr_status_t of_system(apr_status_t rv)
{
    return rv < APR_OS_START_ERROR ? rv : APR_SUCCESS;
}

/* What is stored, or the defaults when nothing is.  A script that the mail
 * server does not run is no absence, whatever it says. */
static const availability_error_t *
load(request_rec *r, const script_store_t *store, const mailbox_t *caller,
     apr_time_t deadline, oof_t *oof, script_state_t *state)
{
    const placeholder_values_t values = freebusy_values(caller);
    const availability_error_t *error = &broken;
    const char *why, *own = NULL;
    apr_status_t rv =
        script_store_load(state, store, &values, deadline, &why, r->pool);

    if (rv == APR_SUCCESS && !state->script) {
        oof_defaults(oof, apr_time_sec(apr_time_now()));
        return NULL;
    }
    if (rv == APR_SUCCESS) {
        rv = sieve_read(oof, &own, state->script, state->len, &why, r->pool);
        error = rv == APR_EMISMATCH ? &foreign : &broken;
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, of_system(rv), r,
                      PN(14023) "out-of-office script of %s cannot be read: %s",
                      caller->user, ap_escape_logitem(r->pool, why));
        return error;
    }
    if (state->active) {
        state->own = own;
    }
    else {
        oof->state = OOF_DISABLED;
    }
    return NULL;
}

/* The mailbox's own domains, unless the admin says which are inside. */
static const apr_array_header_t *
domains(const freebusy_conf_t *conf, const mailbox_t *caller, apr_pool_t *pool)
{
    apr_array_header_t *list;
    int i;

    if (conf->oof_domains) {
        return conf->oof_domains;
    }
    list = apr_array_make(pool, 2, sizeof(char *));
    APR_ARRAY_PUSH(list, const char *) = caller->domain;
    for (i = 0; i < caller->addresses->nelts; i++) {
        const char *at =
            strrchr(APR_ARRAY_IDX(caller->addresses, i, const char *), '@');

        if (at && ap_cstr_casecmp(at + 1, caller->domain) != 0) {
            APR_ARRAY_PUSH(list, const char *) = at + 1;
        }
    }
    return list;
}

static const availability_error_t *
save(request_rec *r, const freebusy_conf_t *conf, const script_store_t *store,
     const mailbox_t *caller, apr_time_t deadline, const oof_t *oof,
     const script_state_t *before)
{
    const placeholder_values_t values = freebusy_values(caller);
    const char *own = conf->oof_include ? conf->oof_include : before->own;
    const sieve_context_t context = {caller->addresses,
                                     domains(conf, caller, r->pool), own,
                                     "Out of office"};
    const char *why;
    apr_status_t rv = script_store_save(
        store, &values, deadline, sieve_write(oof, &context, r->pool),
        oof->state != OOF_DISABLED, before->active, own, &why, r->pool);

    if (rv == APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(14024) "out of office of %s is now %s", caller->user,
                      oof_state_name(oof->state));
        return NULL;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, of_system(rv), r,
                  PN(14025) "out-of-office script of %s cannot be stored: %s",
                  caller->user, ap_escape_logitem(r->pool, why));
    return &broken;
}

static oof_audience_e allowed(const freebusy_conf_t *conf)
{
    return conf->oof_external == FREEBUSY_UNSET
               ? OOF_AUDIENCE_ALL
               : (oof_audience_e)conf->oof_external;
}

/* Puts what the request brought over what is stored: a reply that is not sent
 * along stays as it was. */
static void apply(oof_t *oof, const ews_oof_request_t *asked,
                  oof_audience_e allowed_audience)
{
    oof->state = asked->oof.state;
    oof->audience = asked->oof.audience < allowed_audience ? asked->oof.audience
                                                           : allowed_audience;
    if (asked->has_duration) {
        oof->start = asked->oof.start;
        oof->end = asked->oof.end;
    }
    if (asked->has_internal) {
        oof->internal = asked->oof.internal;
    }
    if (asked->has_external) {
        oof->external = asked->oof.external;
    }
}

static const availability_error_t *change(request_rec *r,
                                          const freebusy_conf_t *conf,
                                          const ews_oof_request_t *asked,
                                          oof_t *oof)
{
    availability_error_t *error = apr_pcalloc(r->pool, sizeof(*error));

    if (asked->error.code) {
        return &asked->error;
    }
    if (asked->oof.state == OOF_SCHEDULED && !asked->has_duration) {
        error->code = "ErrorInvalidScheduledOofDuration";
        error->text = "A scheduled absence needs a Duration.";
        return error;
    }
    apply(oof, asked, allowed(conf));
    if (oof->state != OOF_DISABLED && !asked->has_internal &&
        !*oof->internal.message) {
        error->code = "ErrorInvalidUserOofSettings";
        error->text = "An absence needs an InternalReply.";
        return error;
    }
    return oof_check(oof, apr_time_sec(apr_time_now()), &error->code,
                     &error->text) == APR_SUCCESS
               ? NULL
               : error;
}

xml_out_t *freebusy_oof(request_rec *r, const freebusy_conf_t *conf,
                        const mailbox_t *caller, const ews_request_t *request)
{
    static const availability_error_t none = {NULL, NULL};
    const availability_error_t *error = NULL;
    int set = request->operation == EWS_SET_USER_OOF_SETTINGS;
    apr_time_t deadline = freebusy_deadline(conf);
    script_store_t store;
    script_state_t state;
    oof_t oof;

    if (!is_own(r, caller, &request->oof.mailbox)) {
        error = &denied;
    }
    else if (!store_of(r, conf, &store)) {
        error = &broken;
    }
    else {
        error = load(r, &store, caller, deadline, &oof, &state);
        if (!error && set) {
            error = change(r, conf, &request->oof, &oof);
        }
        if (!error && set) {
            error = save(r, conf, &store, caller, deadline, &oof, &state);
        }
    }
    error = error ? error : &none;
    return set ? ews_reply_set_oof(request->version, error, r->pool)
               : ews_reply_get_oof(request->version, &oof, allowed(conf), error,
                                   r->pool);
}
