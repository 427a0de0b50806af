/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Requests and answers as HTTP sees them ([MS-RPCH] section 2.1.2.1). */

#include "mod_rpcproxy.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
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

/* Exactly `len` bytes of the body. */
static int read_exactly(request_rec *r, apr_bucket_brigade *bb,
                        unsigned char *buf, apr_size_t len)
{
    while (len > 0) {
        apr_size_t got = len;
        apr_status_t rv =
            ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                           APR_BLOCK_READ, (apr_off_t)len);

        if (rv != APR_SUCCESS || APR_BRIGADE_EMPTY(bb)) {
            return 0;
        }
        if (apr_brigade_flatten(bb, (char *)buf, &got) != APR_SUCCESS ||
            got == 0) {
            return 0;
        }
        apr_brigade_cleanup(bb);
        buf += got;
        len -= got;
    }
    return 1;
}

unsigned int rpcproxy_read_hello(request_rec *r, int out, hello_t *hello,
                                 const char **why)
{
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    unsigned char pdu[RPCPROXY_FIRST_MAX];
    apr_size_t len = PDU_HEADER_SIZE;
    pdu_header_t h;
    pdu_result_e result;

    *why = "the channel ended before its first PDU was there";
    if (!read_exactly(r, bb, pdu, len)) {
        return VCONN_CALL_FAILED;
    }
    result = pdu_read(&h, pdu, len, PDU_FROM_CLIENT, why);
    if (result == PDU_MORE && h.fragment_length <= sizeof(pdu)) {
        *why = "the channel ended before its first PDU was there";
        len = h.fragment_length;
        if (!read_exactly(r, bb, pdu + PDU_HEADER_SIZE,
                          len - PDU_HEADER_SIZE)) {
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
