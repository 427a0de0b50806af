/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What contradicts itself across directives, or looks like a mistake, told at
 * start and by httpd -t. */

#include "mod_autodiscover.h"

#include "advice.h"

#include "lib/log.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(autodiscover);

#define PLAIN_PORT 80
#define RPC_PATH "/rpc/rpcproxy.dll"

static int is_elsewhere(const discover_settings_t *s)
{
    return s->redirect_address || s->redirect_url;
}

/* --- what stops httpd --- */

/* What is wrong with the settings of a server, or of one of its domains. */
static const char *wrong_settings(const autodiscover_server_t *conf)
{
    const char *wrong = NULL;
    int i;

    if (conf->domains->nelts == 0 && !is_elsewhere(&conf->settings)) {
        return discover_advice_contradiction(&conf->settings);
    }
    for (i = 0; i < conf->domains->nelts && !wrong; i++) {
        discover_settings_t settings;

        discover_settings_merge(
            &settings, &conf->settings,
            APR_ARRAY_IDX(conf->domains, i, discover_domain_t).settings);
        if (!is_elsewhere(&settings)) {
            wrong = discover_advice_contradiction(&settings);
        }
    }
    return wrong;
}

static const char *wrong_with(const autodiscover_server_t *conf,
                              apr_pool_t *pool)
{
    const char *wrong = wrong_settings(conf);

    if (!wrong) {
        wrong = discover_advice_loop(&conf->settings, conf->domains, pool);
    }
    if (!wrong && discover_advice_has_ews(&conf->settings) &&
        !autodiscover_has_any_auth_type()) {
        wrong = "AutodiscoverEwsUrl is told to nobody who has not logged in, "
                "and nothing asks for a login: for " AUTODISCOVER_POX_PATH
                ", write AuthType Basic, AuthName, AuthBasicProvider mailbox "
                "and Require valid-user, as autodiscover.conf shows; or "
                "AutodiscoverEwsUrl None";
    }
    return wrong;
}

/* --- what is only said --- */

static void advise_on_login(server_rec *s, apr_array_header_t *advice)
{
    const autodiscover_server_t *conf = autodiscover_server_of(s);

    if (discover_advice_has_ews(&conf->settings) &&
        !autodiscover_auth_type(s, AUTODISCOVER_POX_PATH, advice->pool)) {
        APR_ARRAY_PUSH(advice, const char *) =
            "no <Location> gives " AUTODISCOVER_POX_PATH " an AuthType: unless "
            "another section does, each question there is answered 403";
    }
    if (s->addrs && s->addrs->host_port == PLAIN_PORT && !conf->http_redirect) {
        APR_ARRAY_PUSH(advice, const char *) =
            "Autodiscover is On at port 80, where clients would log in in the "
            "clear; write AutodiscoverHttpRedirect "
            "https://mail.example.com" AUTODISCOVER_POX_PATH;
    }
}

/* Who is told another way to log in than Basic, and is offered Basic alone, does
 * not get in. */
static void advise_on_package(server_rec *s, apr_array_header_t *advice)
{
    const discover_settings_t *settings = &autodiscover_server_of(s)->settings;
    const char *package = settings->rpc_auth, *type;

    if (!package || strcmp(package, DISCOVER_RPC_AUTH) == 0 ||
        !ap_find_linked_module("mod_rpcproxy.c")) {
        return;
    }
    type = autodiscover_auth_type(s, RPC_PATH, advice->pool);
    if (type && ap_cstr_casecmp(type, "Basic") == 0) {
        APR_ARRAY_PUSH(advice, const char *) = apr_psprintf(
            advice->pool,
            "AutodiscoverRpcProxy: says %s, but AuthType at " RPC_PATH
            " is Basic; write Basic in both places, or NTLM there",
            package);
    }
}

static void advise_on_networks(const autodiscover_server_t *conf,
                               apr_array_header_t *advice)
{
    const discover_settings_t *s = &conf->settings;

    if (conf->networks && ((s->rpc_host && !*s->rpc_host) ||
                           (s->exchange_server && !*s->exchange_server))) {
        APR_ARRAY_PUSH(advice, const char *) =
            "AutodiscoverInternalNetworks has no effect: it says which of EXCH "
            "and EXPR goes first, and one of them is None";
    }
}

/* 1 when an earlier section has the name of domains[i]. */
static int is_repeated(const discover_domain_t *domains, int i)
{
    int k;

    for (k = 0; k < i; k++) {
        if (strcmp(domains[k].name, domains[i].name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void advise_on_domains(const autodiscover_server_t *conf,
                              apr_array_header_t *advice)
{
    const discover_domain_t *domains =
        (const discover_domain_t *)conf->domains->elts;
    int i;

    for (i = 0; i < conf->domains->nelts; i++) {
        discover_settings_t settings;

        discover_settings_merge(&settings, &conf->settings,
                                domains[i].settings);
        discover_advice_give(&settings, advice);
        if (is_repeated(domains, i)) {
            APR_ARRAY_PUSH(advice, const char *) = apr_psprintf(
                advice->pool,
                "<AutodiscoverDomain %s> stands in more than one place; only "
                "the last counts",
                domains[i].name);
        }
    }
}

static void advise_on_signer(const autodiscover_server_t *conf,
                             apr_array_header_t *advice)
{
    if (conf->signer && !discover_signer_is_current(conf->signer)) {
        APR_ARRAY_PUSH(advice, const char *) =
            "AutodiscoverSigningCertificate has expired, or is not valid yet: "
            "devices show profiles as not verified; renew it";
    }
}

static void advise(server_rec *s, apr_pool_t *pool)
{
    const autodiscover_server_t *conf = autodiscover_server_of(s);
    apr_array_header_t *advice = apr_array_make(pool, 8, sizeof(char *));
    int i;

    if (conf->domains->nelts == 0) {
        discover_advice_give(&conf->settings, advice);
    }
    advise_on_domains(conf, advice);
    discover_advice_on_pox_url("AutodiscoverHttpRedirect", conf->http_redirect,
                               advice);
    advise_on_login(s, advice);
    advise_on_package(s, advice);
    advise_on_networks(conf, advice);
    advise_on_signer(conf, advice);
    for (i = 0; i < advice->nelts; i++) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_WARNING, 0, s,
                     PN(12014) "%s", APR_ARRAY_IDX(advice, i, const char *));
    }
}

/* httpd reads its configuration twice when it starts, and once for -t. */
static int is_first_of_two(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG &&
           ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST;
}

int autodiscover_check_config(apr_pool_t *pconf, apr_pool_t *plog,
                              apr_pool_t *ptemp, server_rec *s)
{
    int have_mailbox = autodiscover_mailbox_ready();

    (void)pconf;
    (void)plog;
    for (; s; s = s->next) {
        const autodiscover_server_t *conf = autodiscover_server_of(s);
        const char *wrong;

        if (conf->enabled != 1) {
            continue;
        }
        wrong = have_mailbox ? wrong_with(conf, ptemp)
                             : "Autodiscover is On, but mod_mailbox is not "
                               "loaded: run a2enmod mailbox";
        if (wrong) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s,
                         PN(12005) "%s", wrong);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        if (!is_first_of_two()) {
            advise(s, ptemp);
        }
    }
    return OK;
}
