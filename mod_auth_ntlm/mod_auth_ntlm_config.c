/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The directives of mod_auth_ntlm. */

#include <apr_lib.h>
#include <apr_strings.h>
#include <ap_provider.h>

#include "glue/mod_glue.h"
#include "mod_auth_ntlm.h"
#include "verifier.h"

#define DEFAULT_SECONDS 5
#define DEFAULT_MAX_HANDSHAKES 5
#define DEFAULT_MAX_VERIFICATIONS 64

void *auth_ntlm_create_dir(apr_pool_t *p, char *path)
{
    auth_ntlm_dir_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)path;
    conf->timeout = -1;
    conf->max_handshakes = -1;
    conf->require_tls = -1;
    conf->negotiate = -1;
    return conf;
}

void *auth_ntlm_merge_dir(apr_pool_t *p, void *base, void *add)
{
    const auth_ntlm_dir_t *b = base;
    auth_ntlm_dir_t *conf = apr_pmemdup(p, add, sizeof(*conf));

    if (!conf->domain) {
        conf->domain = b->domain;
    }
    if (!conf->servers) {
        conf->servers = b->servers;
    }
    if (conf->timeout == -1) {
        conf->timeout = b->timeout;
    }
    if (conf->max_handshakes == -1) {
        conf->max_handshakes = b->max_handshakes;
    }
    if (conf->require_tls == -1) {
        conf->require_tls = b->require_tls;
    }
    if (conf->negotiate == -1) {
        conf->negotiate = b->negotiate;
    }
    if (!conf->basic_set) {
        conf->basic_set = b->basic_set;
        conf->basic = b->basic;
    }
    return conf;
}

void *auth_ntlm_create_server(apr_pool_t *p, server_rec *s)
{
    (void)s;
    return apr_pcalloc(p, sizeof(auth_ntlm_server_t));
}

/* The gate is one for the whole child, so the main server's number counts. */
void *auth_ntlm_merge_server(apr_pool_t *p, void *base, void *add)
{
    (void)add;
    return apr_pmemdup(p, base, sizeof(auth_ntlm_server_t));
}

apr_interval_time_t auth_ntlm_timeout(const auth_ntlm_dir_t *conf)
{
    return conf->timeout == -1 ? apr_time_from_sec(DEFAULT_SECONDS)
                               : conf->timeout;
}

int auth_ntlm_max_handshakes(const auth_ntlm_dir_t *conf)
{
    return conf->max_handshakes == -1 ? DEFAULT_MAX_HANDSHAKES
                                      : conf->max_handshakes;
}

int auth_ntlm_requires_tls(const auth_ntlm_dir_t *conf)
{
    return conf->require_tls != 0;
}

int auth_ntlm_max_verifications(const auth_ntlm_server_t *conf)
{
    return conf->max_verifications ? conf->max_verifications
                                   : DEFAULT_MAX_VERIFICATIONS;
}

/* 1 when `text` can be the NetBIOS or DNS name of a domain. */
static int is_domain_name(const char *text)
{
    const char *p;

    for (p = text; *p; p++) {
        if (!apr_isalnum(*p) && !strchr("-._", *p)) {
            return 0;
        }
    }
    return p != text && p - text <= 255;
}

static const char *set_domain(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[])
{
    auth_ntlm_dir_t *conf = dir;
    account_domain_t *domain = apr_palloc(cmd->pool, sizeof(*domain));
    int i;

    if (argc == 0) {
        return "NTLMDomain: write the NetBIOS name of the domain, then its "
               "DNS name: NTLMDomain EXAMPLE example.com";
    }
    if (strlen(argv[0]) > ACCOUNT_DOMAIN_MAX || strchr(argv[0], '.')) {
        return apr_psprintf(cmd->pool,
                            "NTLMDomain: \"%s\" is no NetBIOS name; write the "
                            "short name first, then the DNS name: NTLMDomain "
                            "EXAMPLE example.com",
                            argv[0]);
    }
    domain->aliases = apr_array_make(cmd->pool, argc, sizeof(const char *));
    for (i = 0; i < argc; i++) {
        if (!is_domain_name(argv[i])) {
            return apr_psprintf(cmd->pool,
                                "NTLMDomain: \"%s\" is no domain name; write "
                                "it as EXAMPLE or example.com",
                                argv[i]);
        }
        if (i > 0) {
            APR_ARRAY_PUSH(domain->aliases, const char *) = argv[i];
        }
    }
    domain->name = argv[0];
    conf->domain = domain;
    return NULL;
}

static const char *set_verifier(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[])
{
    auth_ntlm_dir_t *conf = dir;
    apr_array_header_t *servers =
        apr_array_make(cmd->pool, argc, sizeof(verifier_server_t *));
    verifier_server_t *server;
    int i;

    if (argc == 0) {
        return "NTLMVerifier: write the Samba servers that know the "
               "passwords: NTLMVerifier 192.0.2.1 192.0.2.2:135";
    }
    for (i = 0; i < argc; i++) {
        if (verifier_parse(&server, argv[i], cmd->pool) != APR_SUCCESS ||
            glue_check_host("NTLMVerifier", server->host, cmd->pool)) {
            return apr_psprintf(cmd->pool,
                                "NTLMVerifier: \"%s\" is no server; write "
                                "host, host:port or [address]:port",
                                argv[i]);
        }
        APR_ARRAY_PUSH(servers, verifier_server_t *) = server;
    }
    conf->servers = servers;
    return NULL;
}

