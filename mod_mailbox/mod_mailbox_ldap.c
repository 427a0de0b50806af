/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The directory source, on connections of mod_ldap's pool.
 *
 * Searches and password checks use connections of two kinds, told apart for
 * the pool by the way aliases are followed (a bind follows none): so a
 * connection that searches stays bound as the reader, and one that checks
 * passwords is bound anew each time.  A connection on which a user was bound
 * goes back marked must_rebind, so that nobody searches in a user's name. */

#include "mod_mailbox_private.h"

#include "adstate.h"
#include "hostnames.h"
#include "ldapentry.h"
#include "ldapguard.h"
#include "login.h"

#include "lib/log.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>
#include <util_ldap.h>

APLOG_USE_MODULE(mailbox);

#define ANSWER_TIMEOUT apr_time_from_sec(5)
#define SIZE_LIMIT 2      /* one entry is an answer, two are a mistake */
#define PATIENCE 10       /* seconds a client waits for a dead directory */
#define CONNECT_TIMEOUT 3 /* seconds, where LDAPConnectionTimeout is off */
#define FILTERS_MAX 4
#define NO_NAME_SERVER LDAP_X_CONNECTING /* libldap has no such result */
#define SEARCH_ALIASES never
#define BIND_ALIASES finding

static APR_OPTIONAL_FN_TYPE(uldap_connection_find) * ldap_find_connection;
static APR_OPTIONAL_FN_TYPE(uldap_connection_open) * ldap_open_connection;
static APR_OPTIONAL_FN_TYPE(uldap_connection_close) * ldap_close_connection;
static APR_OPTIONAL_FN_TYPE(uldap_connection_unbind) * ldap_drop_connection;

int mailbox_ldap_loaded(void)
{
    return APR_RETRIEVE_OPTIONAL_FN(uldap_connection_find) != NULL;
}

void mailbox_ldap_retrieve(void)
{
    ldap_find_connection = APR_RETRIEVE_OPTIONAL_FN(uldap_connection_find);
    ldap_open_connection = APR_RETRIEVE_OPTIONAL_FN(uldap_connection_open);
    ldap_close_connection = APR_RETRIEVE_OPTIONAL_FN(uldap_connection_close);
    ldap_drop_connection = APR_RETRIEVE_OPTIONAL_FN(uldap_connection_unbind);
}

/* --- connections --- */

static struct timeval timeout_of(const mailbox_conf_t *conf)
{
    apr_interval_time_t timeout =
        conf->timeout > 0 ? conf->timeout : ANSWER_TIMEOUT;
    struct timeval tv;

    tv.tv_sec = (time_t)apr_time_sec(timeout);
    tv.tv_usec = (suseconds_t)apr_time_usec(timeout);
    return tv;
}

static int secure_of(const mailbox_conf_t *conf)
{
    static const int secure[] = {[MAILBOX_TLS_NONE] = APR_LDAP_NONE,
                                 [MAILBOX_TLS_LDAPS] = APR_LDAP_SSL,
                                 [MAILBOX_TLS_STARTTLS] = APR_LDAP_STARTTLS};

    return secure[conf->tls];
}

static util_ldap_connection_t *take_connection(request_rec *r,
                                               const mailbox_conf_t *conf,
                                               deref_options aliases)
{
    /* configtest refuses an account without TLS; sections that it did not see
     * together ask anonymously. */
    int clear = conf->tls == MAILBOX_TLS_NONE;

    return ldap_find_connection(
        r, conf->ldap->hosts, conf->ldap->port, clear ? NULL : conf->bind_dn,
        clear ? NULL : conf->bind_password, aliases, secure_of(conf));
}

/* Something to do on an open connection: an LDAP result code. */
typedef int action_fn(util_ldap_connection_t *ldc, void *context);

/* 1 when there was no answer at all. */
static int no_answer(int rc)
{
    return AP_LDAP_IS_SERVER_DOWN(rc) || rc == LDAP_TIMEOUT ||
           rc == LDAP_CONNECT_ERROR || rc == NO_NAME_SERVER;
}

