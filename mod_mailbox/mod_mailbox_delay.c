/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* MailboxLoginDelay: one table of failed logins for all children and all
 * generations of them, asked before a password is looked at.
 *
 * Basic is watched from outside, whoever checks the password (mod_auth_basic
 * with any provider, a cache in front, mod_auth_ntlm): the header is seen
 * before the check, the success in the authorization hook, the failure as a
 * 401 when the request is logged.  Other schemes tell through mod_mailbox.h.
 * Who has to wait gets 503 with Retry-After at once: no thread sleeps, clients
 * do not ask their users for another password, and those that know Exchange
 * come again by themselves. */

#include "mod_mailbox_private.h"

#include "delay.h"
#include "login.h"

#include "lib/log.h"

#include <ap_mpm.h>
#include <apr_global_mutex.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_status.h>
#include <util_mutex.h>

APLOG_USE_MODULE(mailbox);

static const char mutex_type[] = "mailbox-delay";
static const char attempt_key[] = "mailbox_login_attempt";

/* Lives as long as the parent process, so that a graceful restart forgets
 * nothing and both generations use one lock. */
typedef struct delays_t {
    apr_size_t size; /* of the table: another one after an upgrade */
    delay_table_t *table;
    apr_global_mutex_t *mutex;
} delays_t;

typedef struct mailbox_server_t {
    delays_t *delays;
} mailbox_server_t;

/* One request's Basic credentials. */
typedef struct attempt_t {
    delay_who_t who;
    const char *user, *password;
    const delay_rules_t *rules;
    int done; /* counted, as success or as failure */
} attempt_t;

void *mailbox_create_server(apr_pool_t *p, server_rec *s)
{
    (void)s;
    return apr_pcalloc(p, sizeof(mailbox_server_t));
}

static delays_t *delays_of(const request_rec *r)
{
    const mailbox_server_t *server =
        ap_get_module_config(r->server->module_config, &mailbox_module);

    return server->delays;
}

/* --- the table --- */

/* Locked for this thread, or NULL. */
static delay_table_t *lock(request_rec *r)
{
    delays_t *delays = delays_of(r);
    apr_status_t rv = apr_global_mutex_lock(delays->mutex);

    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                      PN(10061) "failed logins cannot be counted");
        return NULL;
    }
    return delays->table;
}

static void unlock(request_rec *r)
{
    apr_global_mutex_unlock(delays_of(r)->mutex);
}

/* The part of a login name that one account has, if its domain is ours. */
static const char *account_of(request_rec *r, const char *user)
{
    login_t login;
    const char *why;

    if (login_parse(&login, user, &why, r->pool) == APR_SUCCESS &&
        login_is_ours(&login, mailbox_conf(r)->domains)) {
        return login.user;
    }
    return user;
}

static void identify(request_rec *r, delay_who_t *who, const char *user)
{
    delay_who(delays_of(r)->table, who, account_of(r, user),
              r->useragent_addr->ipaddr_ptr,
              (apr_size_t)r->useragent_addr->ipaddr_len);
}

/* OK, or the answer for who has to wait. */
static int hold(request_rec *r, const delay_who_t *who, const char *user)
{
    delay_table_t *table;
    apr_interval_time_t wait = 0;
    int seconds;

    if (delay_is_known(delays_of(r)->table, who, apr_time_now())) {
        return OK;
    }
    if ((table = lock(r)) != NULL) {
        wait = delay_ask(table, who, apr_time_now());
        unlock(r);
    }
    if (!wait) {
        return OK;
    }
    seconds = (int)apr_time_sec(wait + apr_time_from_sec(1) - 1);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  PN(10062) "login of \"%s\" is not looked at for %d more "
                            "seconds (MailboxLoginDelay)",
                  user, seconds);
    apr_table_setn(r->err_headers_out, "Retry-After",
                   apr_itoa(r->pool, seconds));
    return HTTP_SERVICE_UNAVAILABLE;
}

