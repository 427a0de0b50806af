/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Setters of directives with one value, and what all setters share. */

#include "mod_autodiscover_set.h"
#include "uuid.h"

#include "glue/mod_glue.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define TTL_MAX 8760 /* hours: a year */

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
discover_settings_t *autodiscover_settings_of(cmd_parms *cmd)
{
    discover_settings_t *section = section_of(cmd);

    return section ? section : &autodiscover_server_of(cmd->server)->settings;
}

/* A sentence when the directive stands in a domain section. */
const char *autodiscover_check_outside(cmd_parms *cmd)
{
    return section_of(cmd)
               ? apr_psprintf(cmd->pool,
                              "%s cannot stand in " DOMAIN_SECTION
                              ">; write it in the server or virtual host",
                              cmd->cmd->name)
               : NULL;
}

/* The member of the settings that the directive sets. */
void *autodiscover_member_of(cmd_parms *cmd)
{
    return (char *)autodiscover_settings_of(cmd) + (apr_size_t)cmd->info;
}

int autodiscover_is_none(const char *word)
{
    return strcasecmp(word, "None") == 0;
}

/* `value` as it looks for a mailbox of example.com; a sentence when a variable
 * in it is wrong. */
const char *autodiscover_try_out(cmd_parms *cmd, const char *value,
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

const char *autodiscover_check_host(cmd_parms *cmd, const char *host)
{
    const char *tried, *wrong;

    wrong = autodiscover_try_out(cmd, host, DISCOVER_PLACE_HOST, &tried);
    return wrong ? wrong : glue_check_host(cmd->cmd->name, tried, cmd->pool);
}

const char *autodiscover_set_enabled(cmd_parms *cmd, void *dir, int flag)
{
    (void)dir;
    autodiscover_server_of(cmd->server)->enabled = flag;
    return autodiscover_check_outside(cmd);
}

const char *autodiscover_set_server_name(cmd_parms *cmd, void *dir,
                                         const char *host)
{
    const char *wrong = autodiscover_check_host(cmd, host);

    (void)dir;
    autodiscover_settings_of(cmd)->server_name = host;
    return wrong;
}

const char *autodiscover_set_url(cmd_parms *cmd, void *dir, const char *url)
{
    const char *tried, *wrong;

    (void)dir;
    if (autodiscover_is_none(url)) {
        *(const char **)autodiscover_member_of(cmd) = "";
        return NULL;
    }
    *(const char **)autodiscover_member_of(cmd) = url;
    wrong = autodiscover_try_out(cmd, url, DISCOVER_PLACE_URL, &tried);
    return wrong ? wrong : glue_check_url(cmd->cmd->name, tried, 0, cmd->pool);
}

/* What is put behind starts with a slash. */
const char *autodiscover_set_mapi_url(cmd_parms *cmd, void *dir,
                                      const char *url)
{
    apr_size_t len = strlen(url);

    if (len > 0 && url[len - 1] == '/') {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" must not end with a slash; /emsmdb/ "
                            "and /nspi/ are put behind it",
                            cmd->cmd->name, url);
    }
    return autodiscover_set_url(cmd, dir, url);
}

/* A distinguished name of Exchange's kind: /o=.../cn=... */
const char *autodiscover_set_dn(cmd_parms *cmd, void *dir, const char *dn)
{
    const char *tried, *p;
    const char *wrong =
        autodiscover_try_out(cmd, dn, DISCOVER_PLACE_TEXT, &tried);

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
    *(const char **)autodiscover_member_of(cmd) = dn;
    return NULL;
}

const char *autodiscover_set_deployment_id(cmd_parms *cmd, void *dir,
                                           const char *guid)
{
    (void)dir;
    if (!discover_uuid_is_valid(guid)) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is no GUID; write it as "
                            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                            cmd->cmd->name, guid);
    }
    autodiscover_settings_of(cmd)->deployment_id = guid;
    return NULL;
}

const char *autodiscover_set_text(cmd_parms *cmd, void *dir, const char *text)
{
    const char *tried;

    (void)dir;
    *(const char **)autodiscover_member_of(cmd) = text;
    return autodiscover_try_out(cmd, text, DISCOVER_PLACE_TEXT, &tried);
}

/* A decimal number of at most `max` at *text, which is moved behind it. */
int autodiscover_read_number(const char **text, int max, int *number)
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

const char *autodiscover_set_ttl(cmd_parms *cmd, void *dir, const char *hours)
{
    const char *p = hours;

    (void)dir;
    if (!autodiscover_read_number(&p, TTL_MAX,
                                  &autodiscover_settings_of(cmd)->ttl) ||
        *p) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" must be a number of hours from 0 "
                            "(clients never ask again) to %d",
                            cmd->cmd->name, hours, TTL_MAX);
    }
    return NULL;
}

const char *autodiscover_set_version(cmd_parms *cmd, void *dir,
                                     const char *text)
{
    discover_version_t *v = apr_pcalloc(cmd->pool, sizeof(*v));
    const char *p = text;
    int good = autodiscover_read_number(&p, 63, &v->major) && *p++ == '.' &&
               autodiscover_read_number(&p, 63, &v->minor) && *p++ == '.' &&
               autodiscover_read_number(&p, 32767, &v->build);

    (void)dir;
    if (good && *p == '.') {
        p++;
        good = autodiscover_read_number(&p, 65535, &v->revision);
    }
    if (!good || *p) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is no version; write "
                            "major.minor.build, such as 15.1.2176",
                            cmd->cmd->name, text);
    }
    autodiscover_settings_of(cmd)->version = v;
    return NULL;
}

/* Read while httpd still has the rights of the user who starts it. */
const char *autodiscover_set_signer(cmd_parms *cmd, void *dir,
                                    const char *certificate, const char *key)
{
    const char *why, *path = ap_server_root_relative(cmd->pool, certificate);

    (void)dir;
    key = key ? ap_server_root_relative(cmd->pool, key) : path;
    if (!path || !key ||
        discover_signer_load(&autodiscover_server_of(cmd->server)->signer, path,
                             key, &why, cmd->pool) != APR_SUCCESS) {
        return apr_psprintf(cmd->pool,
                            "%s: %s; write the PEM file of the certificate, "
                            "then that of its key, without passphrase",
                            cmd->cmd->name,
                            path && key ? why : "a path is wrong");
    }
    return autodiscover_check_outside(cmd);
}
