/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A channel announces 1 GiB and may wait for "100 Continue".  httpd would read
 * that body before it sends a 401, and would close the connection of any
 * refused Expect.  This hook, which runs before anything can refuse, lets
 * refusals leave at once, and keeps connections alive on which a login may
 * take several small requests. */

#include "mod_rpcproxy.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#define ECHO_MAX 16
#define LOOK_MAX 4096

/* 1 when `wanted` bytes of the body have arrived already. */
static int body_is_here(request_rec *r, apr_off_t wanted)
{
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_off_t length = 0;
    apr_status_t rv =
        ap_get_brigade(r->connection->input_filters, bb, AP_MODE_SPECULATIVE,
                       APR_NONBLOCK_READ, wanted);

    if (rv == APR_SUCCESS) {
        apr_brigade_length(bb, 0, &length);
    }
    apr_brigade_destroy(bb);
    return length >= wanted;
}

void rpcproxy_continue(request_rec *r)
{
    int status = r->status;
    const char *line = r->status_line;

    r->status = HTTP_CONTINUE;
    r->status_line = NULL;
    ap_send_interim_response(r, 0);
    r->status = status;
    r->status_line = line;
}

/* Small bodies are read by whoever answers; the client must have sent them. */
static void expect_echo(request_rec *r, apr_off_t length)
{
    if (r->expecting_100 && length > 0 && !body_is_here(r, length)) {
        rpcproxy_continue(r);
    }
    r->expecting_100 = 0;
}

int rpcproxy_early(request_rec *r)
{
    const rpcproxy_server_t *conf =
        ap_get_module_config(r->server->module_config, &rpcproxy_module);
    const char *header = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length = 0;

    if (conf->enabled != 1 || r->main || r->prev ||
        !rpcproxy_is_channel_method(r)) {
        return DECLINED;
    }
    if (header && !ap_parse_strict_length(&length, header)) {
        return DECLINED; /* refused by the core */
    }
    if (apr_table_get(r->headers_in, "Transfer-Encoding") ||
        length > LOOK_MAX) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    else if (length <= ECHO_MAX) {
        expect_echo(r, length);
    }
    else if (body_is_here(r, length)) {
        r->expecting_100 = 0;
    }
    else {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    return DECLINED;
}