static const char *text_of(int rc)
{
    return rc == NO_NAME_SERVER ? "no name server answers"
                                : ldap_err2string(rc);
}

/* In the pool of the configuration: who asks the resolver, for all. */
static const char resolver_key[] = "mailbox_resolver";

static int open_connection(request_rec *r, const mailbox_conf_t *conf,
                           util_ldap_connection_t *ldc)
{
    apr_interval_time_t limit =
        conf->timeout > 0 ? conf->timeout : ANSWER_TIMEOUT;
    void *resolver = NULL;

    apr_pool_userdata_get(&resolver, resolver_key, r->server->process->pconf);
    if (!ldc->ldap && resolver &&
        !hostnames_answered(resolver, conf->ldap->hosts, limit)) {
        return NO_NAME_SERVER;
    }
    return ldap_open_connection(r, ldc);
}

/* Does `action` on a connection of the pool.  A server closes idle
 * connections and restarts: when a connection that was open already turns out
 * to be dead, once more on a new one.  *opened tells a result of the action
 * from one of the reader's own bind. */
static int on_connection(request_rec *r, const mailbox_conf_t *conf,
                         deref_options aliases, action_fn *action,
                         void *context, int *opened)
{
    util_ldap_connection_t *ldc = take_connection(r, conf, aliases);
    int rc, was_open;

    *opened = 0;
    if (!ldc) {
        return LDAP_NO_MEMORY;
    }
    do {
        was_open = ldc->ldap != NULL;
        rc = LDAP_SUCCESS;
        if (aliases == SEARCH_ALIASES || !was_open) {
            rc = open_connection(r, conf, ldc);
        }
        *opened = rc == LDAP_SUCCESS;
        if (*opened) {
            rc = action(ldc, context);
        }
        if (no_answer(rc)) {
            ldap_drop_connection(ldc);
        }
    } while (AP_LDAP_IS_SERVER_DOWN(rc) && was_open);
    if (rc == LDAP_SUCCESS) {
        ldc->last_backend_conn = r->request_time;
    }
    ldap_close_connection(ldc);
    return rc;
}

/* The same, unless the directory is known to be silent. */
static int with_connection(request_rec *r, const mailbox_conf_t *conf,
                           deref_options aliases, action_fn *action,
                           void *context, int *opened)
{
    apr_time_t began = apr_time_now();
    int rc;

    *opened = 0;
    if (!breaker_may_try(conf->breaker, began)) {
        return LDAP_BUSY;
    }
    rc = on_connection(r, conf, aliases, action, context, opened);
    breaker_tell(conf->breaker, began, apr_time_now(), !no_answer(rc));
    return rc;
}

/* --- searching --- */

typedef struct search_t {
    const mailbox_conf_t *conf;
    const char *filter;
    const ldaproles_t *roles;
    apr_pool_t *pool;
    int entries;
    record_t *record; /* of the one entry; NULL when it has no account name */
    int skipped;
} search_t;

/* Reads the attributes of one entry. */
static void read_entry(search_t *search, LDAP *ldap, LDAPMessage *message)
{
    char *dn = ldap_get_dn(ldap, message);
    ldapentry_t entry;
    int role, i;

    ldapentry_init(&entry, dn, search->pool);
    ldap_memfree(dn);
    for (role = 0; role < LDAPROLE_COUNT; role++) {
        const char *name = search->roles->attribute[role];
        struct berval **values =
            name ? ldap_get_values_len(ldap, message, name) : NULL;

        for (i = 0; values && values[i]; i++) {
            ldapentry_take(&entry, (ldaprole_e)role, values[i]->bv_val,
                           values[i]->bv_len, search->pool);
        }
        ldap_value_free_len(values);
    }
    search->record = ldapentry_finish(&entry, search->pool);
    search->skipped = entry.skipped;
}

