/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* AuthType NTLM: a login that belongs to one TCP connection, verified by a
 * Samba server.  This file decides which scheme a request may use. */

#include "mod_auth_ntlm.h"

#include <apr_strings.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>

#include "lib/log.h"

APLOG_USE_MODULE(auth_ntlm);

/* What was decided for a request, kept in its request_config for its
 * subrequests and internal redirects: they carry the same header, and a type 3
 * is worth something once. */
typedef struct verdict_t {
    int status; /* OK, or what was returned */
    const char *user;
    const char *auth_type;
    /* Where it was decided: */
    const account_domain_t *domain;
    const apr_array_header_t *servers;
    const char *realm;
} verdict_t;

/* mod_authz_core asks for this when the user who logged in is not the one
 * required. */
static int note_auth_failure(request_rec *r, const char *auth_type)
{
    const auth_ntlm_dir_t *conf =
        ap_get_module_config(r->per_dir_config, &auth_ntlm_module);

    if (ap_cstr_casecmp(auth_type, "NTLM") != 0 || !conf->domain) {
        return DECLINED;
    }
    auth_ntlm_offer(r, conf);
    return OK;
}

/* Why nobody can log in to this request at all: the status, or OK. */
static int check_possible(request_rec *r, const auth_ntlm_dir_t *conf)
{
    conn_rec *c = r->connection->master ? r->connection->master : r->connection;

    if (!conf->domain || !conf->servers) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      PN(11001) "AuthType NTLM needs %s for %s",
                      conf->domain ? "NTLMVerifier" : "NTLMDomain", r->uri);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (auth_ntlm_requires_tls(conf) && !ap_ssl_conn_is_ssl(c)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(11002) "%s needs TLS (NTLMRequireTLS)", r->uri);
        return HTTP_FORBIDDEN;
    }
    if (!auth_ntlm_is_bindable(r) && !conf->basic && conf->negotiate != 1) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(11003) "%s cannot be reached by HTTP/2 or through a "
                                "proxy: a login belongs to one connection",
                      r->uri);
        /* What mod_http2 turns into HTTP_1_1_REQUIRED; clients come back. */
        apr_table_setn(r->notes, "ssl-renegotiate-forbidden", "NTLM");
        return HTTP_FORBIDDEN;
    }
    return OK;
}

static int decide(request_rec *r, const auth_ntlm_dir_t *conf)
{
    const char *header = apr_table_get(r->headers_in, "Authorization");
    token_scheme_t scheme = token_scheme(header);
    int status = check_possible(r, conf);

    if (status != OK) {
        return status;
    }
    if (scheme == TOKEN_NEGOTIATE && conf->negotiate != 1) {
        scheme = TOKEN_OTHER;
    }
    if (scheme == TOKEN_BASIC && conf->basic) {
        return auth_ntlm_basic(r, conf);
    }
    if (auth_ntlm_is_bindable(r)) {
        return auth_ntlm_login(r, conf, scheme, header);
    }
    if (scheme == TOKEN_NTLM || scheme == TOKEN_NEGOTIATE) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      PN(11004) "NTLM login refused: HTTP/2 or a proxy "
                                "between us and the client");
    }
    return auth_ntlm_offer(r, conf);
}

/* The verdict on the request that `r` is part of, or NULL. */
static const verdict_t *earlier_verdict(const request_rec *r)
{
    const verdict_t *verdict = NULL;

    while (!verdict && (r->prev || r->main)) {
        r = r->prev ? r->prev : r->main;
        verdict = ap_get_module_config(r->request_config, &auth_ntlm_module);
    }
    return verdict;
}

/* AuthName, or "". */
static const char *realm_of(request_rec *r)
{
    const char *name = ap_auth_name(r);

    return name ? name : "";
}

/* 1 when it counts for `r`, a subrequest or a redirect of the request that it
 * was given on.  A Basic login does not, since other providers may be asked
 * here; a refusal by them does. */
static int counts_for(const verdict_t *verdict, request_rec *r,
                      const auth_ntlm_dir_t *conf)
{
    return verdict->domain == conf->domain &&
           verdict->servers == conf->servers &&
           strcmp(verdict->realm, realm_of(r)) == 0 &&
           (verdict->status != OK || strcmp(verdict->auth_type, "NTLM") == 0);
}

static int carries_ntlm(const request_rec *r)
{
    token_scheme_t scheme =
        token_scheme(apr_table_get(r->headers_in, "Authorization"));

    return scheme == TOKEN_NTLM || scheme == TOKEN_NEGOTIATE;
}

/* The verdict on `r` alone, which is kept for what follows from it. */
static int judge(request_rec *r, const auth_ntlm_dir_t *conf)
{
    verdict_t *verdict = apr_pcalloc(r->pool, sizeof(*verdict));

    verdict->status = decide(r, conf);
    verdict->user = r->user;
    verdict->auth_type = r->ap_auth_type;
    verdict->domain = conf->domain;
    verdict->servers = conf->servers;
    verdict->realm = realm_of(r);
    ap_set_module_config(r->request_config, &auth_ntlm_module, verdict);
    return verdict->status;
}

static int check_authn(request_rec *r)
{
    const auth_ntlm_dir_t *conf =
        ap_get_module_config(r->per_dir_config, &auth_ntlm_module);
    const char *type = ap_auth_type(r);
    const verdict_t *earlier;

    if (!type || ap_cstr_casecmp(type, "NTLM") != 0) {
        return DECLINED;
    }
    earlier = earlier_verdict(r);
    if (earlier && counts_for(earlier, r, conf)) {
        r->user = (char *)earlier->user;
        r->ap_auth_type = (char *)earlier->auth_type;
        return earlier->status;
    }
    if (earlier && carries_ntlm(r)) {
        return HTTP_UNAUTHORIZED; /* the message is used up */
    }
    return judge(r, conf);
}

/* One gate a child, shared by all virtual hosts.  Connections of the event MPM
 * may outlive the child's pool, but not the process's. */
static void child_init(apr_pool_t *pool, server_rec *main_server)
{
    auth_ntlm_server_t *conf =
        ap_get_module_config(main_server->module_config, &auth_ntlm_module);
    gate_t *gate = NULL;
    apr_status_t rv =
        gate_create(&gate, auth_ntlm_max_verifications(conf),
                    AUTH_NTLM_PATIENCE, main_server->process->pool);
    server_rec *s;

    (void)pool;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, main_server,
                     PN(11005) "cannot count NTLM logins; there will be none");
        return;
    }
    for (s = main_server; s; s = s->next) {
        conf = ap_get_module_config(s->module_config, &auth_ntlm_module);
        conf->gate = gate;
    }
}

/* An ErrorDocument is a request of its own: the 401 before it is completed
 * here. */
static int complete_document(request_rec *r)
{
    if (r->prev) {
        auth_ntlm_complete_offer(r->prev);
    }
    return DECLINED;
}

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_authn(check_authn, NULL, NULL, APR_HOOK_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_optional_fn_retrieve(auth_ntlm_retrieve, NULL, NULL,
                                 APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(auth_ntlm_complete_offer, NULL, NULL,
                                APR_HOOK_MIDDLE);
    ap_hook_fixups(complete_document, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_note_auth_failure(note_auth_failure, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA auth_ntlm_module = {
    STANDARD20_MODULE_STUFF, auth_ntlm_create_dir,
    auth_ntlm_merge_dir,     auth_ntlm_create_server,
    auth_ntlm_merge_server,  auth_ntlm_commands,
    register_hooks,          0};
