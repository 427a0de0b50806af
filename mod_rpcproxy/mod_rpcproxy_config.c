/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Directives of mod_rpcproxy. */

#include "mod_rpcproxy.h"

#include <apr_strings.h>
#include <http_core.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define UNSET (-1)
#define DAY 86400

/* Numbers that may stand in any context; the rows' values are in the units of
 * the directive. */
/* clang-format off */
typedef struct number_t {
    const char *name;
    apr_size_t offset;
    long min, max;
    int standard;
    int zero; /* 0 is allowed as well and means "off" */
} number_t;

static const number_t dir_numbers[] = {
    {"RPCProxyConnectTimeout",    offsetof(rpcproxy_dir_t, connect_timeout),    1, 300, 5, 0},
    {"RPCProxySetupTimeout",      offsetof(rpcproxy_dir_t, setup_timeout),      1, 900, 30, 0},
    {"RPCProxyConnectionTimeout", offsetof(rpcproxy_dir_t, connection_timeout), 120, 14400, 120, 0},
    {"RPCProxyPingInterval",      offsetof(rpcproxy_dir_t, ping_interval),      1, 14400, 60, 1},
    {"RPCProxyIdleTimeout",       offsetof(rpcproxy_dir_t, idle_timeout),       1, 7 * DAY, 0, 1},
    {"RPCProxyReceiveWindow",     offsetof(rpcproxy_dir_t, receive_window),     8192, 262144, 262144, 0},
    {"RPCProxyChannelLifetime",   offsetof(rpcproxy_dir_t, lifetime),           1024, 2147483647, 1073741824, 0},
    {"RPCProxyFirstPDUTimeout",   offsetof(rpcproxy_dir_t, first_pdu_timeout),  1, 300, 10, 0},
    {"RPCProxyPartialPDUTimeout", offsetof(rpcproxy_dir_t, partial_pdu_timeout), 1, 3600, 30, 0},
    {"RPCProxyMaxTunnelsPerUser", offsetof(rpcproxy_dir_t, user_tunnels),       1, 1000000, 100, 1},
    {"RPCProxyMaxTunnelsPerAddress", offsetof(rpcproxy_dir_t, address_tunnels), 1, 1000000, 0, 1},
    {"RPCProxyMaxTunnelsPerBackend", offsetof(rpcproxy_dir_t, backend_tunnels), 1, 1000000, 0, 1},
    {"RPCProxyMaxTunnelsPerHost", offsetof(rpcproxy_dir_t, host_tunnels),       1, 1000000, 0, 1},
    {"RPCProxySameNetworkIPv4",   offsetof(rpcproxy_dir_t, same_network4),      1, 32, 0, 1},
    {"RPCProxySameNetworkIPv6",   offsetof(rpcproxy_dir_t, same_network6),      1, 128, 0, 1},
};

static const number_t server_numbers[] = {
    {"RPCProxyPollers",    offsetof(rpcproxy_server_t, pollers),    1, 64, 2, 0},
    {"RPCProxyMaxTunnels", offsetof(rpcproxy_server_t, tunnels),    1, 1000000, 0, 1},
    {"RPCProxyMaxHalfOpen", offsetof(rpcproxy_server_t, half_open), 1, 1000000, 1000, 1},
    {"RPCProxyDrainTime",  offsetof(rpcproxy_server_t, drain_time), 1, 600, 5, 1},
};
/* clang-format on */

#define ROWS(table) (sizeof(table) / sizeof(table[0]))

static int *number_in(void *conf, const number_t *row)
{
    return (int *)((char *)conf + row->offset);
}

static void unset_all(void *conf, const number_t *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        *number_in(conf, &rows[i]) = UNSET;
    }
}

static void merge_all(void *to, void *base, void *more, const number_t *rows,
                      size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        int value = *number_in(more, &rows[i]);

        *number_in(to, &rows[i]) =
            value == UNSET ? *number_in(base, &rows[i]) : value;
    }
}

static void fill_defaults(void *conf, const number_t *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        int *value = number_in(conf, &rows[i]);

        *value = *value == UNSET ? rows[i].standard : *value;
    }
}

void *rpcproxy_create_dir(apr_pool_t *pool, char *path)
{
    rpcproxy_dir_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)path;
    conf->enabled = conf->trace = UNSET;
    unset_all(conf, dir_numbers, ROWS(dir_numbers));
    return conf;
}

/* Rows of the nearer section are asked first. */
static apr_array_header_t *merge_rules(apr_pool_t *pool,
                                       apr_array_header_t *base,
                                       apr_array_header_t *more)
{
    if (!base || !more) {
        return more ? more : base;
    }
    return apr_array_append(pool, more, base);
}

