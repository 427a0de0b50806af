/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The directives: setters, create and merge.  A setter finds the member that
 * it sets by the offset in cmd->info. */

#include "mod_autodiscover.h"
#include "uuid.h"

#include "glue/mod_glue.h"
#include "lib/mailaddr.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

#define TTL_MAX 8760 /* hours: a year */
#define DOMAIN_SECTION "<AutodiscoverDomain"

void *autodiscover_create_server(apr_pool_t *pool, server_rec *s)
{
    autodiscover_server_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)s;
    conf->enabled = -1;
    discover_settings_init(&conf->settings);
    conf->domains = apr_array_make(pool, 4, sizeof(discover_domain_t));
    return conf;
}

void *autodiscover_merge_server(apr_pool_t *pool, void *basev, void *addv)
{
    const autodiscover_server_t *base = basev, *add = addv;
    autodiscover_server_t *to = apr_pcalloc(pool, sizeof(*to));

    to->enabled = add->enabled != -1 ? add->enabled : base->enabled;
    to->http_redirect =
        add->http_redirect ? add->http_redirect : base->http_redirect;
    discover_settings_merge(&to->settings, &base->settings, &add->settings);
    to->domains = apr_array_append(pool, base->domains, add->domains);
    return to;
}

autodiscover_server_t *autodiscover_server_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &autodiscover_module);
}

/* The settings of the domain section around the directive, or NULL. */
static discover_settings_t *section_of(cmd_parms *cmd)
{
    ap_directive_t *section = cmd->directive->parent;

    while (section && strcasecmp(section->directive, DOMAIN_SECTION) != 0) {
        section = section->parent;
    }
    return section ? section->data : NULL;
}

/* The settings that the directive changes: a domain's or the server's. */
static discover_settings_t *settings_of(cmd_parms *cmd)
{
    discover_settings_t *section = section_of(cmd);

    return section ? section : &autodiscover_server_of(cmd->server)->settings;
}

/* A sentence when the directive stands in a domain section. */
static const char *check_outside(cmd_parms *cmd)
{
    return section_of(cmd)
               ? apr_psprintf(cmd->pool,
                              "%s cannot stand in " DOMAIN_SECTION
                              ">; write it in the server or virtual host",
                              cmd->cmd->name)
               : NULL;
}

/* The member of the settings that the directive sets. */
static void *member_of(cmd_parms *cmd)
{
    return (char *)settings_of(cmd) + (apr_size_t)cmd->info;
}

static int is_none(const char *word)
{
    return strcasecmp(word, "None") == 0;
}

/* `value` as it looks for a mailbox of example.com; a sentence when a variable
 * in it is wrong. */
static const char *try_out(cmd_parms *cmd, const char *value,
                           discover_place_e place, const char **tried)
{
    const char *why;

    if (discover_variables_expand(tried, value, discover_variables_sample(),
                                  place, &why, cmd->temp_pool) == APR_SUCCESS) {
        return NULL;
    }
    return apr_psprintf(cmd->pool, "%s: \"%s\": %s", cmd->cmd->name, value,
                        why);
}

static const char *check_host(cmd_parms *cmd, const char *host)
{
    const char *tried, *wrong;

    wrong = try_out(cmd, host, DISCOVER_PLACE_HOST, &tried);
    return wrong ? wrong : glue_check_host(cmd->cmd->name, tried, cmd->pool);
}

static const char *set_enabled(cmd_parms *cmd, void *dir, int flag)
{
    (void)dir;
    autodiscover_server_of(cmd->server)->enabled = flag;
    return check_outside(cmd);
}

static const char *set_server_name(cmd_parms *cmd, void *dir, const char *host)
{
    const char *wrong = check_host(cmd, host);

    (void)dir;
    settings_of(cmd)->server_name = host;
    return wrong;
}

static const char *set_url(cmd_parms *cmd, void *dir, const char *url)
{
    const char *tried, *wrong;

    (void)dir;
    if (is_none(url)) {
        *(const char **)member_of(cmd) = "";
        return NULL;
    }
    *(const char **)member_of(cmd) = url;
    wrong = try_out(cmd, url, DISCOVER_PLACE_URL, &tried);
    return wrong ? wrong : glue_check_url(cmd->cmd->name, tried, 0, cmd->pool);
}

/* What is put behind starts with a slash. */
static const char *set_mapi_url(cmd_parms *cmd, void *dir, const char *url)
{
    apr_size_t len = strlen(url);

    if (len > 0 && url[len - 1] == '/') {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" must not end with a slash; /emsmdb/ "
                            "and /nspi/ are put behind it",
                            cmd->cmd->name, url);
    }
    return set_url(cmd, dir, url);
}

