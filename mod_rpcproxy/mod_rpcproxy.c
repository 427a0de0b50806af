/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* RPC over HTTP version 2 ([MS-RPCH]): the record, the hooks and the handler. */

#include "mod_rpcproxy_relay.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mpm_common.h>
#include <string.h>

#include "glue/mod_glue.h"

#define ECHO_MAX 16

static int is_ours(const request_rec *r)
{
    const rpcproxy_dir_t *conf =
        ap_get_module_config(r->per_dir_config, &rpcproxy_module);

    return conf->enabled == 1 && (glue_path_is(r, "/rpc/rpcproxy.dll") ||
                                  glue_path_is(r, "/rpcwithcert/rpcproxy.dll"));
}

/* There is no file behind these paths: no folder's rules, no .htaccess. */
static int skip_files(request_rec *r)
{
    return is_ours(r) ? OK : DECLINED;
}

/* Refuses and says so; the query may be anything, the log escapes it. */
static int refuse(request_rec *r, unsigned int code, const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  PN(13001) "%s of %s for \"%s\" refused: %s", r->method,
                  r->user ? r->user : "nobody", r->args ? r->args : "", why);
    return rpcproxy_refuse(r, code);
}

/* The client's own idea of how long a silence may be (section 2.1.2.1.2.1). */
static apr_uint32_t timeout_ms(const request_rec *r, const rpcproxy_dir_t *conf)
{
    static const char name[] = "MinConnTimeout=";
    const char *pragma = apr_table_get(r->headers_in, "Pragma");
    const char *at = pragma ? strstr(pragma, name) : NULL;
    apr_int64_t seconds = at ? apr_atoi64(at + sizeof(name) - 1) : 0;

    if (seconds < 120 || seconds > 14400) {
        seconds = conf->connection_timeout;
    }
    return (apr_uint32_t)seconds * 1000;
}

static void set_options(rpcproxy_chan_t *chan, const rpcproxy_dir_t *conf)
{
    vconn_options_t *o = &chan->options;

    o->receive_window = (apr_uint32_t)conf->receive_window;
    o->lifetime = (apr_uint32_t)conf->lifetime;
    o->connection_timeout = timeout_ms(chan->r, conf);
    o->setup = apr_time_from_sec(conf->setup_timeout);
    o->ping = apr_time_from_sec(conf->ping_interval);
    o->idle = apr_time_from_sec(conf->idle_timeout);
    /* Of all clients only Samba's speaks HTTP/1.0, and it stops working when
     * it is sent an RTS PDU after CONN/C2. */
    o->quiet = chan->r->proto_num < HTTP_VERSION(1, 1);
    chan->partial_timeout = conf->partial_pdu_timeout;
    chan->most[RPCPROXY_USER] = conf->user_tunnels;
    chan->most[RPCPROXY_ADDRESS] = conf->address_tunnels;
    chan->most[RPCPROXY_BACKEND] = conf->backend_tunnels;
    chan->most[RPCPROXY_HOST] = conf->host_tunnels;
    chan->trace = conf->trace;
    network_of(chan->network, chan->client, conf->same_network4,
               conf->same_network6);
}

/* Sets whom the channel is for, or returns the refusal. */
static int find_target(rpcproxy_chan_t *chan, const rpcproxy_dir_t *conf,
                       target_t *target, const target_rule_t **rule)
{
    request_rec *r = chan->r;
    const char *why;

    if (target_parse(target, r->args, &why, r->pool) != APR_SUCCESS) {
        return refuse(r, VCONN_ACCESS_DENIED, why);
    }
    *rule = conf->rules ? target_find(conf->rules, target) : NULL;
    if (!*rule) {
        return refuse(r, VCONN_ACCESS_DENIED,
                      "no RPCProxyBackend allows this server and port");
    }
    chan->identity.user = r->user;
    chan->identity.target = target->text;
    chan->identity.server = r->server;
    chan->backend = (*rule)->text;
    if ((*rule)->backend[0].port == TARGET_PORT_ASKED) {
        chan->backend = apr_psprintf(r->connection->pool, "%s:%d",
                                     chan->backend, target->port);
    }
    return DECLINED;
}

/* The end of set-up must not come first: it is another error. */
static apr_interval_time_t connect_time(const rpcproxy_dir_t *conf)
{
    return apr_time_from_sec(conf->connect_timeout < conf->setup_timeout
                                 ? conf->connect_timeout
                                 : conf->setup_timeout);
}

static rpcproxy_chan_t *make_channel(request_rec *r, int out)
{
    /* Outlives the request: ended by the poller, with the connection. */
    rpcproxy_chan_t *chan = apr_pcalloc(r->connection->pool, sizeof(*chan));

    chan->r = r;
    chan->c = r->connection;
    chan->client = r->useragent_ip;
    chan->server = r->server;
    chan->out = out;
    rpcproxy_limits_channel(chan->c);
    return chan;
}