static void failed(request_rec *r, const delay_who_t *who, const char *user,
                   const char *password, const delay_rules_t *rules)
{
    delay_table_t *table = lock(r);
    apr_interval_time_t wait;

    if (!table) {
        return;
    }
    wait = delay_failed(table, who, password, rules, apr_time_now());
    unlock(r);
    if (wait) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      PN(10063) "too many failed logins, last of \"%s\": the "
                                "next is looked at in %d seconds",
                      user, (int)apr_time_sec(wait));
    }
}

static void succeeded(request_rec *r, const delay_who_t *who)
{
    delay_table_t *table;

    if (!delay_is_known(delays_of(r)->table, who, apr_time_now()) &&
        (table = lock(r)) != NULL) {
        delay_succeeded(table, who, apr_time_now());
        unlock(r);
    }
}

/* The rules where r is, or NULL when nothing is delayed there. */
static const delay_rules_t *rules_of(const request_rec *r)
{
    const delay_rules_t *rules = mailbox_conf(r)->login_delay;

    return rules && rules->longest > 0 && delays_of(r) ? rules : NULL;
}

/* --- Basic --- */

/* As mod_auth_basic reads the header, so that none has a name there and
 * another here; NULL when it is not Basic. */
static attempt_t *read_basic(request_rec *r)
{
    const char *header = apr_table_get(r->headers_in, "Authorization");
    const char *text;
    attempt_t *attempt;

    if (!header || r->proxyreq == PROXYREQ_PROXY ||
        ap_cstr_casecmp(ap_getword(r->pool, &header, ' '), "Basic") != 0) {
        return NULL;
    }
    text = ap_pbase64decode(r->pool, header + strspn(header, " \t"));
    attempt = apr_pcalloc(r->pool, sizeof(*attempt));
    attempt->user = ap_getword_nulls(r->pool, &text, ':');
    attempt->password = text;
    identify(r, &attempt->who, attempt->user);
    return attempt;
}

static attempt_t *attempt_of(const request_rec *r)
{
    void *attempt;

    apr_pool_userdata_get(&attempt, attempt_key, r->pool);
    return attempt;
}

static int delay_basic(request_rec *r)
{
    const delay_rules_t *rules = rules_of(r);
    attempt_t *attempt;
    int status;

    if (!rules || attempt_of(r) || (attempt = read_basic(r)) == NULL) {
        return DECLINED;
    }
    status = hold(r, &attempt->who, attempt->user);
    if (status == OK) {
        attempt->rules = rules;
        apr_pool_userdata_setn(attempt, attempt_key, NULL, r->pool);
        return DECLINED;
    }
    return status;
}

static int delay_authorized(request_rec *r)
{
    attempt_t *attempt = attempt_of(r);

    /* Where another scheme let the user in, his Basic header proves nothing. */
    if (attempt && !attempt->done && r->ap_auth_type &&
        ap_cstr_casecmp(r->ap_auth_type, "Basic") == 0) {
        attempt->done = 1;
        succeeded(r, &attempt->who);
    }
    return DECLINED;
}

static int delay_log(request_rec *r)
{
    attempt_t *attempt = attempt_of(r);
    const request_rec *last;

    if (!attempt || attempt->done) {
        return DECLINED;
    }
    for (last = r; last; last = last->next) {
        if (last->status == HTTP_UNAUTHORIZED) {
            attempt->done = 1;
            failed(r, &attempt->who, attempt->user, attempt->password,
                   attempt->rules);
            break;
        }
    }
    return DECLINED;
}

/* --- other schemes --- */

static int mailbox_login_hold(request_rec *r, const char *user)
{
    delay_who_t who;

    if (!rules_of(r)) {
        return OK;
    }
    identify(r, &who, user);
    return hold(r, &who, user);
}

static void mailbox_login_result(request_rec *r, const char *user, int good)
{
    const delay_rules_t *rules = rules_of(r);
    delay_who_t who;

    if (!rules) {
        return;
    }
    identify(r, &who, user);
    if (good) {
        succeeded(r, &who);
    }
    else {
        failed(r, &who, user, NULL, rules);
    }
}