/* A distinguished name of Exchange's kind: /o=.../cn=... */
static const char *set_dn(cmd_parms *cmd, void *dir, const char *dn)
{
    const char *tried, *p;
    const char *wrong = try_out(cmd, dn, DISCOVER_PLACE_TEXT, &tried);

    (void)dir;
    if (wrong) {
        return wrong;
    }
    for (p = dn; *p && !apr_iscntrl(*p); p++) {
    }
    if (*p || strncasecmp(dn, "/o=", 3) != 0) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" must start with /o=, such as "
                            "\"/o=Example/ou=First Administrative Group\"",
                            cmd->cmd->name, dn);
    }
    *(const char **)member_of(cmd) = dn;
    return NULL;
}

static const char *set_deployment_id(cmd_parms *cmd, void *dir,
                                     const char *guid)
{
    (void)dir;
    if (!discover_uuid_is_valid(guid)) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is no GUID; write it as "
                            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                            cmd->cmd->name, guid);
    }
    settings_of(cmd)->deployment_id = guid;
    return NULL;
}

static const char *set_text(cmd_parms *cmd, void *dir, const char *text)
{
    const char *tried;

    (void)dir;
    *(const char **)member_of(cmd) = text;
    return try_out(cmd, text, DISCOVER_PLACE_TEXT, &tried);
}

/* A decimal number of at most `max` at *text, which is moved behind it. */
static int read_number(const char **text, int max, int *number)
{
    int n = 0;

    if (!apr_isdigit(**text)) {
        return 0;
    }
    for (; apr_isdigit(**text); ++*text) {
        n = n * 10 + (**text - '0');
        if (n > max) {
            return 0;
        }
    }
    *number = n;
    return 1;
}

static const char *set_ttl(cmd_parms *cmd, void *dir, const char *hours)
{
    const char *p = hours;

    (void)dir;
    if (!read_number(&p, TTL_MAX, &settings_of(cmd)->ttl) || *p) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" must be a number of hours from 0 "
                            "(clients never ask again) to %d",
                            cmd->cmd->name, hours, TTL_MAX);
    }
    return NULL;
}

static const char *set_version(cmd_parms *cmd, void *dir, const char *text)
{
    discover_version_t *v = apr_pcalloc(cmd->pool, sizeof(*v));
    const char *p = text;
    int good = read_number(&p, 63, &v->major) && *p++ == '.' &&
               read_number(&p, 63, &v->minor) && *p++ == '.' &&
               read_number(&p, 32767, &v->build);

    (void)dir;
    if (good && *p == '.') {
        p++;
        good = read_number(&p, 65535, &v->revision);
    }
    if (!good || *p) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is no version; write "
                            "major.minor.build, such as 15.1.2176",
                            cmd->cmd->name, text);
    }
    settings_of(cmd)->version = v;
    return NULL;
}

/* --- domains and redirects --- */

static const char *set_http_redirect(cmd_parms *cmd, void *dir, const char *url)
{
    const char *wrong = glue_check_url(cmd->cmd->name, url, 0, cmd->pool);

    (void)dir;
    autodiscover_server_of(cmd->server)->http_redirect = url;
    return wrong ? wrong : check_outside(cmd);
}

static const char *set_redirect_url(cmd_parms *cmd, void *dir, const char *url)
{
    settings_of(cmd)->redirect_address = NULL;
    return set_url(cmd, dir, url);
}

static const char *set_redirect_address(cmd_parms *cmd, void *dir,
                                        const char *address)
{
    const char *tried, *why;
    const char *wrong = try_out(cmd, address, DISCOVER_PLACE_TEXT, &tried);
    mailaddr_t parsed;

    (void)dir;
    if (!wrong && mailaddr_parse(&parsed, tried, strlen(tried), &why,
                                 cmd->temp_pool) != APR_SUCCESS) {
        wrong = apr_psprintf(cmd->pool,
                             "%s: \"%s\" is no mail address (%s); write it as "
                             "%%{local}@example.com",
                             cmd->cmd->name, address, why);
    }
    settings_of(cmd)->redirect_url = NULL;
    settings_of(cmd)->redirect_address = address;
    return wrong;
}

/* Each word of `names` becomes a domain with the same settings. */
static const char *add_domains(cmd_parms *cmd, const char *names,
                               discover_settings_t **settings)
{
    autodiscover_server_t *conf = autodiscover_server_of(cmd->server);

    *settings = apr_palloc(cmd->pool, sizeof(**settings));
    discover_settings_init(*settings);
    while (*names) {
        const char *name = ap_getword_conf(cmd->pool, &names);
        discover_domain_t *domain = apr_array_push(conf->domains);

        if (!discover_domain_is_valid(name)) {
            return apr_psprintf(cmd->pool,
                                "%s: \"%s\" is no domain; write example.com, "
                                "*.example.com or *",
                                cmd->cmd->name, name);
        }
        domain->name = apr_pstrdup(cmd->pool, name);
        ap_str_tolower((char *)domain->name);
        domain->settings = *settings;
    }
    return NULL;
}