static int run_channel(request_rec *r, int out)
{
    const rpcproxy_dir_t *conf = rpcproxy_dir_of(r);
    rpcproxy_chan_t *chan = make_channel(r, out);
    const target_rule_t *rule;
    unsigned int code;
    const char *why;
    target_t target;
    int answer;

    r->connection->keepalive = AP_CONN_CLOSE;
    answer = find_target(chan, conf, &target, &rule);
    if (answer != DECLINED) {
        return answer;
    }
    code = rpcproxy_read_hello(r, out, conf->first_pdu_timeout, &chan->hello,
                               &why);
    if (code) {
        return refuse(r, code, why);
    }
    if (chan->hello.kind == HELLO_OUT) {
        rpcproxy_names_resolve(chan, rule, target.port, connect_time(conf));
        if (!chan->endpoints) {
            return refuse(r, VCONN_SERVER_UNAVAILABLE,
                          "the name of the back end cannot be resolved");
        }
    }
    chan->poller = rpcproxy_poller_of(&chan->hello.vconn);
    if (!chan->poller) {
        return refuse(r, VCONN_TOO_BUSY, "no poller thread runs");
    }
    set_options(chan, conf);
    rpcproxy_channel_socket_options(chan);
    rpcproxy_drop_reqtimeout(r);
    return rpcproxy_channel_run(chan);
}

/* Echo and channels alike: somebody must have logged in. */
static int answer_channel(request_rec *r)
{
    const char *header = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length = -1;

    if (!r->user || !*r->user) {
        return refuse(r, VCONN_ACCESS_DENIED,
                      "nobody has logged in; the location needs AuthType and "
                      "Require");
    }
    if (r->connection->master) {
        return refuse(r, VCONN_PROTOCOL_ERROR,
                      "RPC over HTTP needs HTTP/1.1; set Protocols http/1.1");
    }
    if (header && !ap_parse_strict_length(&length, header)) {
        return HTTP_BAD_REQUEST;
    }
    if (length >= 0 && length <= ECHO_MAX) {
        return rpcproxy_echo(r);
    }
    return run_channel(r, strcmp(r->method, "RPC_OUT_DATA") == 0);
}

static int handler(request_rec *r)
{
    if (!is_ours(r)) {
        return DECLINED;
    }
    if (rpcproxy_is_channel_method(r)) {
        return answer_channel(r);
    }
    if (strcmp(r->method, "RPC_CONNECT") == 0) {
        return HTTP_NOT_IMPLEMENTED; /* version 1: no login, no TLS */
    }
    /* httpd's own page for 405 lists registered methods only. */
    r->status = HTTP_METHOD_NOT_ALLOWED;
    apr_table_setn(r->headers_out, "Allow", "RPC_IN_DATA, RPC_OUT_DATA");
    ap_set_content_length(r, 0);
    return OK;
}

static int ask_mpm(int query)
{
    int value = 0;

    return ap_mpm_query(query, &value) == APR_SUCCESS ? value : 0;
}

static int is_used(server_rec *s)
{
    for (; s; s = s->next) {
        const rpcproxy_server_t *conf =
            ap_get_module_config(s->module_config, &rpcproxy_module);

        if (conf->enabled == 1) {
            return 1;
        }
    }
    return 0;
}

/* What the configuration of the MPM costs, said once at start. */
static void check_mpm(server_rec *s)
{
    int children = ask_mpm(AP_MPMQ_MAX_DAEMONS);

    if (ask_mpm(AP_MPMQ_MAX_THREADS) <= 1) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     PN(13002) "under this MPM each tunnel of RPC over HTTP "
                               "holds two processes; the event MPM needs none");
    }
    else if (!ask_mpm(AP_MPMQ_IS_ASYNC)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     PN(13003) "under this MPM each tunnel of RPC over HTTP "
                               "holds two worker threads; the event MPM needs "
                               "none");
    }
    if (children > 1 && !rpcproxy_pairs_are_shared(s)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     PN(13004) "up to %d children may serve requests, and the "
                               "two channels of a connection must meet in "
                               "one: set MaxRequestWorkers to ThreadsPerChild",
                     children);
    }
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG &&
        is_used(s)) {
        rpcproxy_pairs_prepare(pconf, s);
        check_mpm(s);
    }
    return OK;
}

static void start_child(apr_pool_t *pchild, server_rec *s)
{
    rpcproxy_limits_init(pchild, s);
    rpcproxy_connect_init(pchild, s);
    rpcproxy_pollers_start(pchild, s);
    rpcproxy_pairs_start(pchild, s);
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_post_read_request(rpcproxy_early, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(skip_files, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_FIRST);
    rpcproxy_status_hooks();
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(start_child, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_status(rpcproxy_pairs_child_status, NULL, NULL,
                         APR_HOOK_MIDDLE);
    ap_hook_suspend_connection(rpcproxy_channel_suspended, NULL, NULL,
                               APR_HOOK_REALLY_LAST);
    ap_hook_child_stopping(rpcproxy_pollers_stopping, NULL, NULL,
                           APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(rpcproxy) = {STANDARD20_MODULE_STUFF, rpcproxy_create_dir,
                               rpcproxy_merge_dir,      rpcproxy_create_server,
                               rpcproxy_merge_server,   rpcproxy_commands,
                               register_hooks,          AP_MODULE_FLAG_NONE};
