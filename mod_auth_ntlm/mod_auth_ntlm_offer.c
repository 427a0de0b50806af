/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What a 401 offers, and how it keeps the connection. */

#include "mod_auth_ntlm.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

/* The largest request body that is asked for, only to be thrown away, so that
 * a 401 can keep the connection. */
#define SMALL_BODY 65536

/* 1 when mod_remoteip took the client's address from a header, which it may
 * have removed: then the address was made for the request.  One from the PROXY
 * protocol was made for the connection, which is the client's own. */
static int is_address_from_header(const request_rec *r)
{
    const conn_rec *c = r->connection;

    return r->useragent_addr && r->useragent_addr != c->client_addr &&
           r->useragent_addr->pool != c->pool;
}

int auth_ntlm_is_bindable(const request_rec *r)
{
    static const char *const signs[] = {
        "Via",       "Forwarded",         "X-Forwarded-For",
        "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Host"};
    apr_size_t i;

    if (r->connection->master || r->proto_num >= HTTP_VERSION(2, 0) ||
        r->proxyreq == PROXYREQ_PROXY) {
        return 0;
    }
    for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (apr_table_get(r->headers_in, signs[i])) {
            return 0;
        }
    }
    return !is_address_from_header(r);
}

void auth_ntlm_keep_connection(request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t body = 0;

    if (!r->expecting_100 || r->connection->keepalive == AP_CONN_CLOSE ||
        apr_table_get(r->headers_in, "Transfer-Encoding") ||
        !ap_parse_strict_length(&body, length ? length : "0") ||
        body > SMALL_BODY) {
        return;
    }
    if (body > 0) {
        int status = r->status;
        const char *line = r->status_line;

        r->status = HTTP_CONTINUE;
        r->status_line = NULL;
        ap_send_interim_response(r, 0);
        r->status = status;
        r->status_line = line;
    }
    r->expecting_100 = 0;
}

static const char *basic_realm(request_rec *r, const auth_ntlm_dir_t *conf)
{
    const char *name = ap_auth_name(r);

    return name ? name : conf->domain->name;
}

int auth_ntlm_offer(request_rec *r, const auth_ntlm_dir_t *conf)
{
    if (conf->negotiate == 1) {
        apr_table_addn(r->err_headers_out, "WWW-Authenticate", "Negotiate");
        auth_ntlm_keep_connection(r);
    }
    if (auth_ntlm_is_bindable(r)) {
        apr_table_addn(r->err_headers_out, "WWW-Authenticate", "NTLM");
        auth_ntlm_keep_connection(r);
    }
    if (conf->basic) {
        apr_table_addn(
            r->err_headers_out, "WWW-Authenticate",
            apr_psprintf(r->pool, "Basic realm=\"%s\"", basic_realm(r, conf)));
    }
    return HTTP_UNAUTHORIZED;
}

typedef struct offered_t {
    request_rec *r;
    int over; /* no scheme goes on with a login */
} offered_t;

static int look_at_offer(void *context, const char *name, const char *value)
{
    offered_t *offered = context;

    (void)name;
    offered->over = token_ends_negotiation(value, offered->r->pool);
    return offered->over; /* the first other one ends it */
}

void auth_ntlm_complete_offer(request_rec *r)
{
    const auth_ntlm_dir_t *conf =
        ap_get_module_config(r->per_dir_config, &auth_ntlm_module);
    const char *type = ap_auth_type(r);
    offered_t offered = {r, 1};

    if (r->status != HTTP_UNAUTHORIZED || conf->negotiate != 1 ||
        !conf->domain || !conf->servers || !type ||
        ap_cstr_casecmp(type, "NTLM") == 0) {
        return;
    }
    apr_table_do(look_at_offer, &offered, r->err_headers_out,
                 "WWW-Authenticate", NULL);
    if (offered.over) {
        apr_table_unset(r->err_headers_out, "WWW-Authenticate");
        auth_ntlm_offer(r, conf);
    }
}