/* The search itself, for at most `limit` entries and the attributes that have
 * a role.  More than that is no error: search->entries is then `limit`, even
 * where the server allows less. */
static int run_search(util_ldap_connection_t *ldc, search_t *search, int limit,
                      LDAPMessage **result)
{
    const ldapurl_t *url = search->conf->ldap;
    struct timeval timeout = timeout_of(search->conf);
    const char *names[LDAPROLE_COUNT + 1];
    void *referrals = LDAP_OPT_OFF;
    int rc, role, count = 0, chase = 0;

    for (role = 0; role < LDAPROLE_COUNT; role++) {
        if (search->roles->attribute[role]) {
            names[count++] = search->roles->attribute[role];
        }
    }
    names[count] = NULL;
    /* A referral would send the reader's password to whomever it names. */
    ldap_get_option(ldc->ldap, LDAP_OPT_REFERRALS, &chase);
    ldap_set_option(ldc->ldap, LDAP_OPT_REFERRALS, referrals);
    rc = ldap_search_ext_s(
        ldc->ldap, url->base,
        url->scope == LDAPURL_ONE ? LDAP_SCOPE_ONELEVEL : LDAP_SCOPE_SUBTREE,
        search->filter, (char **)names, 0, NULL, NULL, &timeout, limit, result);
    ldap_set_option(ldc->ldap, LDAP_OPT_REFERRALS,
                    chase ? LDAP_OPT_ON : LDAP_OPT_OFF);
    search->entries = *result ? ldap_count_entries(ldc->ldap, *result) : 0;
    if (rc == LDAP_SIZELIMIT_EXCEEDED) {
        search->entries = limit;
        rc = LDAP_SUCCESS;
    }
    return rc;
}

static int do_search(util_ldap_connection_t *ldc, void *context)
{
    search_t *search = context;
    LDAPMessage *result = NULL;
    int rc = run_search(ldc, search, SIZE_LIMIT, &result);

    if (rc == LDAP_SUCCESS && search->entries == 1) {
        read_entry(search, ldc->ldap, ldap_first_entry(ldc->ldap, result));
    }
    ldap_msgfree(result);
    return rc;
}

/* The breaker's refusal: the failure before it is in the log already. */
static apr_status_t silent(request_rec *r, const mailbox_conf_t *conf)
{
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  PN(10050) "directory %s: not asked, it was silent a moment "
                            "ago",
                  conf->ldap->hosts);
    return APR_TIMEUP;
}

static apr_status_t search_failed(request_rec *r, const search_t *search,
                                  int rc, int opened)
{
    const char *hint = "";

    if (rc == LDAP_BUSY && !opened) {
        return silent(r, search->conf);
    }
    if (rc == LDAP_NO_SUCH_OBJECT) {
        hint = " (is the base right, and may MailboxLDAPBindDN read there?)";
    }
    else if (rc == LDAP_INVALID_CREDENTIALS && !opened) {
        hint = " (MailboxLDAPBindDN or MailboxLDAPBindPassword is wrong)";
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  PN(10041) "directory %s: search in %s failed: %s%s",
                  search->conf->ldap->hosts, search->conf->ldap->base,
                  text_of(rc), hint);
    return rc == LDAP_TIMEOUT ? APR_TIMEUP : APR_EGENERAL;
}

static apr_status_t check_found(request_rec *r, const search_t *search)
{
    if (search->entries == 0) {
        return APR_NOTFOUND;
    }
    if (search->entries > 1) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      PN(10042) "directory %s: more than one entry matches %s; "
                                "none is taken",
                      search->conf->ldap->hosts, search->filter);
        return APR_EMISMATCH;
    }
    if (!search->record) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      PN(10043) "directory %s: the entry for %s has no %s",
                      search->conf->ldap->hosts, search->filter,
                      search->roles->attribute[LDAPROLE_USER]);
        return APR_NOTFOUND;
    }
    if (search->skipped) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(10044) "directory %s: %d malformed values of %s are "
                                "left out",
                      search->conf->ldap->hosts, search->skipped,
                      search->record->dn);
    }
    return APR_SUCCESS;
}