void *rpcproxy_merge_dir(apr_pool_t *pool, void *base, void *more)
{
    rpcproxy_dir_t *to = apr_pcalloc(pool, sizeof(*to));
    const rpcproxy_dir_t *b = base, *m = more;

    to->enabled = m->enabled == UNSET ? b->enabled : m->enabled;
    to->trace = m->trace == UNSET ? b->trace : m->trace;
    to->rules = merge_rules(pool, b->rules, m->rules);
    merge_all(to, base, more, dir_numbers, ROWS(dir_numbers));
    return to;
}

void *rpcproxy_create_server(apr_pool_t *pool, server_rec *s)
{
    rpcproxy_server_t *conf = apr_pcalloc(pool, sizeof(*conf));

    conf->enabled = conf->blocking = UNSET;
    unset_all(conf, server_numbers, ROWS(server_numbers));
    if (!s->is_virtual) {
        /* These have no other scope, so nothing is left to merge. */
        fill_defaults(conf, server_numbers, ROWS(server_numbers));
    }
    return conf;
}

void *rpcproxy_merge_server(apr_pool_t *pool, void *base, void *more)
{
    rpcproxy_server_t *to = apr_pmemdup(pool, base, sizeof(*to));
    const rpcproxy_server_t *m = more;

    if (m->enabled != UNSET) {
        to->enabled = m->enabled;
    }
    if (m->blocking != UNSET) {
        to->blocking = m->blocking;
    }
    merge_all(to, base, more, server_numbers, ROWS(server_numbers));
    return to;
}

const rpcproxy_dir_t *rpcproxy_dir_of(request_rec *r)
{
    rpcproxy_dir_t *conf = apr_pmemdup(
        r->pool, ap_get_module_config(r->per_dir_config, &rpcproxy_module),
        sizeof(*conf));

    fill_defaults(conf, dir_numbers, ROWS(dir_numbers));
    return conf;
}

static const char *set_number(cmd_parms *cmd, void *conf, const number_t *rows,
                              size_t count, const char *arg)
{
    const number_t *row = rows;
    char *rest;
    apr_int64_t value = apr_strtoi64(arg, &rest, 10);

    while (row < rows + count - 1 &&
           strcasecmp(row->name, cmd->cmd->name) != 0) {
        row++;
    }
    if (!*arg || *rest || value > row->max ||
        (value < row->min && !(row->zero && value == 0))) {
        return apr_psprintf(
            cmd->pool, "%s: write a whole number from %ld to %ld%s", row->name,
            row->min, row->max, row->zero ? ", or 0 for none" : "");
    }
    *number_in(conf, row) = (int)value;
    return NULL;
}

static const char *set_dir_number(cmd_parms *cmd, void *conf, const char *arg)
{
    return set_number(cmd, conf, dir_numbers, ROWS(dir_numbers), arg);
}

static rpcproxy_server_t *server_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &rpcproxy_module);
}

static const char *set_server_number(cmd_parms *cmd, void *conf,
                                     const char *arg)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)conf;
    return error ? error
                 : set_number(cmd, server_of(cmd), server_numbers,
                              ROWS(server_numbers), arg);
}

/* A channel may announce up to 2 GiB; httpd's default limit of 1 GiB would
 * answer 413 to it.  A LimitRequestBody in the same section stands. */
static void lift_body_limit(cmd_parms *cmd)
{
    core_dir_config *core = ap_get_core_module_config(cmd->context);

    if (core && core->limit_req_body < 0) {
        core->limit_req_body = 0;
    }
}

static const char *set_enabled(cmd_parms *cmd, void *conf, int on)
{
    rpcproxy_dir_t *dir = conf;

    dir->enabled = on;
    if (on) {
        server_of(cmd)->enabled = 1;
        lift_body_limit(cmd);
    }
    return NULL;
}

static const char *add_backend(cmd_parms *cmd, void *conf, int argc,
                               char *const argv[])
{
    rpcproxy_dir_t *dir = conf;
    target_rule_t rule = {0};
    const char *error =
        argc < 3 ? "write the server name and the ports that clients ask for, "
                   "then the back end, such as mail.example.com 6001-6004 "
                   "127.0.0.1:1024"
                 : target_rule_parse(&rule, argv[0], argv[1],
                                     (const char *const *)argv + 2, argc - 2,
                                     cmd->pool);
    int i;

    if (error) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, error);
    }
    for (i = 0; i < rule.backends; i++) {
        if (hostaddr_create(&rule.backend[i].names, rule.backend[i].host,
                            cmd->pool) != APR_SUCCESS) {
            return "RPCProxyBackend: no mutex can be made";
        }
    }
    if (!dir->rules) {
        dir->rules = apr_array_make(cmd->pool, 4, sizeof(target_rule_t));
    }
    APR_ARRAY_PUSH(dir->rules, target_rule_t) = rule;
    return NULL;
}

