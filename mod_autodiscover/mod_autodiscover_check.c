/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What contradicts itself across directives, told at start and by httpd -t. */

#include "mod_autodiscover.h"

#include "lib/log.h"

#include <http_log.h>

APLOG_USE_MODULE(autodiscover);

/* What is wrong with these settings, as a sentence, or NULL. */
static const char *contradiction(const discover_settings_t *s)
{
    if (s->server_name) {
        return NULL;
    }
    if (!s->ews_url && !s->eas_url && !s->rpc_host && !s->exchange_server &&
        !s->imap && !s->pop3 && !s->smtp) {
        return "Autodiscover is On, but there is nothing to tell: give the "
               "name of the server, such as AutodiscoverServerName "
               "mail.example.com";
    }
    if (!s->rpc_host) {
        return "AutodiscoverRpcProxy is missing: EXPR needs a host; write "
               "AutodiscoverRpcProxy mail.example.com, or None for no EXPR, "
               "or AutodiscoverServerName";
    }
    if (!s->exchange_server) {
        return "AutodiscoverExchangeServer is missing: EXCH needs a server; "
               "write AutodiscoverExchangeServer mail.example.com, or None "
               "for no EXCH, or AutodiscoverServerName";
    }
    if (!s->ews_url && (*s->rpc_host || *s->exchange_server)) {
        return "AutodiscoverEwsUrl is missing: Outlook needs it beside EXCH "
               "and EXPR; write AutodiscoverEwsUrl "
               "https://mail.example.com/EWS/Exchange.asmx, or "
               "AutodiscoverServerName";
    }
    return NULL;
}

static int is_elsewhere(const discover_settings_t *s)
{
    return s->redirect_address || s->redirect_url;
}

/* What is wrong with the settings of a server, or of one of its domains. */
static const char *wrong_with(const autodiscover_server_t *conf)
{
    const char *wrong = NULL;
    int i;

    if (conf->domains->nelts == 0) {
        return is_elsewhere(&conf->settings) ? NULL
                                             : contradiction(&conf->settings);
    }
    for (i = 0; i < conf->domains->nelts && !wrong; i++) {
        discover_settings_t settings;

        discover_settings_merge(
            &settings, &conf->settings,
            APR_ARRAY_IDX(conf->domains, i, discover_domain_t).settings);
        if (!is_elsewhere(&settings)) {
            wrong = contradiction(&settings);
        }
    }
    return wrong;
}

int autodiscover_check_config(apr_pool_t *pconf, apr_pool_t *plog,
                              apr_pool_t *ptemp, server_rec *s)
{
    int have_mailbox = autodiscover_mailbox_ready();

    (void)pconf;
    (void)plog;
    (void)ptemp;
    for (; s; s = s->next) {
        const autodiscover_server_t *conf = autodiscover_server_of(s);
        const char *wrong;

        if (conf->enabled != 1) {
            continue;
        }
        wrong = have_mailbox ? wrong_with(conf)
                             : "Autodiscover is On, but mod_mailbox is not "
                               "loaded: run a2enmod mailbox";
        if (wrong) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s,
                         PN(12005) "%s", wrong);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}
