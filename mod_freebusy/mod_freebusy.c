/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* mod_freebusy: Exchange Web Services for availability and out of office.
 * Record, hooks, handler. */

#include "mod_freebusy.h"
#include "ews_reply.h"
#include "ical.h"
#include "wsdl.h"

#include "glue/mod_glue.h"
#include "lib/fetch.h"
#include "lib/log.h"

#include <apr_optional.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>

APLOG_USE_MODULE(freebusy);

#define TIMEOUT_DEFAULT apr_time_from_sec(10)

static APR_OPTIONAL_FN_TYPE(mailbox_find) * find_mailbox;
static APR_OPTIONAL_FN_TYPE(mailbox_may_ask) * may_ask;

/* Where Outlook and others look for us; without regard to case. */
static const struct {
    const char *path;
    int describes; /* GET yields the description of the service */
} places[] = {
    {"/EWS/Exchange.asmx", 0}, {"/ews/as", 0},      {"/ews/oof", 0},
    {"/EWS/Services.wsdl", 1}, {"/ews/as.wsdl", 1}, {"/ews/oof.wsdl", 1},
};

apr_status_t freebusy_find(request_rec *r, mailbox_key_e key, const char *value,
                           const mailbox_t **found)
{
    return find_mailbox ? find_mailbox(r, key, value, found) : APR_ENOTIMPL;
}

int freebusy_may_ask(request_rec *r, const mailbox_t *caller,
                     const mailbox_t *target)
{
    return may_ask && caller && may_ask(r, caller, target);
}

apr_time_t freebusy_deadline(const freebusy_conf_t *conf)
{
    return apr_time_now() +
           (conf->timeout == FREEBUSY_UNSET ? TIMEOUT_DEFAULT : conf->timeout);
}

placeholder_values_t freebusy_values(const mailbox_t *mailbox)
{
    placeholder_values_t values = {mailbox->user, mailbox->mail,
                                   mailbox->domain, mailbox->guid};

    return values;
}

enum { PLACE_NONE, PLACE_SERVICE, PLACE_DESCRIPTION };

static int place_of(const request_rec *r)
{
    size_t i;

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (glue_path_is(r, places[i].path)) {
            return places[i].describes ||
                           (r->args && ap_cstr_casecmp(r->args, "wsdl") == 0 &&
                            r->method_number == M_GET)
                       ? PLACE_DESCRIPTION
                       : PLACE_SERVICE;
        }
    }
    return PLACE_NONE;
}

static xml_out_t *fault(request_rec *r, const ews_request_t *request,
                        soap_blame_e blame, const availability_error_t *error)
{
    r->status = HTTP_INTERNAL_SERVER_ERROR;
    return soap_fault(request->version, blame, error->code, error->text,
                      r->pool);
}

/* Who asks.  0 when that cannot be found out now; a login without a mailbox is
 * no error here. */
static int find_caller(request_rec *r, const mailbox_t **caller)
{
    apr_status_t rv = freebusy_find(r, MAILBOX_BY_LOGIN, r->user, caller);

    if (rv == APR_NOTFOUND || rv == APR_INCOMPLETE) {
        *caller = NULL;
        rv = APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                      PN(14001) "mailbox of login %s cannot be looked up",
                      r->user);
    }
    return rv == APR_SUCCESS;
}

static xml_out_t *answer(request_rec *r, const freebusy_conf_t *conf,
                         const ews_request_t *request)
{
    static const availability_error_t later = {
        "ErrorInternalServerTransientError",
        "The directory cannot be asked now; try again later."};
    const mailbox_t *caller = NULL;

    if (!find_caller(r, &caller)) {
        return fault(r, request, SOAP_SERVER, &later);
    }
    switch (request->operation) {
    case EWS_GET_USER_AVAILABILITY:
        return freebusy_availability(r, conf, caller, request);
    case EWS_GET_USER_OOF_SETTINGS:
    case EWS_SET_USER_OOF_SETTINGS:
        return freebusy_oof(r, conf, caller, request);
    case EWS_GET_SERVER_TIME_ZONES:
        return ews_reply_time_zones(request, apr_time_sec(apr_time_now()),
                                    r->pool);
    default:
        return ews_reply_not_offered(request->version, request->name, r->pool);
    }
}

