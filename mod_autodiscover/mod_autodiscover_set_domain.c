/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Setters for mail domains, redirects and networks. */

#include "mod_autodiscover_set.h"

#include "glue/mod_glue.h"
#include "lib/mailaddr.h"

#include <apr_network_io.h>
#include <apr_strings.h>
#include <string.h>

const char *autodiscover_set_http_redirect(cmd_parms *cmd, void *dir,
                                           const char *url)
{
    const char *wrong = glue_check_url(cmd->cmd->name, url, 0, cmd->pool);

    (void)dir;
    autodiscover_server_of(cmd->server)->http_redirect = url;
    return wrong ? wrong : autodiscover_check_outside(cmd);
}

const char *autodiscover_set_redirect_url(cmd_parms *cmd, void *dir,
                                          const char *url)
{
    autodiscover_settings_of(cmd)->redirect_address = NULL;
    return autodiscover_set_url(cmd, dir, url);
}

/* A mail address, as it looks for a mailbox of example.com. */
static const char *check_address(cmd_parms *cmd, const char *address)
{
    const char *tried, *why;
    const char *wrong =
        autodiscover_try_out(cmd, address, DISCOVER_PLACE_TEXT, &tried);
    mailaddr_t parsed;

    if (!wrong && mailaddr_parse(&parsed, tried, strlen(tried), &why,
                                 cmd->temp_pool) != APR_SUCCESS) {
        wrong = apr_psprintf(cmd->pool,
                             "%s: \"%s\" is no mail address (%s); write it as "
                             "%%{local}@example.com",
                             cmd->cmd->name, address, why);
    }
    return wrong;
}

const char *autodiscover_set_redirect_address(cmd_parms *cmd, void *dir,
                                              const char *address)
{
    (void)dir;
    autodiscover_settings_of(cmd)->redirect_url = NULL;
    autodiscover_settings_of(cmd)->redirect_address = address;
    return check_address(cmd, address);
}

const char *autodiscover_set_address(cmd_parms *cmd, void *dir,
                                     const char *address)
{
    (void)dir;
    if (autodiscover_is_none(address)) {
        *(const char **)autodiscover_member_of(cmd) = "";
        return NULL;
    }
    *(const char **)autodiscover_member_of(cmd) = address;
    return check_address(cmd, address);
}

/* The types of AlternativeMailbox (MS-OXDSCLI section 2.2.4.1.1.2.5.5). */
static const char *const alternative_types[] = {"Archive", "TeamMailbox",
                                                "Delegate"};

static const char *read_alternative_type(const char *word)
{
    apr_size_t i;

    for (i = 0; i < sizeof(alternative_types) / sizeof(alternative_types[0]);
         i++) {
        if (strcasecmp(alternative_types[i], word) == 0) {
            return alternative_types[i];
        }
    }
    return NULL;
}

/* Lines of one section add up; they replace those of the server. */
static discover_alternative_t *new_alternative(cmd_parms *cmd)
{
    discover_settings_t *s = autodiscover_settings_of(cmd);
    apr_array_header_t *list = (apr_array_header_t *)s->alternatives;
    discover_alternative_t *alternative;

    if (!list) {
        list = apr_array_make(cmd->pool, 2, sizeof(*alternative));
        s->alternatives = list;
    }
    alternative = apr_array_push(list);
    memset(alternative, 0, sizeof(*alternative));
    return alternative;
}

const char *autodiscover_set_alternative(cmd_parms *cmd, void *dir,
                                         const char *type, const char *address,
                                         const char *name)
{
    discover_alternative_t *alternative = new_alternative(cmd);
    const char *tried, *wrong;

    (void)dir;
    if (!address && autodiscover_is_none(type)) {
        alternative->address = "";
        return NULL;
    }
    alternative->type = read_alternative_type(type);
    alternative->address = address;
    alternative->display_name = name;
    if (!alternative->type || !address) {
        return apr_psprintf(cmd->pool,
                            "%s takes Archive, TeamMailbox or Delegate, then "
                            "an address and perhaps a name: Archive "
                            "%%{local}-archive@example.com \"Archive\", or "
                            "None",
                            cmd->cmd->name);
    }
    wrong = check_address(cmd, address);
    return wrong || !name
               ? wrong
               : autodiscover_try_out(cmd, name, DISCOVER_PLACE_TEXT, &tried);
}

const char *autodiscover_set_delegated(cmd_parms *cmd, void *dir, int flag)
{
    (void)dir;
    autodiscover_settings_of(cmd)->delegated = flag;
    return NULL;
}

const char *autodiscover_set_network(cmd_parms *cmd, void *dir,
                                     const char *network)
{
    autodiscover_server_t *conf = autodiscover_server_of(cmd->server);
    char *address = apr_pstrdup(cmd->temp_pool, network);
    char *bits = strchr(address, '/');
    apr_ipsubnet_t *subnet;

    (void)dir;
    if (bits) {
        *bits++ = '\0';
    }
    if (apr_ipsubnet_create(&subnet, address, bits, cmd->pool) != APR_SUCCESS) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is no network; write 192.0.2.0/24 or "
                            "2001:db8::/32",
                            cmd->cmd->name, network);
    }
    if (!conf->networks) {
        conf->networks = apr_array_make(cmd->pool, 4, sizeof(apr_ipsubnet_t *));
    }
    APR_ARRAY_PUSH(conf->networks, apr_ipsubnet_t *) = subnet;
    return autodiscover_check_outside(cmd);
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

const char *autodiscover_domain_section(cmd_parms *cmd, void *dir,
                                        const char *arg)
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
