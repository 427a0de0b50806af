/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Setters that name a server, its port and the way to log in. */

#include "mod_autodiscover_set.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

/* --- Outlook's protocols --- */

/* The words of AuthPackage (MS-OXDSCLI section 2.2.4.1.1.2.6.2), spelt as
 * Outlook is used to; anonymous is left out, because nothing of ours is. */
static const char *const packages[] = {
    "Basic", "Ntlm", "Negotiate", "Nego2", "Kerb", "KerbNtlm", "Certificate",
};

static const char *read_package(cmd_parms *cmd, const char *word,
                                const char **package)
{
    apr_size_t i;

    for (i = 0; i < sizeof(packages) / sizeof(packages[0]); i++) {
        if (strcasecmp(packages[i], word) == 0) {
            *package = packages[i];
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool,
                        "%s: \"%s\" is no way to log in; write Basic, Ntlm, "
                        "Negotiate, Nego2, Kerb, KerbNtlm or Certificate",
                        cmd->cmd->name, word);
}

const char *autodiscover_set_exchange_server(cmd_parms *cmd, void *dir,
                                             const char *host,
                                             const char *package)
{
    discover_settings_t *s = autodiscover_settings_of(cmd);

    (void)dir;
    if (autodiscover_is_none(host)) {
        s->exchange_server = "";
        return NULL;
    }
    s->exchange_server = host;
    s->exchange_auth = "";
    if (package) {
        const char *wrong = read_package(cmd, package, &s->exchange_auth);

        if (wrong) {
            return wrong;
        }
    }
    return autodiscover_check_host(cmd, host);
}

const char *autodiscover_set_rpc_proxy(cmd_parms *cmd, void *dir, int argc,
                                       char *const argv[])
{
    discover_settings_t *s = autodiscover_settings_of(cmd);
    const char *wrong;
    int i;

    (void)dir;
    if (argc == 1 && autodiscover_is_none(argv[0])) {
        s->rpc_host = "";
        return NULL;
    }
    if (argc < 1 || argc > 3) {
        return apr_psprintf(cmd->pool,
                            "%s takes a host, then ssl or plain, then a way "
                            "to log in: mail.example.com ssl Basic",
                            cmd->cmd->name);
    }
    s->rpc_host = argv[0];
    s->rpc_ssl = 1;
    s->rpc_auth = DISCOVER_RPC_AUTH;
    for (i = 1; i < argc; i++) {
        if (strcasecmp(argv[i], "ssl") == 0 ||
            strcasecmp(argv[i], "plain") == 0) {
            s->rpc_ssl = strcasecmp(argv[i], "ssl") == 0;
        }
        else if ((wrong = read_package(cmd, argv[i], &s->rpc_auth)) != NULL) {
            return wrong;
        }
    }
    if (!s->rpc_ssl && strcmp(s->rpc_auth, "Basic") == 0) {
        return apr_psprintf(cmd->pool,
                            "%s: Basic without TLS sends passwords in the "
                            "clear, and Outlook refuses it; write ssl, or Ntlm "
                            "beside plain",
                            cmd->cmd->name);
    }
    return autodiscover_check_host(cmd, argv[0]);
}

/* An X.509 principal, as RPC's security names it. */
const char *autodiscover_set_cert_principal(cmd_parms *cmd, void *dir,
                                            const char *name)
{
    (void)dir;
    if (autodiscover_is_none(name)) {
        autodiscover_settings_of(cmd)->cert_principal = "none";
        return NULL;
    }
    if (strncasecmp(name, "msstd:", 6) != 0) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" must be None or start with msstd:, "
                            "such as msstd:mail.example.com",
                            cmd->cmd->name, name);
    }
    autodiscover_settings_of(cmd)->cert_principal = name;
    return autodiscover_check_host(cmd, name + 6);
}

/* --- mail servers --- */

/* What the ports of each protocol mean (RFC 8314 section 7). */
static const struct {
    apr_size_t member;
    int ssl_port;
    int clear_ports[2];
} mail_protocols[] = {
    {offsetof(discover_settings_t, imap), 993, {143, 143}},
    {offsetof(discover_settings_t, pop3), 995, {110, 110}},
    {offsetof(discover_settings_t, smtp), 465, {587, 25}},
};

static const char *const security_words[] = {"ssl", "starttls", "plain"};

static int is_clear_port(apr_size_t protocol, int port)
{
    return port == mail_protocols[protocol].clear_ports[0] ||
           port == mail_protocols[protocol].clear_ports[1];
}

static int read_security(const char *word, discover_security_e *security)
{
    apr_size_t i;

    for (i = 0; i < sizeof(security_words) / sizeof(security_words[0]); i++) {
        if (strcasecmp(security_words[i], word) == 0) {
            *security = (discover_security_e)i;
            return 1;
        }
    }
    return 0;
}

/* The port that goes with the security, and the other way round; a sentence
 * when they contradict each other. */
static const char *check_port(cmd_parms *cmd, apr_size_t protocol,
                              const discover_mail_server_t *server)
{
    int ssl_port = mail_protocols[protocol].ssl_port;

    if (server->security == DISCOVER_SECURITY_SSL &&
        is_clear_port(protocol, server->port)) {
        return apr_psprintf(cmd->pool,
                            "%s: port %d starts without TLS; write %d ssl, or "
                            "%d starttls",
                            cmd->cmd->name, server->port, ssl_port,
                            server->port);
    }
    if (server->security != DISCOVER_SECURITY_SSL && server->port == ssl_port) {
        return apr_psprintf(cmd->pool,
                            "%s: port %d is TLS from the first byte; write "
                            "%d ssl, or %d %s",
                            cmd->cmd->name, ssl_port, ssl_port,
                            mail_protocols[protocol].clear_ports[0],
                            security_words[server->security]);
    }
    return NULL;
}

static const char *bad_mail_server(cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool,
                        "%s takes a host, a port and ssl, starttls or plain: "
                        "mail.example.com %d ssl",
                        cmd->cmd->name,
                        mail_protocols[(apr_size_t)cmd->info].ssl_port);
}

const char *autodiscover_set_mail_server(cmd_parms *cmd, void *dir,
                                         const char *host, const char *port,
                                         const char *security)
{
    apr_size_t protocol = (apr_size_t)cmd->info;
    discover_mail_server_t *server = apr_pcalloc(cmd->pool, sizeof(*server));
    const discover_mail_server_t **member =
        (const discover_mail_server_t **)((char *)autodiscover_settings_of(
                                              cmd) +
                                          mail_protocols[protocol].member);

    (void)dir;
    *member = server;
    server->host = host;
    server->port = mail_protocols[protocol].ssl_port;
    server->security = DISCOVER_SECURITY_SSL;
    if (autodiscover_is_none(host) && !port) {
        server->host = "";
        return NULL;
    }
    if (port && (!autodiscover_read_number(&port, 65535, &server->port) ||
                 *port || server->port == 0)) {
        return bad_mail_server(cmd);
    }
    if (security && !read_security(security, &server->security)) {
        return bad_mail_server(cmd);
    }
    if (!security && is_clear_port(protocol, server->port)) {
        server->security = DISCOVER_SECURITY_STARTTLS;
    }
    security = check_port(cmd, protocol, server);
    return security ? security : autodiscover_check_host(cmd, host);
}