/* The filters to ask with, one after the other, until one finds something. */
static int login_filters(const char *filters[FILTERS_MAX],
                         const mailbox_conf_t *conf, const ldaproles_t *roles,
                         const char *value, apr_pool_t *pool)
{
    const char *also = conf->ldap->filter, *why;
    login_t login;
    int count = 0;

    if (login_parse(&login, value, &why, pool) != APR_SUCCESS) {
        return 0;
    }
    if (login.form == LOGIN_REALM) {
        filters[count++] = ldaprole_upn_filter(roles, value, also, pool);
    }
    if (login.form == LOGIN_BARE || login_is_ours(&login, conf->domains)) {
        filters[count++] = ldaprole_user_filter(roles, login.user, also, pool);
    }
    if (login.form == LOGIN_REALM) {
        filters[count++] = ldaprole_address_filter(roles, value, also, pool);
    }
    return count;
}

static int filters_for(const char *filters[FILTERS_MAX],
                       const mailbox_conf_t *conf, const ldaproles_t *roles,
                       mailbox_key_e key, const char *value, apr_pool_t *pool)
{
    const char *also = conf->ldap->filter;

    switch (key) {
    case MAILBOX_BY_LOGIN:
        return login_filters(filters, conf, roles, value, pool);
    case MAILBOX_BY_ADDRESS:
        filters[0] = ldaprole_address_filter(roles, value, also, pool);
        return 1;
    case MAILBOX_BY_LEGACY_DN:
        filters[0] = ldaprole_legacy_dn_filter(roles, value, also, pool);
        return 1;
    }
    return 0;
}

apr_status_t mailbox_ldap_find(request_rec *r, const mailbox_conf_t *conf,
                               mailbox_key_e key, const char *value,
                               const record_t **found, apr_pool_t *pool)
{
    const char *filters[FILTERS_MAX];
    ldaproles_t roles;
    apr_status_t rv = APR_NOTFOUND;
    int i, count;

    mailbox_roles(conf, &roles);
    count = filters_for(filters, conf, &roles, key, value, pool);
    for (i = 0; i < count && rv == APR_NOTFOUND; i++) {
        search_t search = {conf, filters[i], &roles, pool, 0, NULL, 0};
        int rc, opened;

        if (!filters[i]) {
            continue;
        }
        rc = with_connection(r, conf, SEARCH_ALIASES, do_search, &search,
                             &opened);
        rv = rc == LDAP_SUCCESS ? check_found(r, &search)
                                : search_failed(r, &search, rc, opened);
        *found = search.record;
    }
    return rv;
}

/* --- all that match --- */

typedef struct list_t {
    search_t search;
    int limit;
    apr_array_header_t *records; /* const record_t * */
} list_t;

static int do_list(util_ldap_connection_t *ldc, void *context)
{
    list_t *list = context;
    search_t *search = &list->search;
    LDAPMessage *result = NULL, *entry;
    int rc = run_search(ldc, search, list->limit, &result);

    apr_array_clear(list->records);
    for (entry = result ? ldap_first_entry(ldc->ldap, result) : NULL;
         rc == LDAP_SUCCESS && entry;
         entry = ldap_next_entry(ldc->ldap, entry)) {
        read_entry(search, ldc->ldap, entry);
        if (search->record) {
            APR_ARRAY_PUSH(list->records, const record_t *) = search->record;
        }
    }
    ldap_msgfree(result);
    return rc;
}

apr_status_t mailbox_ldap_list(request_rec *r, const mailbox_conf_t *conf,
                               const char *filter, int limit,
                               apr_array_header_t *records, apr_pool_t *pool)
{
    ldaproles_t roles;
    list_t list = {{conf, filter, &roles, pool, 0, NULL, 0}, limit, records};
    int rc, opened;

    mailbox_roles(conf, &roles);
    rc = with_connection(r, conf, SEARCH_ALIASES, do_list, &list, &opened);
    return rc == LDAP_SUCCESS ? APR_SUCCESS
                              : search_failed(r, &list.search, rc, opened);
}

