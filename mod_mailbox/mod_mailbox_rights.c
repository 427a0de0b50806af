/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Who may do what: Require mailbox-group and mailbox-filter, and the one place
 * that says who may ask about which mailbox. */

#include "mod_mailbox_private.h"

#include "lib/mailaddr.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>
#include <string.h>

/* How directories name the members of a group: Active Directory and groupOf-
 * Names, groupOfUniqueNames, and Active Directory for groups in groups (a
 * directory that does not know this rule takes it for false). */
static const char *const member_attributes[] = {
    "member", "uniqueMember", "member:1.2.840.113556.1.4.1941:", NULL};

/* --- questions to the directory --- */

/* As mailbox_ldap_matches(), and a yes is remembered as long as a login. */
static apr_status_t matches(request_rec *r, const char *base,
                            const char *filter)
{
    const mailbox_conf_t *conf = mailbox_conf(r);
    logincache_key_t key;
    apr_status_t rv;

    if (conf->login_ttl <= 0) {
        return mailbox_ldap_matches(r, conf, base, filter);
    }
    logincache_key(
        conf->logins, &key,
        apr_pstrcat(r->pool, "matches\n", mailbox_sources(conf, r->pool), NULL),
        base, filter);
    if (logincache_knows(conf->logins, &key, r->request_time)) {
        return APR_SUCCESS;
    }
    rv = mailbox_ldap_matches(r, conf, base, filter);
    if (rv == APR_SUCCESS) {
        logincache_remember(conf->logins, &key,
                            r->request_time + conf->login_ttl);
    }
    return rv;
}

/* APR_SUCCESS, APR_NOTFOUND, or the directory is down. */
static apr_status_t is_member(request_rec *r, const char *dn, const char *group)
{
    return matches(r, group,
                   ldaprole_any_filter(member_attributes, dn, "", r->pool));
}

/* --- Require --- */

/* `line` without quotation marks around it, as *parsed. */
static const char *parse_line(cmd_parms *cmd, const char *line,
                              const void **parsed)
{
    apr_size_t len = strlen(line);

    if (len >= 2 && (*line == '"' || *line == '\'') && line[len - 1] == *line) {
        line = apr_pstrndup(cmd->pool, line + 1, len - 2);
    }
    *parsed = line;
    return line;
}

static const char *parse_group(cmd_parms *cmd, const char *line,
                               const void **parsed)
{
    return strchr(parse_line(cmd, line, parsed), '=')
               ? NULL
               : "Require mailbox-group: write the group's distinguished "
                 "name, such as CN=Mail,CN=Users,DC=example,DC=com";
}

static const char *parse_filter(cmd_parms *cmd, const char *line,
                                const void **parsed)
{
    apr_size_t len = strlen(parse_line(cmd, line, parsed));
    const char *text = *parsed;

    return len > 2 && text[0] == '(' && text[len - 1] == ')'
               ? NULL
               : "Require mailbox-filter: write an LDAP filter in "
                 "parentheses, such as (department=Sales)";
}

static authz_status answer(request_rec *r, apr_status_t rv)
{
    if (rv == APR_SUCCESS) {
        return AUTHZ_GRANTED;
    }
    if (rv == APR_NOTFOUND || rv == APR_ENOTIMPL) {
        return AUTHZ_DENIED;
    }
    mailbox_note_unavailable(r);
    return AUTHZ_GENERAL_ERROR;
}

/* The entry of r->user in the directory. */
static apr_status_t own_dn(request_rec *r, const char **dn)
{
    const record_t *record;
    apr_status_t rv =
        mailbox_find_record(r, MAILBOX_BY_LOGIN, r->user, &record);

    *dn = rv == APR_SUCCESS ? record->dn : NULL;
    return rv == APR_SUCCESS && !*dn ? APR_NOTFOUND : rv;
}

typedef apr_status_t holds_t(request_rec *r, const char *dn, const char *value);

