/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The configuration of a server: create, merge, and the table of directives.
 * The setters of mod_autodiscover_set.h find the member that they set by the
 * offset in cmd->info. */

#include "mod_autodiscover.h"
#include "mod_autodiscover_set.h"

#include <stddef.h>

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
    to->signer = add->signer ? add->signer : base->signer;
    to->networks = add->networks ? add->networks : base->networks;
    discover_settings_merge(&to->settings, &base->settings, &add->settings);
    to->domains = apr_array_append(pool, base->domains, add->domains);
    return to;
}

autodiscover_server_t *autodiscover_server_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &autodiscover_module);
}

#define MEMBER(name) (void *)offsetof(discover_settings_t, name)

/* clang-format off */
const command_rec autodiscover_commands[] = {
    AP_INIT_FLAG("Autodiscover", autodiscover_set_enabled, NULL, RSRC_CONF,
        "On to answer below /autodiscover/; Off by default"),
    AP_INIT_TAKE1("AutodiscoverServerName", autodiscover_set_server_name, NULL, RSRC_CONF,
        "the host name that clients reach this server by"),
    AP_INIT_TAKE1("AutodiscoverPoxUrl", autodiscover_set_url, MEMBER(pox_url), RSRC_CONF,
        "URL of this service's autodiscover.xml"),
    AP_INIT_TAKE1("AutodiscoverEwsUrl", autodiscover_set_url, MEMBER(ews_url), RSRC_CONF,
        "URL of Exchange Web Services, or None"),
    AP_INIT_TAKE1("AutodiscoverAvailabilityUrl", autodiscover_set_url, MEMBER(as_url), RSRC_CONF,
        "URL of the availability service, by default that of EWS"),
    AP_INIT_TAKE1("AutodiscoverOofUrl", autodiscover_set_url, MEMBER(oof_url), RSRC_CONF,
        "URL of the out-of-office service, by default that of EWS"),
    AP_INIT_TAKE1("AutodiscoverOabUrl", autodiscover_set_url, MEMBER(oab_url), RSRC_CONF,
        "URL of the folder with the offline address book; none by default"),
    AP_INIT_TAKE1("AutodiscoverActiveSyncUrl", autodiscover_set_url, MEMBER(eas_url), RSRC_CONF,
        "URL of ActiveSync; none by default"),
    AP_INIT_TAKE1("AutodiscoverOwaUrl", autodiscover_set_url, MEMBER(owa_url), RSRC_CONF,
        "URL of mail on the web; none by default"),
    AP_INIT_TAKE1("AutodiscoverEcpUrl", autodiscover_set_url, MEMBER(ecp_url), RSRC_CONF,
        "URL of the user's settings on the web; none by default"),
    AP_INIT_TAKE1("AutodiscoverMapiUrl", autodiscover_set_mapi_url, MEMBER(mapi_url), RSRC_CONF,
        "URL of MAPI over HTTP, such as https://mail.example.com/mapi"),
    AP_INIT_TAKE12("AutodiscoverExchangeServer", autodiscover_set_exchange_server, NULL, RSRC_CONF,
        "the server's name inside the RPC tunnel [a way to log in], or None"),
    AP_INIT_TAKE1("AutodiscoverServerDN", autodiscover_set_dn, MEMBER(server_dn), RSRC_CONF,
        "distinguished name of the server"),
    AP_INIT_TAKE1("AutodiscoverMdbDN", autodiscover_set_dn, MEMBER(mdb_dn), RSRC_CONF,
        "distinguished name of the message store"),
    AP_INIT_TAKE1("AutodiscoverOrganization", autodiscover_set_dn, MEMBER(organization), RSRC_CONF,
        "start of distinguished names: /o=Organization/ou=Group"),
    AP_INIT_TAKE1("AutodiscoverDeploymentId", autodiscover_set_deployment_id, NULL, RSRC_CONF,
        "GUID of the organization"),
    AP_INIT_TAKE1("AutodiscoverServerVersion", autodiscover_set_version, NULL, RSRC_CONF,
        "version of Exchange to claim: major.minor.build"),
    AP_INIT_TAKE_ARGV("AutodiscoverRpcProxy", autodiscover_set_rpc_proxy, NULL, RSRC_CONF,
        "host of the RPC proxy [ssl|plain] [a way to log in], or None"),
    AP_INIT_TAKE1("AutodiscoverCertPrincipal", autodiscover_set_cert_principal, NULL, RSRC_CONF,
        "msstd:HOST that the proxy's certificate must name, or None"),
    AP_INIT_TAKE123("AutodiscoverImap", autodiscover_set_mail_server, (void *)0, RSRC_CONF,
        "host of the IMAP server [port] [ssl|starttls|plain], or None"),
    AP_INIT_TAKE123("AutodiscoverPop3", autodiscover_set_mail_server, (void *)1, RSRC_CONF,
        "host of the POP3 server [port] [ssl|starttls|plain], or None"),
    AP_INIT_TAKE123("AutodiscoverSmtp", autodiscover_set_mail_server, (void *)2, RSRC_CONF,
        "host of the submission server [port] [ssl|starttls|plain], or None"),
    AP_INIT_TAKE1("AutodiscoverCalDavUrl", autodiscover_set_url, MEMBER(caldav_url), RSRC_CONF,
        "where /.well-known/caldav leads"),
    AP_INIT_TAKE1("AutodiscoverCardDavUrl", autodiscover_set_url, MEMBER(carddav_url), RSRC_CONF,
        "where /.well-known/carddav leads"),
    AP_INIT_TAKE1("AutodiscoverDisplayName", autodiscover_set_text, MEMBER(display_name), RSRC_CONF,
        "name of the service for people, by default the domain"),
    AP_INIT_TAKE123("AutodiscoverAlternativeMailbox", autodiscover_set_alternative, NULL, RSRC_CONF,
        "Archive, TeamMailbox or Delegate, an address [a name], or None"),
    AP_INIT_FLAG("AutodiscoverDelegated", autodiscover_set_delegated, NULL, RSRC_CONF,
        "On to tell the mailboxes whose delegate the user is"),
    AP_INIT_TAKE1("AutodiscoverPublicFolders", autodiscover_set_address, MEMBER(public_folders), RSRC_CONF,
        "mail address of the mailbox with the public folders"),
    AP_INIT_ITERATE("AutodiscoverInternalNetworks", autodiscover_set_network, NULL, RSRC_CONF,
        "networks from which clients reach EXCH directly"),
    AP_INIT_TAKE12("AutodiscoverSigningCertificate", autodiscover_set_signer, NULL, RSRC_CONF,
        "PEM files of the certificate and of the key that sign profiles"),
    AP_INIT_TAKE1("AutodiscoverLoginName", autodiscover_set_text, MEMBER(login_name), RSRC_CONF,
        "login name for IMAP, POP3 and SMTP, by default %{mail}"),
    AP_INIT_TAKE1("AutodiscoverTTL", autodiscover_set_ttl, NULL, RSRC_CONF,
        "hours after which clients ask again"),
    AP_INIT_RAW_ARGS(DOMAIN_SECTION, autodiscover_domain_section, NULL, RSRC_CONF,
        "mail domains that are served here, with settings of their own"),
    AP_INIT_TAKE1("AutodiscoverRedirectAddress", autodiscover_set_redirect_address, NULL, RSRC_CONF,
        "where the mailboxes of a domain are now: %{local}@example.com"),
    AP_INIT_TAKE1("AutodiscoverRedirectUrl", autodiscover_set_redirect_url, MEMBER(redirect_url), RSRC_CONF,
        "the autodiscover URL that answers for a domain"),
    AP_INIT_TAKE1("AutodiscoverHttpRedirect", autodiscover_set_http_redirect, NULL, RSRC_CONF,
        "URL to send clients to by HTTP, before they log in"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};
/* clang-format on */
