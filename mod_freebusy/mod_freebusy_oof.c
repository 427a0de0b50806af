/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Get/SetUserOofSettings: whose, from where, to where. */

#include "mod_freebusy.h"
#include "ews_reply.h"
#include "script_file.h"
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

/* The file of the caller's script. */
static int path_of(request_rec *r, const freebusy_conf_t *conf,
                   const mailbox_t *caller, const char **path)
{
    const placeholder_values_t values = freebusy_values(caller);
    const char *why = "no FreeBusyOofStore is configured";

    if (conf->oof_store &&
        placeholder_expand(path, conf->oof_store, &values, PLACEHOLDER_PATH,
                           &why, r->pool) == APR_SUCCESS) {
        return 1;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  PN(14022) "out-of-office script of %s: %s", caller->user,
                  why);
    return 0;
}

static apr_size_t fixed_part(const freebusy_conf_t *conf)
{
    return (apr_size_t)(strstr(conf->oof_store, "%{") - conf->oof_store);
}

/* What is stored, or the defaults when nothing is. */
static const availability_error_t *load(request_rec *r,
                                        const freebusy_conf_t *conf,
                                        const mailbox_t *caller,
                                        const char *path, oof_t *oof)
{
    const availability_error_t *error = &broken;
    const char *script, *why = "it cannot be read";
    apr_size_t len;
    apr_status_t rv = script_file_read(&script, &len, path, fixed_part(conf),
                                       SIEVE_MAX, r->pool);

    if (APR_STATUS_IS_ENOENT(rv)) {
        oof_defaults(oof, apr_time_sec(apr_time_now()));
        return NULL;
    }
    if (rv == APR_SUCCESS) {
        rv = sieve_read(oof, script, len, &why, r->pool);
        error = rv == APR_EMISMATCH ? &foreign : &broken;
    }
    if (rv == APR_SUCCESS) {
        return NULL;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                  PN(14023) "out-of-office script %s of %s: %s", path,
                  caller->user, why);
    return error;
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

static const availability_error_t *save(request_rec *r,
                                        const freebusy_conf_t *conf,
                                        const mailbox_t *caller,
                                        const char *path, const oof_t *oof)
{
    const sieve_context_t context = {caller->addresses,
                                     domains(conf, caller, r->pool),
                                     conf->oof_include, "Out of office"};
    const char *script = sieve_write(oof, &context, r->pool);
    apr_status_t rv = script_file_write(path, fixed_part(conf), script,
                                        strlen(script), r->pool);

    if (rv == APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(14024) "out of office of %s is now %s", caller->user,
                      oof_state_name(oof->state));
        return NULL;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                  PN(14025) "out-of-office script %s of %s cannot be written; "
                            "its folder must exist and belong to httpd's user "
                            "or group",
                  path, caller->user);
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
    const char *path;
    oof_t oof;

    if (!is_own(r, caller, &request->oof.mailbox)) {
        error = &denied;
    }
    else if (!path_of(r, conf, caller, &path)) {
        error = &broken;
    }
    else {
        error = load(r, conf, caller, path, &oof);
        if (!error && set) {
            error = change(r, conf, &request->oof, &oof);
        }
        if (!error && set) {
            error = save(r, conf, caller, path, &oof);
        }
    }
    error = error ? error : &none;
    return set ? ews_reply_set_oof(request->version, error, r->pool)
               : ews_reply_get_oof(request->version, &oof, allowed(conf), error,
                                   r->pool);
}
