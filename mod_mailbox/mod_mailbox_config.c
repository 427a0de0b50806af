/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Directives, create, merge, and what configtest says. */

#include "mod_mailbox_private.h"

#include "lib/log.h"

#include <apr_strings.h>
#include <http_log.h>
#include <httpd.h>
#include <stddef.h>
#include <string.h>

APLOG_USE_MODULE(mailbox);

#define MAX_TIMEOUT apr_time_from_sec(60)
#define MAX_LOGIN_TTL apr_time_from_sec(3600)
#define MAX_DELAY 3600 /* seconds */
#define MAX_FREE 100000
#define FREE_OF_USER "5"
#define FREE_OF_ADDRESS "50"
#define SECRET_MAX 1024

/* Sections that name a directory, for mailbox_check_config(). */
typedef struct section_t {
    server_rec *server;
    mailbox_conf_t *conf;
} section_t;

static const char sections_key[] = "mailbox_sections";

void *mailbox_create_conf(apr_pool_t *p, char *section)
{
    mailbox_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)section;
    conf->timeout = -1;
    conf->login_ttl = -1;
    conf->cache_ttl = -1;
    conf->cache_negative_ttl = -1;
    conf->hashes = -1;
    conf->env = -1;
    return conf;
}

#define MERGE(member) conf->member = more->member ? more->member : base->member
#define MERGE_NUMBER(member)                                                   \
    conf->member = more->member >= 0 ? more->member : base->member

void *mailbox_merge_conf(apr_pool_t *p, void *basev, void *morev)
{
    const mailbox_conf_t *base = basev, *more = morev;
    mailbox_conf_t *conf = apr_pcalloc(p, sizeof(*conf));
    int role;

    MERGE(domains);
    MERGE(file);
    MERGE(ldap_text);
    MERGE(ldap);
    MERGE(breaker);
    conf->tls = more->ldap ? more->tls : base->tls;
    MERGE(bind_dn);
    MERGE(bind_password);
    for (role = 0; role < LDAPROLE_COUNT; role++) {
        MERGE(attribute[role]);
    }
    MERGE_NUMBER(timeout);
    MERGE(logins);
    MERGE_NUMBER(login_ttl);
    MERGE(cache);
    MERGE_NUMBER(cache_ttl);
    MERGE_NUMBER(cache_negative_ttl);
    MERGE_NUMBER(hashes);
    MERGE(login_delay);
    MERGE(delegates);
    MERGE(delegate_attributes);
    MERGE(delegate_groups);
    MERGE_NUMBER(env);
    return conf;
}

const mailbox_conf_t *mailbox_conf(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &mailbox_module);
}

int mailbox_has_source(const mailbox_conf_t *conf)
{
    return conf->file || conf->ldap;
}

void mailbox_roles(const mailbox_conf_t *conf, ldaproles_t *roles)
{
    int role;

    for (role = 0; role < LDAPROLE_COUNT; role++) {
        const char *name = conf->attribute[role];

        if (!name) {
            name = ldaprole_default((ldaprole_e)role);
        }
        roles->attribute[role] = *name ? name : NULL;
    }
}

/* --- setters --- */

static const char *set_domain(cmd_parms *cmd, void *confv, const char *name)
{
    mailbox_conf_t *conf = confv;
    apr_array_header_t *domains;

    if (strpbrk(name, "\\/@ ")) {
        return apr_psprintf(cmd->pool,
                            "MailboxDomain: \"%s\" is no domain; write "
                            "EXAMPLE or example.com",
                            name);
    }
    domains = conf->domains ? (apr_array_header_t *)conf->domains
                            : apr_array_make(cmd->pool, 2, sizeof(name));
    APR_ARRAY_PUSH(domains, const char *) = name;
    conf->domains = domains;
    return NULL;
}

static const char *set_file(cmd_parms *cmd, void *confv, const char *arg)
{
    mailbox_conf_t *conf = confv;
    const char *path = ap_server_root_relative(cmd->pool, arg), *why;

    if (!path) {
        return apr_psprintf(cmd->pool, "MailboxFile: \"%s\" is no path", arg);
    }
    conf->file = mailbox_file_open(path, &why, cmd->pool);
    return conf->file
               ? NULL
               : apr_psprintf(cmd->pool, "MailboxFile: %s: %s", path, why);
}

/* The list of section_t of this configuration. */
static apr_array_header_t *sections(apr_pool_t *pconf)
{
    void *list;

    apr_pool_userdata_get(&list, sections_key, pconf);
    if (!list) {
        list = apr_array_make(pconf, 4, sizeof(section_t));
        apr_pool_userdata_setn(list, sections_key, NULL, pconf);
    }
    return list;
}