/* Whether that holds for the entry of the user who logged in. */
static authz_status check(request_rec *r, const char *value, holds_t *holds)
{
    const char *dn;
    apr_status_t rv;

    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    rv = own_dn(r, &dn);
    return answer(r, rv == APR_SUCCESS ? holds(r, dn, value) : rv);
}

static authz_status check_group(request_rec *r, const char *line,
                                const void *parsed)
{
    (void)line;
    return check(r, parsed, is_member);
}

static authz_status check_filter(request_rec *r, const char *line,
                                 const void *parsed)
{
    (void)line;
    return check(r, parsed, matches);
}

static const authz_provider group_provider = {check_group, parse_group};
static const authz_provider filter_provider = {check_filter, parse_filter};

/* --- who may ask about whom --- */

static int is_own(const mailbox_t *caller, const mailbox_t *target)
{
    return strcmp(caller->guid, target->guid) == 0 &&
           ap_cstr_casecmp(caller->user, target->user) == 0;
}

/* MailboxDelegate: 1 when `name` stands for the mailbox. */
static int is_named(const mailbox_t *target, const char *name)
{
    int i;

    for (i = 0; i < target->addresses->nelts; i++) {
        if (mailaddr_same(APR_ARRAY_IDX(target->addresses, i, const char *),
                          name)) {
            return 1;
        }
    }
    return strcmp(name, "*") == 0 || ap_cstr_casecmp(name, target->user) == 0;
}

static int is_listed(const mailbox_conf_t *conf, const mailbox_t *caller,
                     const mailbox_t *target)
{
    int i;

    for (i = 0; conf->delegates && i < conf->delegates->nelts; i++) {
        const mailbox_delegate_t *delegate =
            &APR_ARRAY_IDX(conf->delegates, i, mailbox_delegate_t);

        if (ap_cstr_casecmp(delegate->user, caller->user) == 0 &&
            is_named(target, delegate->target)) {
            return 1;
        }
    }
    return 0;
}

const char *mailbox_dn(request_rec *r, const mailbox_t *mailbox)
{
    const record_t *record;

    return mailbox_find_record(r, MAILBOX_BY_ADDRESS, mailbox->mail, &record) ==
                   APR_SUCCESS
               ? record->dn
               : NULL;
}

/* MailboxDelegateGroup. */
static int is_in_group(request_rec *r, const apr_array_header_t *groups,
                       const char *caller_dn)
{
    int i;

    for (i = 0; groups && i < groups->nelts; i++) {
        if (is_member(r, caller_dn, APR_ARRAY_IDX(groups, i, const char *)) ==
            APR_SUCCESS) {
            return 1;
        }
    }
    return 0;
}

/* MailboxDelegateAttribute: the owner has named the caller. */
static int is_chosen(request_rec *r, const apr_array_header_t *attributes,
                     const char *caller_dn, const mailbox_t *target)
{
    const char *target_dn;

    if (!attributes || !attributes->nelts ||
        (target_dn = mailbox_dn(r, target)) == NULL) {
        return 0;
    }
    return matches(r, target_dn,
                   ldaprole_any_filter((const char *const *)attributes->elts,
                                       caller_dn, "", r->pool)) == APR_SUCCESS;
}

static int mailbox_may_ask(request_rec *r, const mailbox_t *caller,
                           const mailbox_t *target)
{
    const mailbox_conf_t *conf = mailbox_conf(r);
    const char *dn;

    if (is_own(caller, target) || is_listed(conf, caller, target)) {
        return 1;
    }
    if (!conf->delegate_groups && !conf->delegate_attributes) {
        return 0;
    }
    dn = mailbox_dn(r, caller);
    return dn && (is_in_group(r, conf->delegate_groups, dn) ||
                  is_chosen(r, conf->delegate_attributes, dn, target));
}

void mailbox_register_rights(apr_pool_t *p)
{
    APR_REGISTER_OPTIONAL_FN(mailbox_may_ask);
    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, "mailbox-group",
                              AUTHZ_PROVIDER_VERSION, &group_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, "mailbox-filter",
                              AUTHZ_PROVIDER_VERSION, &filter_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
}