/* Another module's directive would change the whole server from in here. */
static const char *check_children(cmd_parms *cmd)
{
    const ap_directive_t *child;

    for (child = cmd->directive->first_child; child; child = child->next) {
        if (strncasecmp(child->directive, "Autodiscover", 12) != 0) {
            return apr_psprintf(cmd->pool,
                                "%s> takes directives of mod_autodiscover, "
                                "not %s",
                                cmd->cmd->name, child->directive);
        }
    }
    return NULL;
}

static const char *domain_section(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *end = ap_strrchr_c(arg, '>');
    discover_settings_t *settings;
    const char *wrong;

    (void)dir;
    if (!end || end == arg ||
        !*apr_pstrmemdup(cmd->temp_pool, arg, (apr_size_t)(end - arg))) {
        return apr_psprintf(
            cmd->pool, "%s needs a domain: " DOMAIN_SECTION " example.com>",
            cmd->cmd->name);
    }
    wrong = add_domains(cmd,
                        apr_pstrmemdup(cmd->pool, arg, (apr_size_t)(end - arg)),
                        &settings);
    if (!wrong) {
        wrong = check_children(cmd);
    }
    if (wrong) {
        return wrong;
    }
    cmd->directive->data = settings;
    return ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
}

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

static const char *set_exchange_server(cmd_parms *cmd, void *dir,
                                       const char *host, const char *package)
{
    discover_settings_t *s = settings_of(cmd);

    (void)dir;
    if (is_none(host)) {
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
    return check_host(cmd, host);
}

static const char *set_rpc_proxy(cmd_parms *cmd, void *dir, int argc,
                                 char *const argv[])
{
    discover_settings_t *s = settings_of(cmd);
    const char *wrong;
    int i;

    (void)dir;
    if (argc == 1 && is_none(argv[0])) {
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
    return check_host(cmd, argv[0]);
}

/* An X.509 principal, as RPC's security names it. */
static const char *set_cert_principal(cmd_parms *cmd, void *dir,
                                      const char *name)
{
    (void)dir;
    if (is_none(name)) {
        settings_of(cmd)->cert_principal = "none";
        return NULL;
    }
    if (strncasecmp(name, "msstd:", 6) != 0) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" must be None or start with msstd:, "
                            "such as msstd:mail.example.com",
                            cmd->cmd->name, name);
    }
    settings_of(cmd)->cert_principal = name;
    return check_host(cmd, name + 6);
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

static const char *set_mail_server(cmd_parms *cmd, void *dir, const char *host,
                                   const char *port, const char *security)
{
    apr_size_t protocol = (apr_size_t)cmd->info;
    discover_mail_server_t *server = apr_pcalloc(cmd->pool, sizeof(*server));
    const discover_mail_server_t **member =
        (const discover_mail_server_t **)((char *)settings_of(cmd) +
                                          mail_protocols[protocol].member);

    (void)dir;
    *member = server;
    server->host = host;
    server->port = mail_protocols[protocol].ssl_port;
    server->security = DISCOVER_SECURITY_SSL;
    if (is_none(host) && !port) {
        server->host = "";
        return NULL;
    }
    if (port && (!read_number(&port, 65535, &server->port) || *port ||
                 server->port == 0)) {
        return bad_mail_server(cmd);
    }
    if (security && !read_security(security, &server->security)) {
        return bad_mail_server(cmd);
    }
    if (!security && is_clear_port(protocol, server->port)) {
        server->security = DISCOVER_SECURITY_STARTTLS;
    }
    security = check_port(cmd, protocol, server);
    return security ? security : check_host(cmd, host);
}

/* --- the table --- */

#define MEMBER(name) (void *)offsetof(discover_settings_t, name)

/* clang-format off */
const command_rec autodiscover_commands[] = {
    AP_INIT_FLAG("Autodiscover", set_enabled, NULL, RSRC_CONF,
        "On to answer below /autodiscover/; Off by default"),
    AP_INIT_TAKE1("AutodiscoverServerName", set_server_name, NULL, RSRC_CONF,
        "the host name that clients reach this server by"),
    AP_INIT_TAKE1("AutodiscoverPoxUrl", set_url, MEMBER(pox_url), RSRC_CONF,
        "URL of this service's autodiscover.xml"),
    AP_INIT_TAKE1("AutodiscoverEwsUrl", set_url, MEMBER(ews_url), RSRC_CONF,
        "URL of Exchange Web Services, or None"),
    AP_INIT_TAKE1("AutodiscoverAvailabilityUrl", set_url, MEMBER(as_url), RSRC_CONF,
        "URL of the availability service, by default that of EWS"),
    AP_INIT_TAKE1("AutodiscoverOofUrl", set_url, MEMBER(oof_url), RSRC_CONF,
        "URL of the out-of-office service, by default that of EWS"),
    AP_INIT_TAKE1("AutodiscoverOabUrl", set_url, MEMBER(oab_url), RSRC_CONF,
        "URL of the folder with the offline address book; none by default"),
    AP_INIT_TAKE1("AutodiscoverActiveSyncUrl", set_url, MEMBER(eas_url), RSRC_CONF,
        "URL of ActiveSync; none by default"),
    AP_INIT_TAKE1("AutodiscoverOwaUrl", set_url, MEMBER(owa_url), RSRC_CONF,
        "URL of mail on the web; none by default"),
    AP_INIT_TAKE1("AutodiscoverEcpUrl", set_url, MEMBER(ecp_url), RSRC_CONF,
        "URL of the user's settings on the web; none by default"),
    AP_INIT_TAKE1("AutodiscoverMapiUrl", set_mapi_url, MEMBER(mapi_url), RSRC_CONF,
        "URL of MAPI over HTTP, such as https://mail.example.com/mapi"),
    AP_INIT_TAKE12("AutodiscoverExchangeServer", set_exchange_server, NULL, RSRC_CONF,
        "the server's name inside the RPC tunnel [a way to log in], or None"),
    AP_INIT_TAKE1("AutodiscoverServerDN", set_dn, MEMBER(server_dn), RSRC_CONF,
        "distinguished name of the server"),
    AP_INIT_TAKE1("AutodiscoverMdbDN", set_dn, MEMBER(mdb_dn), RSRC_CONF,
        "distinguished name of the message store"),
    AP_INIT_TAKE1("AutodiscoverOrganization", set_dn, MEMBER(organization), RSRC_CONF,
        "start of distinguished names: /o=Organization/ou=Group"),
    AP_INIT_TAKE1("AutodiscoverDeploymentId", set_deployment_id, NULL, RSRC_CONF,
        "GUID of the organization"),
    AP_INIT_TAKE1("AutodiscoverServerVersion", set_version, NULL, RSRC_CONF,
        "version of Exchange to claim: major.minor.build"),
    AP_INIT_TAKE_ARGV("AutodiscoverRpcProxy", set_rpc_proxy, NULL, RSRC_CONF,
        "host of the RPC proxy [ssl|plain] [a way to log in], or None"),
    AP_INIT_TAKE1("AutodiscoverCertPrincipal", set_cert_principal, NULL, RSRC_CONF,
        "msstd:HOST that the proxy's certificate must name, or None"),
    AP_INIT_TAKE123("AutodiscoverImap", set_mail_server, (void *)0, RSRC_CONF,
        "host of the IMAP server [port] [ssl|starttls|plain], or None"),
    AP_INIT_TAKE123("AutodiscoverPop3", set_mail_server, (void *)1, RSRC_CONF,
        "host of the POP3 server [port] [ssl|starttls|plain], or None"),
    AP_INIT_TAKE123("AutodiscoverSmtp", set_mail_server, (void *)2, RSRC_CONF,
        "host of the submission server [port] [ssl|starttls|plain], or None"),
    AP_INIT_TAKE1("AutodiscoverCalDavUrl", set_url, MEMBER(caldav_url), RSRC_CONF,
        "where /.well-known/caldav leads"),
    AP_INIT_TAKE1("AutodiscoverCardDavUrl", set_url, MEMBER(carddav_url), RSRC_CONF,
        "where /.well-known/carddav leads"),
    AP_INIT_TAKE1("AutodiscoverDisplayName", set_text, MEMBER(display_name), RSRC_CONF,
        "name of the service for people, by default the domain"),
    AP_INIT_TAKE1("AutodiscoverLoginName", set_text, MEMBER(login_name), RSRC_CONF,
        "login name for IMAP, POP3 and SMTP, by default %{mail}"),
    AP_INIT_TAKE1("AutodiscoverTTL", set_ttl, NULL, RSRC_CONF,
        "hours after which clients ask again"),
    AP_INIT_RAW_ARGS(DOMAIN_SECTION, domain_section, NULL, RSRC_CONF,
        "mail domains that are served here, with settings of their own"),
    AP_INIT_TAKE1("AutodiscoverRedirectAddress", set_redirect_address, NULL, RSRC_CONF,
        "where the mailboxes of a domain are now: %{local}@example.com"),
    AP_INIT_TAKE1("AutodiscoverRedirectUrl", set_redirect_url, MEMBER(redirect_url), RSRC_CONF,
        "the autodiscover URL that answers for a domain"),
    AP_INIT_TAKE1("AutodiscoverHttpRedirect", set_http_redirect, NULL, RSRC_CONF,
        "URL to send clients to by HTTP, before they log in"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};
/* clang-format on */