static void note_section(cmd_parms *cmd, mailbox_conf_t *conf)
{
    section_t *section = apr_array_push(sections(cmd->pool));

    section->server = cmd->server;
    section->conf = conf;
}

static const char *set_ldap_url(cmd_parms *cmd, void *confv, const char *text,
                                const char *mode)
{
    mailbox_conf_t *conf = confv;
    ldapurl_t *url = apr_pcalloc(cmd->pool, sizeof(*url));
    const char *why;

    if (!mailbox_ldap_loaded()) {
        return "MailboxLDAPURL: needs mod_ldap; load it (a2enmod ldap)";
    }
    if (ldapurl_parse(url, text, &why, cmd->pool) != APR_SUCCESS) {
        return apr_psprintf(cmd->pool, "MailboxLDAPURL: \"%s\" %s", text, why);
    }
    if (mode && ap_cstr_casecmp(mode, "STARTTLS") != 0) {
        return apr_psprintf(cmd->pool,
                            "MailboxLDAPURL: \"%s\" behind the URL can only be "
                            "STARTTLS",
                            mode);
    }
    if (mode && url->ldaps) {
        return "MailboxLDAPURL: STARTTLS goes with ldap://; ldaps:// has TLS "
               "already";
    }
    conf->ldap = url;
    conf->ldap_text = text;
    conf->breaker = apr_pcalloc(cmd->pool, sizeof(*conf->breaker));
    conf->tls = url->ldaps ? MAILBOX_TLS_LDAPS
                : mode     ? MAILBOX_TLS_STARTTLS
                           : MAILBOX_TLS_NONE;
    note_section(cmd, conf);
    return NULL;
}

static const char *set_bind_dn(cmd_parms *cmd, void *confv, const char *dn)
{
    mailbox_conf_t *conf = confv;

    conf->bind_dn = dn;
    note_section(cmd, conf);
    return NULL;
}

/* The first line of a file. */
static const char *read_secret(const char **secret, const char *arg,
                               apr_pool_t *pool)
{
    const char *path = ap_server_root_relative(pool, arg);
    char line[SECRET_MAX];
    apr_file_t *file;
    apr_status_t rv;

    if (!path) {
        return apr_psprintf(pool, "MailboxLDAPBindPassword: \"%s\" is no path",
                            arg);
    }
    rv = apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, pool);
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "MailboxLDAPBindPassword: %s: %pm", path,
                            &rv);
    }
    rv = apr_file_gets(line, sizeof(line), file);
    apr_file_close(file);
    line[rv == APR_SUCCESS ? strcspn(line, "\r\n") : 0] = '\0';
    *secret = apr_pstrdup(pool, line);
    return NULL;
}

/* The first line that a program prints. */
static const char *ask_program(const char **secret, const char *command,
                               apr_pool_t *pool)
{
    char **argv;

    if (apr_tokenize_to_argv(command, &argv, pool) == APR_SUCCESS && argv[0] &&
        (argv[0] = ap_server_root_relative(pool, argv[0])) != NULL) {
        *secret = ap_get_exec_line(pool, argv[0], (const char *const *)argv);
    }
    if (!*secret || !**secret) {
        return apr_psprintf(pool,
                            "MailboxLDAPBindPassword: \"%s\" cannot be run or "
                            "prints nothing; write exec:/path/program "
                            "arguments",
                            command);
    }
    return NULL;
}

static const char *set_bind_password(cmd_parms *cmd, void *confv,
                                     const char *arg)
{
    mailbox_conf_t *conf = confv;
    const char *why = NULL;

    if (strncmp(arg, "file:", 5) == 0) {
        why = read_secret(&conf->bind_password, arg + 5, cmd->pool);
    }
    else if (strncmp(arg, "exec:", 5) == 0) {
        why = ask_program(&conf->bind_password, arg + 5, cmd->pool);
    }
    else {
        conf->bind_password = arg;
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, cmd->server,
                     PN(10001) "MailboxLDAPBindPassword stands in the "
                               "configuration; better write file:/path");
    }
    if (!why && !*conf->bind_password) {
        return "MailboxLDAPBindPassword: is empty; an empty password would "
               "make the directory take the bind for an anonymous one";
    }
    return why;
}