/* --- the status page --- */

static int show_status(request_rec *r, int flags)
{
    delays_t *delays = delays_of(r);
    delay_counters_t n;

    if (!delays || !lock(r)) {
        return DECLINED;
    }
    delay_count(delays->table, &n, apr_time_now());
    unlock(r);
    if (flags & AP_STATUS_SHORT) {
        ap_rprintf(r,
                   "MailboxLoginsFailed: %" APR_UINT64_T_FMT
                   "\nMailboxLoginsRepeated: %" APR_UINT64_T_FMT
                   "\nMailboxLoginsHeld: %" APR_UINT64_T_FMT
                   "\nMailboxDelayedUsers: %d\nMailboxDelayedAddresses: %d"
                   "\nMailboxDelayEntries: %d\nMailboxDelayCapacity: %d\n",
                   n.failed, n.repeated, n.held, n.held_users, n.held_addresses,
                   n.entries, n.capacity);
        return OK;
    }
    ap_rprintf(r,
               "<hr />\n<h2>Failed logins (mod_mailbox)</h2>\n<dl>\n"
               "<dt>%" APR_UINT64_T_FMT " failed, %" APR_UINT64_T_FMT
               " of them with the same wrong password again</dt>\n"
               "<dt>%" APR_UINT64_T_FMT " tries were told to wait</dt>\n"
               "<dt>waiting now: %d users at an address, %d addresses; with "
               "failures: %d and %d</dt>\n<dt>%d of %d entries in use</dt>\n"
               "</dl>\n",
               n.failed, n.repeated, n.held, n.held_users, n.held_addresses,
               n.users, n.addresses, n.entries, n.capacity);
    return OK;
}

/* --- set up --- */

static const char *create_delays(delays_t *delays, server_rec *s)
{
    apr_pool_t *pool = s->process->pool;
    unsigned char secret[DELAY_SECRET];
    apr_shm_t *shm;

    if (apr_generate_random_bytes(secret, sizeof(secret)) != APR_SUCCESS) {
        return "the system has no random bytes";
    }
    if (apr_shm_create(&shm, delay_size(), NULL, pool) != APR_SUCCESS) {
        return "there is no shared memory";
    }
    if (ap_global_mutex_create(&delays->mutex, NULL, mutex_type, NULL, s, pool,
                               0) != APR_SUCCESS) {
        return "there is no mutex";
    }
    delays->table = delay_init(apr_shm_baseaddr_get(shm), secret);
    delays->size = delay_size();
    return NULL;
}

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    ap_mutex_register(pconf, mutex_type, NULL, APR_LOCK_DEFAULT, 0);
    return OK;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *main_server)
{
    delays_t *delays;
    const char *why = NULL;
    server_rec *s;

    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    delays = ap_retained_data_get(mutex_type);
    if (!delays) {
        delays = ap_retained_data_create(mutex_type, sizeof(*delays));
    }
    if (delays->size != delay_size()) {
        why = create_delays(delays, main_server);
    }
    if (why) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, main_server,
                     PN(10064) "failed logins cannot be counted: %s", why);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (s = main_server; s; s = s->next) {
        mailbox_server_t *server =
            ap_get_module_config(s->module_config, &mailbox_module);

        server->delays = delays;
    }
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    const mailbox_server_t *server =
        ap_get_module_config(s->module_config, &mailbox_module);
    delays_t *delays = server->delays;
    apr_status_t rv = apr_global_mutex_child_init(
        &delays->mutex, apr_global_mutex_lockfile(delays->mutex), pchild);

    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     PN(10065) "failed logins cannot be counted in this child");
    }
}

void mailbox_register_delay(void)
{
    APR_REGISTER_OPTIONAL_FN(mailbox_login_hold);
    APR_REGISTER_OPTIONAL_FN(mailbox_login_result);
    APR_OPTIONAL_HOOK(ap, status_hook, show_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_authn(delay_basic, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(delay_authorized, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_log_transaction(delay_log, NULL, NULL, APR_HOOK_MIDDLE);
}