static int handle(request_rec *r, const freebusy_conf_t *conf)
{
    ews_request_t request;
    const char *body;
    apr_size_t len;
    xml_out_t *x;
    int status = glue_read_body(r, SOAP_BODY_MAX, &body, &len);

    if (status != OK) {
        return status;
    }
    ews_request_read(&request, body, len, r->pool);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, PN(14002) "%s asks %s%s%s",
                  r->user,
                  request.operation == EWS_UNKNOWN ? "for no operation of EWS"
                                                   : request.name,
                  request.fault.code ? ": " : "",
                  request.fault.code ? request.fault.code : "");
    if (request.fault.code) {
        x = fault(r, &request, SOAP_CLIENT, &request.fault);
    }
    else {
        x = answer(r, conf, &request);
    }
    if (xml_out_finish(x, &body, &len) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_ENOMEM, r,
                      PN(14003) "answer could not be written");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return glue_send(r, soap_content_type(request.version), body, len);
}

/* Where the service is, by what is configured alone.  A ServerName with a scheme
 * and no port is that of a proxy in front of us: our own port says nothing. */
static const char *location(request_rec *r)
{
    const char *scheme = ap_http_scheme(r);
    const char *host = r->server->server_hostname;
    apr_port_t port = r->server->port;

    if (port == 0) {
        port = r->server->server_scheme ? apr_uri_port_of_scheme(scheme)
                                        : r->connection->local_addr->port;
    }
    return port == apr_uri_port_of_scheme(scheme)
               ? apr_pstrcat(r->pool, scheme, "://", host, places[0].path, NULL)
               : apr_psprintf(r->pool, "%s://%s:%d%s", scheme, host, (int)port,
                              places[0].path);
}

static int describe(request_rec *r)
{
    const char *body;
    apr_size_t len;

    if (xml_out_finish(wsdl_write(location(r), r->pool), &body, &len) !=
        APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_ENOMEM, r,
                      PN(14008) "description could not be written");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return glue_send(r, soap_content_type(SOAP_1_1), body, len);
}

static int handler(request_rec *r)
{
    const freebusy_conf_t *conf =
        ap_get_module_config(r->per_dir_config, &freebusy_module);
    int place = conf->engine == 1 ? place_of(r) : PLACE_NONE;

    if (place == PLACE_NONE) {
        return DECLINED;
    }
    if (place == PLACE_SERVICE && r->method_number != M_POST) {
        return glue_method_not_allowed(r, "POST");
    }
    if (place == PLACE_DESCRIPTION && r->method_number != M_GET) {
        return glue_method_not_allowed(r, "GET, HEAD");
    }
    if (!r->user) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      PN(14004) "%s needs a login: configure AuthType and "
                                "Require valid-user for it",
                      r->uri);
        return HTTP_FORBIDDEN;
    }
    return place == PLACE_SERVICE ? handle(r, conf) : describe(r);
}

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    freebusy_cache_register(pconf);
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    freebusy_cache_child(
        ap_get_module_config(s->module_config, &freebusy_module), s, pchild);
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    apr_status_t rv;

    (void)plog;
    (void)ptemp;
    find_mailbox = APR_RETRIEVE_OPTIONAL_FN(mailbox_find);
    may_ask = APR_RETRIEVE_OPTIONAL_FN(mailbox_may_ask);
    xml_init();
    ical_init();
    if (fetch_init() != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     PN(14005) "libcurl cannot be initialised");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!find_mailbox) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     PN(14006) "mod_mailbox is not loaded: nobody's calendar "
                               "can be found");
    }
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK; /* all of this is done again */
    }
    rv = freebusy_cache_init(
        ap_get_module_config(s->module_config, &freebusy_module), s, pconf);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     PN(14007) "the cache of calendars cannot be made");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA freebusy_module = {
    STANDARD20_MODULE_STUFF, freebusy_create_conf,
    freebusy_merge_conf,     freebusy_create_server,
    freebusy_merge_server,   freebusy_commands,
    register_hooks,          0,
};