/* A whole number from `min` to `max` in *value, or what to write instead. */
static const char *get_number(cmd_parms *cmd, const char *text, int min,
                              int max, int *value)
{
    char *end;
    apr_int64_t number = apr_strtoi64(text, &end, 10);

    if (!*text || *end || number < min || number > max) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is out of range; write a number from "
                            "%d to %d",
                            cmd->cmd->name, text, min, max);
    }
    *value = (int)number;
    return NULL;
}

static const char *set_timeout(cmd_parms *cmd, void *dir, const char *text)
{
    auth_ntlm_dir_t *conf = dir;
    int seconds = 0;
    const char *error = get_number(cmd, text, 1, 60, &seconds);

    conf->timeout = apr_time_from_sec(seconds);
    return error;
}

static const char *set_max_handshakes(cmd_parms *cmd, void *dir,
                                      const char *text)
{
    auth_ntlm_dir_t *conf = dir;

    return get_number(cmd, text, 1, 1000, &conf->max_handshakes);
}

static const char *set_max_verifications(cmd_parms *cmd, void *dir,
                                         const char *text)
{
    auth_ntlm_server_t *conf =
        ap_get_module_config(cmd->server->module_config, &auth_ntlm_module);
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)dir;
    return error ? error
                 : get_number(cmd, text, 1, 10000, &conf->max_verifications);
}

static const char *set_require_tls(cmd_parms *cmd, void *dir, int on)
{
    auth_ntlm_dir_t *conf = dir;

    (void)cmd;
    conf->require_tls = on;
    return NULL;
}

static const char *set_offer_negotiate(cmd_parms *cmd, void *dir, int on)
{
    auth_ntlm_dir_t *conf = dir;

    (void)cmd;
    conf->negotiate = on;
    return NULL;
}

/* The Basic provider `name`, or NULL with a sentence in *error. */
static authn_provider_list *find_provider(cmd_parms *cmd, const char *name,
                                          const char **error)
{
    authn_provider_list *entry = apr_pcalloc(cmd->pool, sizeof(*entry));

    entry->provider_name = name;
    entry->provider =
        ap_lookup_provider(AUTHN_PROVIDER_GROUP, name, AUTHN_PROVIDER_VERSION);
    if (entry->provider && entry->provider->check_password) {
        return entry;
    }
    *error = apr_psprintf(cmd->pool,
                          "NTLMBasicProvider: \"%s\" is no Basic provider "
                          "that is loaded; write mailbox, file or ldap and "
                          "load its module before",
                          name);
    return NULL;
}

static const char *set_basic_provider(cmd_parms *cmd, void *dir, int argc,
                                      char *const argv[])
{
    auth_ntlm_dir_t *conf = dir;
    authn_provider_list **tail = &conf->basic;
    const char *error = NULL;
    int i;

    if (argc == 0) {
        return "NTLMBasicProvider: write Off, or the providers that check "
               "Basic credentials: NTLMBasicProvider mailbox";
    }
    conf->basic_set = 1;
    conf->basic = NULL;
    if (argc == 1 && ap_cstr_casecmp(argv[0], "Off") == 0) {
        return NULL;
    }
    for (i = 0; i < argc; i++) {
        *tail = find_provider(cmd, argv[i], &error);
        if (!*tail) {
            return error;
        }
        tail = &(*tail)->next;
    }
    return NULL;
}

#define ANYWHERE (RSRC_CONF | ACCESS_CONF)

/* clang-format off */
const command_rec auth_ntlm_commands[] = {
    AP_INIT_TAKE_ARGV("NTLMDomain", set_domain, NULL, ANYWHERE,
                      "the NetBIOS name of the domain, then its other names"),
    AP_INIT_TAKE_ARGV("NTLMVerifier", set_verifier, NULL, ANYWHERE,
                      "host[:port] of each Samba server that is asked"),
    AP_INIT_TAKE1("NTLMTimeout", set_timeout, NULL, ANYWHERE,
                  "seconds that the servers have for an answer"),
    AP_INIT_TAKE1("NTLMMaxHandshakes", set_max_handshakes, NULL, ANYWHERE,
                  "attempts that one connection has"),
    AP_INIT_TAKE1("NTLMMaxVerifications", set_max_verifications, NULL, RSRC_CONF,
                  "logins that one child has in flight"),
    AP_INIT_FLAG("NTLMRequireTLS", set_require_tls, NULL, ANYWHERE,
                 "On: nobody logs in without TLS"),
    AP_INIT_FLAG("NTLMOfferNegotiate", set_offer_negotiate, NULL, ACCESS_CONF,
                 "On: a 401 offers Negotiate too, which another module does"),
    AP_INIT_TAKE_ARGV("NTLMBasicProvider", set_basic_provider, NULL, ANYWHERE,
                      "who checks Basic credentials beside NTLM, or Off"),
    {.name = NULL}
};
/* clang-format on */
