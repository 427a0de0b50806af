/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The figures of all children, and what the tunnels of this one do at this
 * moment.  Each poller copies its own down when it is asked, so that nothing is
 * locked while bytes move. */

#include "mod_rpcproxy.h"

#include <apr_escape.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <http_protocol.h>
#include <mod_status.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "lib/utf8.h"

APLOG_USE_MODULE(rpcproxy);

#define CLIENT_MAX 64

typedef struct row_t {
    const char *user, *target;
    char client[CLIENT_MAX], in[9], out[9];
    vconn_state_e state;
    vconn_in_e in_state;
    vconn_out_e out_state;
    vconn_counts_t counts;
    apr_time_t seconds;
} row_t;

/* One question to one poller; the asking thread waits, so the pool is the
 * poller's meanwhile. */
typedef struct survey_t {
    rpcproxy_task_t task;
    rpcproxy_poller_t *poller;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *cond;
    int done;
    apr_array_header_t *rows; /* row_t */
} survey_t;

typedef struct report_t {
    rpcproxy_totals_t totals;
    apr_array_header_t *rows;
} report_t;

static void copy_down(apr_array_header_t *rows, rpcproxy_tunnel_t *t)
{
    row_t *row = apr_array_push(rows);

    rpcproxy_limits_tell(t);
    row->user = apr_pstrdup(rows->pool, t->vconn.identity.user);
    row->target = apr_pstrdup(rows->pool, t->vconn.identity.target);
    apr_cpystrn(row->client, t->client, sizeof(row->client));
    rpcproxy_log_cookie(row->in, &t->vconn.in_cookie);
    rpcproxy_log_cookie(row->out, &t->vconn.out_cookie);
    row->state = t->vconn.state;
    row->in_state = t->vconn.in;
    row->out_state = t->vconn.out;
    row->counts = t->vconn.counts;
    row->seconds = apr_time_sec(t->poller->now - t->began);
}

/* On the poller's thread. */
static void answer(rpcproxy_task_t *task)
{
    survey_t *s = (survey_t *)((char *)task - offsetof(survey_t, task));
    apr_hash_index_t *i = apr_hash_first(s->rows->pool, s->poller->vconns);

    for (; i; i = apr_hash_next(i)) {
        copy_down(s->rows, apr_hash_this_val(i));
    }
    apr_thread_mutex_lock(s->mutex);
    s->done = 1;
    apr_thread_cond_signal(s->cond);
    apr_thread_mutex_unlock(s->mutex);
}

/* Pollers outlive the worker threads, so each question is answered. */
static apr_status_t ask(rpcproxy_poller_t *p, apr_array_header_t *rows)
{
    survey_t *s = apr_pcalloc(rows->pool, sizeof(*s));
    apr_status_t rv = apr_thread_mutex_create(
        &s->mutex, APR_THREAD_MUTEX_DEFAULT, rows->pool);

    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&s->cond, rows->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    s->task.run = answer;
    s->poller = p;
    s->rows = rows;
    rpcproxy_poller_post(p, &s->task);
    apr_thread_mutex_lock(s->mutex);
    while (!s->done) {
        apr_thread_cond_wait(s->cond, s->mutex);
    }
    apr_thread_mutex_unlock(s->mutex);
    return APR_SUCCESS;
}

static apr_status_t report_make(report_t *report, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    sigset_t signals;
    int i;

    rpcproxy_signals_hold(&signals);
    report->rows = apr_array_make(pool, 64, sizeof(row_t));
    for (i = 0; rv == APR_SUCCESS && rpcproxy_poller_at(i); i++) {
        rv = ask(rpcproxy_poller_at(i), report->rows);
    }
    rpcproxy_limits_totals(&report->totals);
    rpcproxy_signals_release(&signals);
    return rv;
}

/* Names, as they stand in all three forms. */