/* --- does an entry match? --- */

typedef struct test_t {
    const mailbox_conf_t *conf;
    const char *base, *filter;
    int entries;
} test_t;

static int do_test(util_ldap_connection_t *ldc, void *context)
{
    test_t *test = context;
    struct timeval timeout = timeout_of(test->conf);
    static const char *const nothing[] = {LDAP_NO_ATTRS, NULL};
    LDAPMessage *result = NULL;
    int rc, chase = 0;

    ldap_get_option(ldc->ldap, LDAP_OPT_REFERRALS, &chase);
    ldap_set_option(ldc->ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    rc = ldap_search_ext_s(ldc->ldap, test->base, LDAP_SCOPE_BASE, test->filter,
                           (char **)nothing, 0, NULL, NULL, &timeout,
                           SIZE_LIMIT, &result);
    ldap_set_option(ldc->ldap, LDAP_OPT_REFERRALS,
                    chase ? LDAP_OPT_ON : LDAP_OPT_OFF);
    test->entries = result ? ldap_count_entries(ldc->ldap, result) : 0;
    ldap_msgfree(result);
    return rc;
}

apr_status_t mailbox_ldap_matches(request_rec *r, const mailbox_conf_t *conf,
                                  const char *base, const char *filter)
{
    test_t test = {conf, base, filter, 0};
    int rc, opened;

    if (!conf->ldap) {
        return APR_ENOTIMPL;
    }
    rc = with_connection(r, conf, SEARCH_ALIASES, do_test, &test, &opened);
    if (rc == LDAP_SUCCESS) {
        return test.entries == 1 ? APR_SUCCESS : APR_NOTFOUND;
    }
    if (rc == LDAP_BUSY && !opened) {
        return silent(r, conf);
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  PN(10066) "directory %s: whether %s matches %s cannot be "
                            "told: %s",
                  conf->ldap->hosts, base, filter, text_of(rc));
    return rc == LDAP_NO_SUCH_OBJECT ? APR_NOTFOUND : APR_EGENERAL;
}

/* --- passwords --- */

typedef struct bind_t {
    const mailbox_conf_t *conf;
    const char *dn, *password;
    const char *reason; /* of Active Directory, or NULL */
} bind_t;

static int do_bind(util_ldap_connection_t *ldc, void *context)
{
    bind_t *bind = context;
    struct timeval timeout = timeout_of(bind->conf);
    struct berval credentials;
    LDAPMessage *result = NULL;
    char *diagnostic = NULL;
    int msgid, rc, outcome;

    credentials.bv_val = (char *)bind->password;
    credentials.bv_len = strlen(bind->password);
    ldc->must_rebind = 1; /* before anything can go wrong */
    rc = ldap_sasl_bind(ldc->ldap, bind->dn, LDAP_SASL_SIMPLE, &credentials,
                        NULL, NULL, &msgid);
    if (rc != LDAP_SUCCESS) {
        return rc;
    }
    rc = ldap_result(ldc->ldap, msgid, LDAP_MSG_ALL, &timeout, &result);
    if (rc == 0) {
        return LDAP_TIMEOUT;
    }
    if (rc < 0) {
        ldap_get_option(ldc->ldap, LDAP_OPT_RESULT_CODE, &rc);
        return rc == LDAP_SUCCESS ? LDAP_SERVER_DOWN : rc;
    }
    rc = ldap_parse_result(ldc->ldap, result, &outcome, NULL, &diagnostic, NULL,
                           NULL, 1);
    bind->reason = adstate_reason(diagnostic);
    ldap_memfree(diagnostic);
    return rc == LDAP_SUCCESS ? outcome : rc;
}

/* 1 for the codes by which directories refuse a password or an account. */
static int is_refusal(int rc)
{
    return rc == LDAP_INVALID_CREDENTIALS || rc == LDAP_INAPPROPRIATE_AUTH ||
           rc == LDAP_INSUFFICIENT_ACCESS || rc == LDAP_CONSTRAINT_VIOLATION ||
           rc == LDAP_UNWILLING_TO_PERFORM || rc == LDAP_NO_SUCH_OBJECT;
}

apr_status_t mailbox_ldap_bind(request_rec *r, const mailbox_conf_t *conf,
                               const record_t *record, const char *password)
{
    bind_t bind = {conf, record->dn, password, NULL};
    int rc, opened;

    if (!*password || !*record->dn) {
        return APR_EACCES; /* would be an anonymous bind (RFC 4513 5.1.2) */
    }
    if (conf->tls == MAILBOX_TLS_NONE) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      PN(10045) "directory %s: no password is sent there "
                                "without TLS; write ldaps:// or STARTTLS in "
                                "MailboxLDAPURL",
                      conf->ldap->hosts);
        return APR_ENOTIMPL;
    }
    rc = with_connection(r, conf, BIND_ALIASES, do_bind, &bind, &opened);
    if (rc == LDAP_SUCCESS) {
        return APR_SUCCESS;
    }
    if (opened && is_refusal(rc)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, PN(10046) "user %s: %s",
                      record->user,
                      bind.reason ? bind.reason : ldap_err2string(rc));
        return APR_EACCES;
    }
    if (rc == LDAP_BUSY && !opened) {
        return silent(r, conf);
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  PN(10047) "directory %s: checking a password failed: %s",
                  conf->ldap->hosts, text_of(rc));
    return rc == LDAP_TIMEOUT ? APR_TIMEUP : APR_EGENERAL;
}