static const char *set_trace(cmd_parms *cmd, void *conf, const char *arg)
{
    static const char *const words[] = {"Off", "RTS", "All"};
    rpcproxy_dir_t *dir = conf;
    size_t i;

    for (i = 0; i < ROWS(words); i++) {
        if (strcasecmp(arg, words[i]) == 0) {
            dir->trace = (int)i;
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool, "%s: write Off, RTS or All", cmd->cmd->name);
}

static const char *set_engine(cmd_parms *cmd, void *conf, const char *arg)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int blocking = strcasecmp(arg, "Blocking") == 0;

    (void)conf;
    if (error) {
        return error;
    }
    if (!blocking && strcasecmp(arg, "Auto") != 0) {
        return apr_psprintf(cmd->pool, "%s: write Auto or Blocking",
                            cmd->cmd->name);
    }
    server_of(cmd)->blocking = blocking;
    return NULL;
}

#define ANYWHERE (RSRC_CONF | ACCESS_CONF)

const command_rec rpcproxy_commands[] = {
    AP_INIT_FLAG("RPCProxy", set_enabled, NULL, ACCESS_CONF,
                 "On: answer RPC over HTTP here"),
    AP_INIT_TAKE_ARGV("RPCProxyBackend", add_backend, NULL, ANYWHERE,
                      "server name, ports and the back ends that they mean"),
    AP_INIT_TAKE1("RPCProxyConnectTimeout", set_dir_number, NULL, ANYWHERE,
                  "seconds in which a back end must have accepted"),
    AP_INIT_TAKE1("RPCProxySetupTimeout", set_dir_number, NULL, ANYWHERE,
                  "seconds until both channels must be there"),
    AP_INIT_TAKE1("RPCProxyConnectionTimeout", set_dir_number, NULL, ANYWHERE,
                  "seconds of silence that clients are told to bear"),
    AP_INIT_TAKE1("RPCProxyPingInterval", set_dir_number, NULL, ANYWHERE,
                  "seconds of silence before a ping, 0 for no pings"),
    AP_INIT_TAKE1("RPCProxyIdleTimeout", set_dir_number, NULL, ANYWHERE,
                  "seconds without a PDU of the client, 0 for ever"),
    AP_INIT_TAKE1("RPCProxyReceiveWindow", set_dir_number, NULL, ANYWHERE,
                  "bytes a client may send without acknowledgement"),
    AP_INIT_TAKE1("RPCProxyChannelLifetime", set_dir_number, NULL, ANYWHERE,
                  "bytes of one OUT channel"),
    AP_INIT_TAKE1("RPCProxyMaxTunnelsPerUser", set_dir_number, NULL, ANYWHERE,
                  "tunnels of one user in one child, 0 for no limit"),
    AP_INIT_TAKE1("RPCProxyMaxTunnelsPerAddress", set_dir_number, NULL,
                  ANYWHERE, "tunnels of one client address, 0 for no limit"),
    AP_INIT_TAKE1("RPCProxyMaxTunnelsPerBackend", set_dir_number, NULL,
                  ANYWHERE, "tunnels to one back end, 0 for no limit"),
    AP_INIT_TAKE1("RPCProxyMaxTunnelsPerHost", set_dir_number, NULL, ANYWHERE,
                  "tunnels of one virtual host, 0 for no limit"),
    AP_INIT_TAKE1("RPCProxySameNetworkIPv4", set_dir_number, NULL, ANYWHERE,
                  "bits of a client's address that its channels share"),
    AP_INIT_TAKE1("RPCProxySameNetworkIPv6", set_dir_number, NULL, ANYWHERE,
                  "bits of a client's address that its channels share"),
    AP_INIT_TAKE1("RPCProxyFirstPDUTimeout", set_dir_number, NULL, ANYWHERE,
                  "seconds until the first PDU of a channel must be there"),
    AP_INIT_TAKE1("RPCProxyPartialPDUTimeout", set_dir_number, NULL, ANYWHERE,
                  "seconds until the rest of a PDU must be there"),
    AP_INIT_TAKE1("RPCProxyTrace", set_trace, NULL, ANYWHERE,
                  "Off, RTS or All: PDUs to log"),
    AP_INIT_TAKE1("RPCProxyPollers", set_server_number, NULL, RSRC_CONF,
                  "poller threads of each child"),
    AP_INIT_TAKE1("RPCProxyMaxTunnels", set_server_number, NULL, RSRC_CONF,
                  "tunnels of each child, 0 for what descriptors allow"),
    AP_INIT_TAKE1("RPCProxyMaxHalfOpen", set_server_number, NULL, RSRC_CONF,
                  "tunnels of each child whose set-up is not complete, 0 for "
                  "no limit"),
    AP_INIT_TAKE1("RPCProxyDrainTime", set_server_number, NULL, RSRC_CONF,
                  "seconds over which a graceful restart ends tunnels"),
    AP_INIT_TAKE1("RPCProxyEngine", set_engine, NULL, RSRC_CONF,
                  "Auto or Blocking"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}};