static const char *set_attribute(cmd_parms *cmd, void *confv,
                                 const char *role_name, const char *name)
{
    mailbox_conf_t *conf = confv;
    ldaprole_e role = ldaprole_named(role_name);
    int none = ap_cstr_casecmp(name, "none") == 0;

    if (role == LDAPROLE_COUNT) {
        return apr_psprintf(cmd->pool,
                            "MailboxLDAPAttribute: \"%s\" is no role; write "
                            "user, upn, mail, alias, name, legacydn, guid or "
                            "host",
                            role_name);
    }
    if (none && !ldaprole_may_be_none(role)) {
        return apr_psprintf(cmd->pool,
                            "MailboxLDAPAttribute: the role %s needs an "
                            "attribute; write its name, such as %s",
                            role_name, ldaprole_default(role));
    }
    if (!none && !ldaprole_is_attribute(name)) {
        return apr_psprintf(cmd->pool,
                            "MailboxLDAPAttribute: \"%s\" is no name of an "
                            "attribute; write a name such as %s",
                            name,
                            *ldaprole_default(role) ? ldaprole_default(role)
                                                    : "mailHost");
    }
    conf->attribute[role] = none ? "" : name;
    return NULL;
}

static const char *set_timeout(cmd_parms *cmd, void *confv, const char *arg)
{
    mailbox_conf_t *conf = confv;

    (void)cmd;
    if (ap_timeout_parameter_parse(arg, &conf->timeout, "s") != APR_SUCCESS ||
        conf->timeout <= 0 || conf->timeout > MAX_TIMEOUT) {
        return "MailboxLDAPTimeout: write seconds from 1 to 60, or "
               "milliseconds such as 500ms";
    }
    return NULL;
}

static const char *set_login_cache(cmd_parms *cmd, void *confv, const char *arg)
{
    mailbox_conf_t *conf = confv;

    if (ap_cstr_casecmp(arg, "off") == 0) {
        conf->login_ttl = 0;
        return NULL;
    }
    if (ap_timeout_parameter_parse(arg, &conf->login_ttl, "s") != APR_SUCCESS ||
        conf->login_ttl <= 0 || conf->login_ttl > MAX_LOGIN_TTL) {
        return "MailboxLoginCache: write Off, or seconds from 1 to 3600";
    }
    conf->logins = logincache_create(cmd->pool);
    return conf->logins ? NULL
                        : "MailboxLoginCache: the system has no random bytes";
}

static const char *set_cache(cmd_parms *cmd, void *confv, const char *text)
{
    mailbox_conf_t *conf = confv;
    const char *why = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    if (why) {
        return "MailboxCache: one for all servers; write it outside of any "
               "section, and MailboxCacheTime inside";
    }
    return mailbox_cache_create(&conf->cache, text, cmd);
}

static const char *set_cache_time(cmd_parms *cmd, void *confv,
                                  const char *found, const char *not_found)
{
    mailbox_conf_t *conf = confv;

    (void)cmd;
    if (ap_cstr_casecmp(found, "off") == 0 && !not_found) {
        conf->cache_ttl = 0;
        return NULL;
    }
    if (ap_timeout_parameter_parse(found, &conf->cache_ttl, "s") !=
            APR_SUCCESS ||
        conf->cache_ttl <= 0 || conf->cache_ttl > MAX_LOGIN_TTL ||
        (not_found &&
         (ap_timeout_parameter_parse(not_found, &conf->cache_negative_ttl,
                                     "s") != APR_SUCCESS ||
          conf->cache_negative_ttl < 0 ||
          conf->cache_negative_ttl > MAX_LOGIN_TTL))) {
        return "MailboxCacheTime: write Off, or seconds from 1 to 3600 for "
               "mailboxes, then from 0 to 3600 for names without one, such as "
               "60 10";
    }
    return NULL;
}

/* --- directives of mod_authn_socache, which httpd gives to each module that
 * knows them --- */

static const char *needs_authn_socache(const cmd_parms *cmd)
{
    return ap_find_linked_module("mod_authn_socache.c")
               ? NULL
               : apr_psprintf(cmd->pool,
                              "%s: needs mod_authn_socache; load it (a2enmod "
                              "authn_socache)",
                              cmd->cmd->name);
}

/* Whether it wants our hashes, which cost more than the rest of a login. */
static const char *see_provider(cmd_parms *cmd, void *confv, const char *name)
{
    mailbox_conf_t *conf = confv;

    conf->hashes = conf->hashes == 1 || strcmp(name, "mailbox") == 0;
    return needs_authn_socache(cmd);
}

static const char *see_cache(cmd_parms *cmd, void *confv, const char *text)
{
    (void)confv;
    if (mailbox_socache_may_hang(text, cmd->temp_pool)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, cmd->server,
                     PN(10003) "AuthnCacheSOCache: a server that is silent "
                               "holds each login for ever; write mailbox:%s",
                     text);
    }
    return needs_authn_socache(cmd);
}