/* --- time limits --- */

static const util_ldap_state_t *pool_settings(server_rec *s)
{
    module *ldap = ap_find_linked_module("util_ldap.c");

    return ldap ? ap_get_module_config(s->module_config, ldap) : NULL;
}

void mailbox_ldap_check_limits(server_rec *s)
{
    const util_ldap_state_t *st = pool_settings(s);
    long longest;
    int version;

    if (!st) {
        return;
    }
    /* libldap begins by asking for the name of this machine: once for all
     * children, while nobody waits. */
    ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
    longest = (st->opTimeout ? (long)st->opTimeout->tv_sec : 3600) +
              st->connectionTimeout * (st->retries + 1);
    if (longest > PATIENCE) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     PN(10048) "a dead directory can hold a request for %ld "
                               "seconds; write LDAPTimeout 4, "
                               "LDAPConnectionTimeout 3, LDAPRetries 1",
                     longest);
    }
}

/* What mod_ldap sets on a connection misses two moments: STARTTLS, which it
 * does before it sets the limits (until then libldap's own defaults count),
 * and the TLS handshake. */
void mailbox_ldap_child_init(apr_pool_t *pchild, server_rec *s)
{
    const util_ldap_state_t *st = pool_settings(s);
    struct timeval limit = {CONNECT_TIMEOUT, 0};
    int starttls;

    if (!st || !mailbox_uses_ldap(s, &starttls)) {
        return;
    }
    apr_pool_userdata_setn(apr_pcalloc(s->process->pconf, sizeof(errand_t)),
                           resolver_key, NULL, s->process->pconf);
    if (st->connectionTimeout > 0) {
        limit.tv_sec = st->connectionTimeout;
    }
    if (starttls) {
        ldap_set_option(NULL, LDAP_OPT_NETWORK_TIMEOUT, &limit);
        ldap_set_option(NULL, LDAP_OPT_TIMEOUT, &limit);
    }
    if (ldapguard_install(apr_time_from_sec(limit.tv_sec), pchild) !=
        APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     PN(10049) "libldap takes no callback: a silent directory "
                               "can hold a thread for ever");
    }
}