static const char *state_name(const row_t *row)
{
    static const char *const state[VCONN_STATES] = {
        [VCONN_NEW] = "new",
        [VCONN_WAIT_A1] = "waits for OUT",
        [VCONN_CONNECTING] = "connecting, IN missing",
        [VCONN_COMPLETING] = "connecting",
        [VCONN_WAIT_B1] = "waits for IN",
        [VCONN_OPEN] = "open",
        [VCONN_ENDED] = "ended",
    };

    if (row->state == VCONN_OPEN && row->out_state != VCONN_OUT_OPENED) {
        return row->in_state == VCONN_IN_OPENED ? "recycles OUT"
                                                : "recycles IN and OUT";
    }
    if (row->state == VCONN_OPEN && row->in_state != VCONN_IN_OPENED) {
        return "recycles IN";
    }
    return state[row->state];
}

/* clang-format off */
static const char *const limit_names[RPCPROXY_LIMITS] = {
    [RPCPROXY_USER]            = "user",
    [RPCPROXY_ADDRESS]         = "address",
    [RPCPROXY_BACKEND]         = "backend",
    [RPCPROXY_HOST]            = "host",
    [RPCPROXY_LIMIT_CHILD]     = "child",
    [RPCPROXY_LIMIT_HALF_OPEN] = "half_open",
};
/* clang-format on */

/* Every figure with its names; limits and codes come behind. */
/* clang-format off */
static const struct {
    rpcproxy_count_e count;
    const char *json, *plain, *html;
} figures[] = {
    {RPCPROXY_TUNNELS,        "tunnels",        "Tunnels",       "Virtual connections"},
    {RPCPROXY_HALF_OPEN,      "half_open",      "HalfOpen",      "in set-up"},
    {RPCPROXY_RELAYS,         "relays",         "Relays",        "channels relayed to another process"},
    {RPCPROXY_CHANNELS,       "channels",       "Channels",      "HTTP connections"},
    {RPCPROXY_BEGUN,          "begun",          "Begun",         "Begun"},
    {RPCPROXY_OPENED,         "opened",         "Opened",        "opened"},
    {RPCPROXY_RELAYED,        "relayed",        "Relayed",       "channels relayed"},
    {RPCPROXY_BYTES_UP,       "bytes_up",       "BytesUp",       "bytes up"},
    {RPCPROXY_BYTES_DOWN,     "bytes_down",     "BytesDown",     "down"},
    {RPCPROXY_PDUS_UP,        "pdus_up",        "PDUsUp",        "PDUs up"},
    {RPCPROXY_PDUS_DOWN,      "pdus_down",      "PDUsDown",      "down"},
    {RPCPROXY_PINGS_SENT,     "pings_sent",     "PingsSent",     "pings sent"},
    {RPCPROXY_PINGS_RECEIVED, "pings_received", "PingsReceived", "received"},
    {RPCPROXY_IN_RECYCLES,    "in_recycles",    "InRecycles",    "recycles of IN"},
    {RPCPROXY_OUT_RECYCLES,   "out_recycles",   "OutRecycles",   "of OUT"},
};
/* clang-format on */

#define FIGURES (int)(sizeof(figures) / sizeof(figures[0]))

/* JSON. */

/* `text` as the inside of a JSON string; bytes that are no UTF-8 one by one. */
static const char *json_text(apr_pool_t *pool, const char *text)
{
    int utf8 = utf8_is_valid(text, strlen(text));
    char *out = apr_palloc(pool, 6 * strlen(text) + 1), *at = out;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && !utf8)) {
            apr_snprintf(at, 7, "\\u%04x", c);
            at += 6;
        }
        else {
            *at++ = (char)c;
        }
    }
    *at = '\0';
    return out;
}

