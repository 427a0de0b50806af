/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What the log says about virtual connections. */

#include "mod_rpcproxy.h"

APLOG_USE_MODULE(rpcproxy);

static const char *hex(char *out, const void *bytes, apr_size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = bytes;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        out[2 * i] = digits[b[i] >> 4];
        out[2 * i + 1] = digits[b[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

const char *rpcproxy_log_cookie(char *out, const rts_cookie_t *cookie)
{
    return hex(out, cookie->bytes, 4);
}

/* RPCProxyTrace: RTS PDUs with their bytes, RPC PDUs with their header only. */
void rpcproxy_log_pdu(const rpcproxy_tunnel_t *t, const char *way,
                      const pdu_header_t *h, const char *name,
                      const void *bytes, apr_size_t len)
{
    char cookie[9], dump[2 * RPCPROXY_FIRST_MAX + 1];
    int rts = h->type == PDU_RTS;

    if (t->trace < (rts ? RPCPROXY_TRACE_RTS : RPCPROXY_TRACE_ALL)) {
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, t->server,
                 PN(13050) "%s %s %s, %" APR_SIZE_T_FMT " bytes, call %u%s%s",
                 hex(cookie, t->vconn.cookie.bytes, 4), way, name, len,
                 h->call_id, rts && len <= RPCPROXY_FIRST_MAX ? " " : "",
                 rts && len <= RPCPROXY_FIRST_MAX ? hex(dump, bytes, len) : "");
}

void rpcproxy_log_open(const rpcproxy_tunnel_t *t)
{
    char in[9], out[9];

    ap_log_error(APLOG_MARK, APLOG_INFO, 0, t->server,
                 PN(13052) "virtual connection open: user=%s client=%s "
                           "target=%s in=%s out=%s",
                 t->vconn.identity.user, t->client, t->vconn.identity.target,
                 hex(in, t->vconn.in_cookie.bytes, 4),
                 hex(out, t->vconn.out_cookie.bytes, 4));
}

void rpcproxy_log_close(const rpcproxy_tunnel_t *t)
{
    const vconn_counts_t *n = &t->vconn.counts;
    char in[9], out[9];

    ap_log_error(
        APLOG_MARK, APLOG_INFO, 0, t->server,
        PN(13053) "virtual connection closed: user=%s client=%s target=%s "
                  "in=%s out=%s up=%" APR_UINT64_T_FMT "/%" APR_UINT64_T_FMT
                  " down=%" APR_UINT64_T_FMT "/%" APR_UINT64_T_FMT
                  " pings=%u/%u acks=%u/%u recycles=%u/%u silent=%d "
                  "seconds=%" APR_TIME_T_FMT " reason=\"%s\"",
        t->vconn.identity.user, t->client, t->vconn.identity.target,
        hex(in, t->vconn.in_cookie.bytes, 4),
        hex(out, t->vconn.out_cookie.bytes, 4), n->bytes_up, n->pdus_up,
        n->bytes_down, n->pdus_down, n->pings_sent, n->pings_received,
        n->acks_sent, n->acks_received, n->in_recycles, n->out_recycles,
        t->vconn.silent_peer, apr_time_sec(t->poller->now - t->began),
        t->end_why ? t->end_why : "");
}
