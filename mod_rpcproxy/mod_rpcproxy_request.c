/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Requests and answers as HTTP sees them ([MS-RPCH] section 2.1.2.1). */

#include "mod_rpcproxy.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <poll.h>
#include <string.h>
#include <util_filter.h>

APLOG_USE_MODULE(rpcproxy);

/* "503 RPC Error: ffffffff" with room to spare. */
#define REASON_FORMAT "503 RPC Error: %x"

int rpcproxy_is_channel_method(const request_rec *r)
{
    return strcmp(r->method, "RPC_IN_DATA") == 0 ||
           strcmp(r->method, "RPC_OUT_DATA") == 0;
}

/* Nothing may compress, chunk or rewrite a channel. */
static void bare_output(request_rec *r)
{
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    r->output_filters = r->proto_output_filters;
}

int rpcproxy_refuse(request_rec *r, unsigned int code)
{
    bare_output(r);
    rpcproxy_limits_refused(code);
    r->status = HTTP_SERVICE_UNAVAILABLE;
    r->status_line = apr_psprintf(r->pool, REASON_FORMAT, code);
    ap_set_content_length(r, 0);
    return OK;
}

void rpcproxy_success(request_rec *r, apr_off_t length)
{
    bare_output(r);
    r->status = HTTP_OK;
    r->status_line = "200 Success";
    ap_set_content_type(r, "application/rpc");
    ap_set_content_length(r, length);
}

int rpcproxy_echo(request_rec *r)
{
    unsigned char pdu[RTS_WRITE_MAX];
    rts_t rts;
    apr_size_t len;

    rts_init(&rts, RTS_ECHO);
    len = rts_write(&rts, pdu, sizeof(pdu));
    rpcproxy_success(r, (apr_off_t)len);
    ap_rwrite(pdu, (int)len, r);
    return OK;
}

/* 1 when the client's socket has bytes before `end`. */
static int wait_for_bytes(request_rec *r, apr_time_t end)
{
    struct pollfd p = {-1, POLLIN, 0};
    apr_interval_time_t left = end - apr_time_now();

    return left > 0 &&
           apr_os_sock_get(&p.fd, ap_get_conn_socket(r->connection)) ==
               APR_SUCCESS &&
           poll(&p, 1, (int)apr_time_as_msec(left) + 1) > 0;
}

/* Exactly `len` bytes of the body, or what is wrong.  The deadline is for all
 * of them, however slowly they come, and within a TLS record too. */
static const char *read_exactly(request_rec *r, apr_bucket_brigade *bb,
                                unsigned char *buf, apr_size_t len,
                                apr_time_t end)
{
    while (len > 0) {
        apr_size_t got = len;
        apr_status_t rv =
            ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                           APR_NONBLOCK_READ, (apr_off_t)len);
        int ended =
            !APR_BRIGADE_EMPTY(bb) && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));

        if (rv == APR_SUCCESS) {
            rv = apr_brigade_flatten(bb, (char *)buf, &got);
            apr_brigade_cleanup(bb);
        }
        if ((rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv)) ||
            (ended && got < len)) {
            return "the channel ended before its first PDU was there";
        }
        if (rv == APR_SUCCESS && got > 0) {
            buf += got;
            len -= got;
        }
        else if (!wait_for_bytes(r, end)) {
            return "the first PDU did not come in time "
                   "(RPCProxyFirstPDUTimeout)";
        }
    }
    return NULL;
}

unsigned int rpcproxy_read_hello(request_rec *r, int out, int seconds,
                                 hello_t *hello, const char **why)
{
    apr_time_t end = apr_time_now() + apr_time_from_sec(seconds);
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    unsigned char pdu[RPCPROXY_FIRST_MAX];
    apr_size_t len = PDU_HEADER_SIZE;
    pdu_header_t h;
    pdu_result_e result;

    if (r->expecting_100) {
        rpcproxy_continue(r); /* the filters do that for blocking reads alone */
        r->expecting_100 = 0;
    }
    *why = read_exactly(r, bb, pdu, len, end);
    if (*why) {
        return VCONN_CALL_FAILED;
    }
    result = pdu_read(&h, pdu, len, PDU_FROM_CLIENT, why);
    if (result == PDU_MORE && h.fragment_length <= sizeof(pdu)) {
        len = h.fragment_length;
        *why = read_exactly(r, bb, pdu + PDU_HEADER_SIZE, len - PDU_HEADER_SIZE,
                            end);
        if (*why) {
            return VCONN_CALL_FAILED;
        }
        result = hello_read(hello, out, pdu, len, why);
    }
    else if (result != PDU_MALFORMED) {
        *why = "the first PDU of a channel is no RTS PDU of a known form";
        result = PDU_MALFORMED;
    }
    return result == PDU_OK ? 0 : VCONN_PROTOCOL_ERROR;
}

/* On plain HTTP mod_reqtimeout's filter heads the connection's chain, and the
 * request's filters point past any removal: unlink it there as well. */
static void unlink_filter(ap_filter_t *f, const char *name)
{
    while (f && f->next) {
        if (strcasecmp(f->next->frec->name, name) == 0) {
            f->next = f->next->next;
        }
        else {
            f = f->next;
        }
    }
}

void rpcproxy_drop_reqtimeout(request_rec *r)
{
    static const char name[] = "reqtimeout";

    unlink_filter(r->input_filters, name);
    unlink_filter(r->proto_input_filters, name);
    ap_remove_input_filter_byhandle(r->connection->input_filters, name);
}
