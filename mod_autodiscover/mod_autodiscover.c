/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* mod_autodiscover: tells mail clients where their mailbox is. */

#include "mod_autodiscover.h"
#include "soap.h"

#include "glue/mod_glue.h"
#include "lib/log.h"
#include "lib/xml.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

APLOG_USE_MODULE(autodiscover);

int autodiscover_is_logged_in(request_rec *r)
{
    if (!r->user) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      PN(12003) "refused, because nobody is logged in here: "
                                "give this location AuthType and Require "
                                "valid-user");
    }
    return r->user != NULL;
}

int autodiscover_read_post(request_rec *r, const char **bytes, apr_size_t *len)
{
    if (r->method_number != M_POST) {
        return glue_method_not_allowed(r, "POST");
    }
    if (!autodiscover_is_logged_in(r)) {
        return HTTP_FORBIDDEN;
    }
    return glue_read_body(r, DISCOVER_QUESTION_MAX, bytes, len);
}

int autodiscover_level_of(discover_error_e error)
{
    return error == DISCOVER_BROKEN ? APLOG_ERR : APLOG_INFO;
}

typedef struct path_t {
    const char *path;
    int (*handle)(request_rec *r);
    int announces_soap;
    int goes_on; /* more may follow behind a slash */
} path_t;

static const path_t paths[] = {
    {AUTODISCOVER_POX_PATH, autodiscover_handle_pox, 1, 0},
    {AUTODISCOVER_SOAP_PATH, autodiscover_handle_soap, 1, 0},
    {AUTODISCOVER_JSON_PATH, autodiscover_handle_json, 0, 1},
    {"/autodiscover/mail.mobileconfig", autodiscover_handle_mobileconfig, 0, 0},
    {"/mail/config-v1.1.xml", autodiscover_handle_autoconfig, 0, 0},
    {"/.well-known/autoconfig/mail/config-v1.1.xml",
     autodiscover_handle_autoconfig, 0, 0},
    {"/.well-known/caldav", autodiscover_handle_caldav, 0, 0},
    {"/.well-known/carddav", autodiscover_handle_carddav, 0, 0},
};

static int is_below(const request_rec *r, const char *path)
{
    apr_size_t n = strlen(path);

    return strncasecmp(r->uri, path, n) == 0 && r->uri[n] == '/';
}

/* The row of `paths` that the request is for, or NULL. */
static const path_t *path_of(const request_rec *r)
{
    apr_size_t i;

    if (autodiscover_server_of(r->server)->enabled != 1) {
        return NULL;
    }
    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (glue_path_is(r, paths[i].path) ||
            (paths[i].goes_on && is_below(r, paths[i].path))) {
            return &paths[i];
        }
    }
    return NULL;
}

/* Before anybody is asked for a password.  Clients look without credentials
 * whether SOAP is there, and read that in the headers of the 401; and a client
 * that comes by plain HTTP is sent on, so that it never sends a password. */
static int before_login(request_rec *r)
{
    const char *elsewhere = autodiscover_server_of(r->server)->http_redirect;
    const path_t *path = path_of(r);

    if (elsewhere && strcmp(ap_http_scheme(r), "http") == 0 &&
        (glue_path_is(r, AUTODISCOVER_POX_PATH) ||
         glue_path_is(r, AUTODISCOVER_SOAP_PATH))) {
        apr_table_setn(r->headers_out, "Location",
                       glue_path_is(r, AUTODISCOVER_SOAP_PATH)
                           ? discover_soap_url(elsewhere, r->pool)
                           : elsewhere);
        return HTTP_MOVED_TEMPORARILY;
    }
    if (path && path->announces_soap) {
        apr_table_setn(r->err_headers_out, "X-SOAP-Enabled", "True");
    }
    return DECLINED;
}

static int handler(request_rec *r)
{
    const path_t *path = path_of(r);

    if (r->handler && strcmp(r->handler, "autodiscover-check") == 0) {
        return autodiscover_show_check(r);
    }
    return path ? path->handle(r) : DECLINED;
}

static void init_child(apr_pool_t *pool, server_rec *s)
{
    (void)pool;
    (void)s;
    xml_init();
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_check_config(autodiscover_check_config, NULL, NULL,
                         APR_HOOK_MIDDLE);
    ap_hook_child_init(init_child, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_header_parser(before_login, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA autodiscover_module = {
    STANDARD20_MODULE_STUFF,
    NULL, /* per directory: nothing */
    NULL,
    autodiscover_create_server,
    autodiscover_merge_server,
    autodiscover_commands,
    register_hooks,
#if defined(AP_MODULE_FLAG_NONE)
    AP_MODULE_FLAG_NONE,
#endif
};