/* Whole numbers from 1 to `max` only. */
static int is_number(const char *text, int max, int *number)
{
    char *end;
    apr_int64_t value = apr_strtoi64(text, &end, 10);

    *number = (int)value;
    return *text && !*end && value >= 1 && value <= max;
}

static const char *set_login_delay(cmd_parms *cmd, void *confv,
                                   const char *longest, const char *of_user,
                                   const char *of_address)
{
    mailbox_conf_t *conf = confv;
    delay_rules_t *rules = apr_pcalloc(cmd->pool, sizeof(*rules));
    int seconds;

    conf->login_delay = rules;
    if (ap_cstr_casecmp(longest, "off") == 0 && !of_user) {
        return NULL;
    }
    if (!is_number(longest, MAX_DELAY, &seconds) ||
        !is_number(of_user ? of_user : FREE_OF_USER, MAX_FREE,
                   &rules->free_of_user) ||
        !is_number(of_address ? of_address : FREE_OF_ADDRESS, MAX_FREE,
                   &rules->free_of_address)) {
        return "MailboxLoginDelay: write Off, or the longest delay from 1 to "
               "3600 seconds, then from 1 to 100000 the failures without one: "
               "of a user, and of an address; such as 300 5 50";
    }
    rules->longest = apr_time_from_sec(seconds);
    return NULL;
}

static const char *set_delegate(cmd_parms *cmd, void *confv, const char *user,
                                const char *target)
{
    mailbox_conf_t *conf = confv;
    apr_array_header_t *delegates =
        conf->delegates
            ? (apr_array_header_t *)conf->delegates
            : apr_array_make(cmd->pool, 4, sizeof(mailbox_delegate_t));
    mailbox_delegate_t *delegate = apr_array_push(delegates);

    if (strpbrk(user, "\\/@* ")) {
        return apr_psprintf(cmd->pool,
                            "MailboxDelegate: \"%s\" is no account; write its "
                            "name alone, such as alice",
                            user);
    }
    delegate->user = user;
    delegate->target = target;
    conf->delegates = delegates;
    return NULL;
}

/* Appends to *list, with a NULL behind its end. */
static void append(const apr_array_header_t **list, const char *text,
                   apr_pool_t *pool)
{
    apr_array_header_t *array =
        *list ? (apr_array_header_t *)*list
              : apr_array_make(pool, 4, sizeof(const char *));

    if (text) {
        APR_ARRAY_PUSH(array, const char *) = text;
    }
    APR_ARRAY_PUSH(array, const char *) = NULL;
    array->nelts--;
    *list = array;
}

static const char *set_delegate_attribute(cmd_parms *cmd, void *confv,
                                          const char *name)
{
    mailbox_conf_t *conf = confv;
    int none = ap_cstr_casecmp(name, "none") == 0;

    if (!none && !ldaprole_is_attribute(name)) {
        return apr_psprintf(cmd->pool,
                            "MailboxDelegateAttribute: \"%s\" is no name of "
                            "an attribute; write secretary or none",
                            name);
    }
    append(&conf->delegate_attributes, none ? NULL : name, cmd->pool);
    return NULL;
}

static const char *set_delegate_group(cmd_parms *cmd, void *confv,
                                      const char *dn)
{
    mailbox_conf_t *conf = confv;

    if (!strchr(dn, '=')) {
        return apr_psprintf(cmd->pool,
                            "MailboxDelegateGroup: \"%s\" is no distinguished "
                            "name; write it as \"CN=Help desk,CN=Users,"
                            "DC=example,DC=com\"",
                            dn);
    }
    append(&conf->delegate_groups, dn, cmd->pool);
    return NULL;
}