static void json_row(request_rec *r, const row_t *row, const char *before)
{
    const vconn_counts_t *n = &row->counts;

    ap_rprintf(r,
               "%s\n  {\"user\": \"%s\", \"client\": \"%s\", \"target\": "
               "\"%s\", \"in\": \"%s\", \"out\": \"%s\", \"state\": \"%s\",",
               before, json_text(r->pool, row->user), row->client,
               json_text(r->pool, row->target), row->in, row->out,
               state_name(row));
    ap_rprintf(r,
               " \"bytes_up\": %" APR_UINT64_T_FMT
               ", \"bytes_down\": %" APR_UINT64_T_FMT
               ", \"pdus_up\": %" APR_UINT64_T_FMT
               ", \"pdus_down\": %" APR_UINT64_T_FMT
               ", \"pings_sent\": %u, \"pings_received\": %u"
               ", \"in_recycles\": %u, \"out_recycles\": %u"
               ", \"seconds\": %" APR_TIME_T_FMT "}",
               n->bytes_up, n->bytes_down, n->pdus_up, n->pdus_down,
               n->pings_sent, n->pings_received, n->in_recycles,
               n->out_recycles, row->seconds);
}

static void json_totals(request_rec *r, const rpcproxy_totals_t *t)
{
    int i;

    ap_rprintf(r,
               "{\"process\": %d, \"processes\": %u, \"slots\": %u, "
               "\"max_tunnels\": %d",
               (int)getpid(), t->processes, t->slots, t->max_tunnels);
    for (i = 0; i < FIGURES; i++) {
        ap_rprintf(r, ",\n \"%s\": %" APR_INT64_T_FMT, figures[i].json,
                   t->count[figures[i].count]);
    }
    ap_rputs(",\n \"refused\": {", r);
    for (i = 0; i < RPCPROXY_CODES; i++) {
        ap_rprintf(r, "%s\"%x\": %" APR_INT64_T_FMT, i ? ", " : "",
                   rpcproxy_code[i], t->count[RPCPROXY_REFUSED + i]);
    }
    ap_rputs("},\n \"over_limit\": {", r);
    for (i = 0; i < RPCPROXY_LIMITS; i++) {
        ap_rprintf(r, "%s\"%s\": %" APR_INT64_T_FMT, i ? ", " : "",
                   limit_names[i], t->count[RPCPROXY_OVER_LIMIT + i]);
    }
    ap_rputs("},\n \"virtual_connections\": [", r);
}

static int status_handler(request_rec *r)
{
    report_t report;
    int i;

    if (!r->handler || strcmp(r->handler, "rpcproxy-status") != 0) {
        return DECLINED;
    }
    if (r->method_number != M_GET) {
        r->allowed |= AP_METHOD_BIT << M_GET;
        return HTTP_METHOD_NOT_ALLOWED;
    }
    if (report_make(&report, r->pool) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_set_content_type(r, "application/json");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    json_totals(r, &report.totals);
    for (i = 0; i < report.rows->nelts; i++) {
        json_row(r, &APR_ARRAY_IDX(report.rows, i, row_t), i ? "," : "");
    }
    ap_rputs("]}\n", r);
    return OK;
}

/* /server-status?auto: a line for each figure. */

static void plain_totals(request_rec *r, const rpcproxy_totals_t *t)
{
    int i;

    ap_rprintf(r,
               "RPCProxyProcesses: %u\nRPCProxySlots: %u\n"
               "RPCProxyMaxTunnels: %d\n",
               t->processes, t->slots, t->max_tunnels);
    for (i = 0; i < FIGURES; i++) {
        ap_rprintf(r, "RPCProxy%s: %" APR_INT64_T_FMT "\n", figures[i].plain,
                   t->count[figures[i].count]);
    }
    for (i = 0; i < RPCPROXY_CODES; i++) {
        ap_rprintf(r, "RPCProxyRefused-%x: %" APR_INT64_T_FMT "\n",
                   rpcproxy_code[i], t->count[RPCPROXY_REFUSED + i]);
    }
    for (i = 0; i < RPCPROXY_LIMITS; i++) {
        ap_rprintf(r, "RPCProxyOverLimit-%s: %" APR_INT64_T_FMT "\n",
                   limit_names[i], t->count[RPCPROXY_OVER_LIMIT + i]);
    }
}

/* /server-status: the figures and a table. */

static void html_totals(request_rec *r, const rpcproxy_totals_t *t)
{
    int i;

    ap_rprintf(r, "<hr />\n<h1>RPC over HTTP</h1>\n<p>In %u processes",
               t->processes);
    if (t->max_tunnels) {
        ap_rprintf(r, " of at most %d virtual connections each",
                   t->max_tunnels);
    }
    for (i = 0; i < FIGURES; i++) {
        ap_rprintf(r, "%s%s: %" APR_INT64_T_FMT,
                   apr_isupper(*figures[i].html) ? "<br />\n" : ", ",
                   figures[i].html, t->count[figures[i].count]);
    }
    ap_rputs("<br />\nRefused by RPC error:", r);
    for (i = 0; i < RPCPROXY_CODES; i++) {
        ap_rprintf(r, " %x: %" APR_INT64_T_FMT, rpcproxy_code[i],
                   t->count[RPCPROXY_REFUSED + i]);
    }
    ap_rputs("; by limit:", r);
    for (i = 0; i < RPCPROXY_LIMITS; i++) {
        ap_rprintf(r, " %s: %" APR_INT64_T_FMT, limit_names[i],
                   t->count[RPCPROXY_OVER_LIMIT + i]);
    }
    ap_rputs("</p>\n", r);
}

static void html_row(request_rec *r, const row_t *row)
{
    const vconn_counts_t *n = &row->counts;

    ap_rprintf(r,
               "<tr><td>%s</td><td>%s</td><td>%s</td><td>%s/%s</td>"
               "<td>%s</td><td>%" APR_UINT64_T_FMT "/%" APR_UINT64_T_FMT
               "</td><td>%" APR_UINT64_T_FMT "/%" APR_UINT64_T_FMT
               "</td><td>%u/%u</td><td>%u/%u</td><td>%" APR_TIME_T_FMT
               "</td></tr>\n",
               apr_pescape_entity(r->pool, row->user, 0), row->client,
               apr_pescape_entity(r->pool, row->target, 0), row->in, row->out,
               state_name(row), n->bytes_up, n->pdus_up, n->bytes_down,
               n->pdus_down, n->pings_sent, n->pings_received, n->in_recycles,
               n->out_recycles, row->seconds);
}

static void html_table(request_rec *r, const apr_array_header_t *rows)
{
    int i;

    ap_rprintf(r, "<p>Virtual connections of process %d:</p>\n", (int)getpid());
    ap_rputs("<table border=\"1\">\n<tr><th>User</th><th>Client</th>"
             "<th>Target</th><th>IN/OUT</th><th>State</th>"
             "<th>Bytes/PDUs up</th><th>Bytes/PDUs down</th>"
             "<th>Pings sent/received</th><th>Recycles IN/OUT</th>"
             "<th>Seconds</th></tr>\n",
             r);
    for (i = 0; i < rows->nelts; i++) {
        html_row(r, &APR_ARRAY_IDX(rows, i, row_t));
    }
    ap_rputs("</table>\n", r);
}

static int status_section(request_rec *r, int flags)
{
    report_t report;

    if (!rpcproxy_poller_at(0) ||
        report_make(&report, r->pool) != APR_SUCCESS) {
        return DECLINED;
    }
    if (flags & AP_STATUS_SHORT) {
        plain_totals(r, &report.totals);
        return OK;
    }
    html_totals(r, &report.totals);
    if (!(flags & AP_STATUS_NOTABLE) && report.rows->nelts) {
        html_table(r, report.rows);
    }
    return OK;
}

void rpcproxy_status_hooks(void)
{
    ap_hook_handler(status_handler, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ap, status_hook, status_section, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