const command_rec mailbox_directives[] = {
    AP_INIT_ITERATE("AuthnCacheProvideFor", see_provider, NULL, OR_AUTHCFG,
                    "providers whose logins mod_authn_socache keeps"),
    AP_INIT_TAKE1("AuthnCacheSOCache", see_cache, NULL, RSRC_CONF,
                  "where mod_authn_socache keeps them"),
    AP_INIT_ITERATE2("MailboxDelegate", set_delegate, NULL,
                     RSRC_CONF | ACCESS_CONF,
                     "an account, and the mailboxes that it may ask about"),
    AP_INIT_ITERATE("MailboxDelegateAttribute", set_delegate_attribute, NULL,
                    RSRC_CONF | ACCESS_CONF,
                    "attributes of a mailbox that name its delegates, or none"),
    AP_INIT_ITERATE("MailboxDelegateGroup", set_delegate_group, NULL,
                    RSRC_CONF | ACCESS_CONF,
                    "groups whose members may ask about every mailbox"),
    AP_INIT_TAKE1("MailboxCache", set_cache, NULL, RSRC_CONF,
                  "where answers of the directory are kept: shmcb, memcache"),
    AP_INIT_TAKE12("MailboxCacheTime", set_cache_time, NULL,
                   RSRC_CONF | ACCESS_CONF,
                   "how long a mailbox, and that there is none, is kept"),
    AP_INIT_ITERATE("MailboxDomain", set_domain, NULL, RSRC_CONF | ACCESS_CONF,
                    "domains and realms of login names that are ours"),
    AP_INIT_FLAG("MailboxEnv", ap_set_flag_slot,
                 (void *)offsetof(mailbox_conf_t, env), RSRC_CONF | ACCESS_CONF,
                 "On: requests with a login get MAILBOX_USER, MAILBOX_MAIL "
                 "and MAILBOX_GUID"),
    AP_INIT_TAKE1("MailboxFile", set_file, NULL, RSRC_CONF | ACCESS_CONF,
                  "file of mailboxes"),
    AP_INIT_TAKE2("MailboxLDAPAttribute", set_attribute, NULL,
                  RSRC_CONF | ACCESS_CONF,
                  "a role and the directory's attribute for it, or none"),
    AP_INIT_TAKE1("MailboxLDAPBindDN", set_bind_dn, NULL,
                  RSRC_CONF | ACCESS_CONF,
                  "distinguished name of who asks the directory"),
    AP_INIT_TAKE1("MailboxLDAPBindPassword", set_bind_password, NULL,
                  RSRC_CONF | ACCESS_CONF,
                  "its password: file:path, exec:program or the password"),
    AP_INIT_TAKE1("MailboxLDAPTimeout", set_timeout, NULL,
                  RSRC_CONF | ACCESS_CONF,
                  "how long one answer of the directory may take"),
    AP_INIT_TAKE12("MailboxLDAPURL", set_ldap_url, NULL,
                   RSRC_CONF | ACCESS_CONF,
                   "LDAP URL of the directory, and STARTTLS or nothing"),
    AP_INIT_TAKE1("MailboxLoginCache", set_login_cache, NULL,
                  RSRC_CONF | ACCESS_CONF,
                  "how long a right password is remembered, or Off"),
    AP_INIT_TAKE123("MailboxLoginDelay", set_login_delay, NULL,
                    RSRC_CONF | ACCESS_CONF,
                    "the longest delay after wrong passwords, and how many of "
                    "a user and of an address are without"),
    {0}};

/* --- configtest --- */

/* NULL, or why the directives of one section cannot work together. */
static const char *bad_combination(const mailbox_conf_t *conf)
{
    if (conf->ldap && conf->bind_dn && conf->tls == MAILBOX_TLS_NONE) {
        return "MailboxLDAPBindDN: would send its password in clear to the "
               "directory; write ldaps:// or STARTTLS in MailboxLDAPURL";
    }
    if (conf->ldap && conf->bind_dn && !conf->bind_password) {
        return "MailboxLDAPBindDN: has no password; write "
               "MailboxLDAPBindPassword file:/path";
    }
    return NULL;
}

int mailbox_uses_ldap(server_rec *s, int *starttls)
{
    const apr_array_header_t *list = sections(s->process->pconf);
    int i;

    *starttls = 0;
    for (i = 0; i < list->nelts; i++) {
        const section_t *section = &APR_ARRAY_IDX(list, i, section_t);

        *starttls |= section->conf->tls == MAILBOX_TLS_STARTTLS;
    }
    return list->nelts > 0;
}

int mailbox_check_config(apr_pool_t *p, apr_pool_t *log, apr_pool_t *temp,
                         server_rec *s)
{
    apr_array_header_t *list = sections(p);
    int i;

    (void)log;
    for (i = 0; i < list->nelts; i++) {
        const section_t *section = &APR_ARRAY_IDX(list, i, section_t);
        mailbox_conf_t *base = ap_get_module_config(
            section->server->lookup_defaults, &mailbox_module);
        const mailbox_conf_t *conf =
            mailbox_merge_conf(temp, base, section->conf);
        const char *why = bad_combination(conf);

        if (why) {
            ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0,
                         section->server, PN(10002) "%s", why);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    if (list->nelts) {
        mailbox_ldap_check_limits(s);
    }
    return OK;
}
