/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "check_run.h"
#include "check_dns.h"
#include "requests.h"

#include <apr_strings.h>
#include <string.h>

#define HTTPS_PORT 443

/* One run. */
typedef struct run_t {
    check_report_t *report;
    const check_options_t *options;
    apr_pool_t *pool;
} run_t;

static void trace(const run_t *run, const char *text, const char *more)
{
    APR_ARRAY_PUSH(run->report->trace, const char *) =
        apr_pstrcat(run->pool, text, more, NULL);
}

static void miss(const run_t *run, const char *kind, const char *name,
                 const char *says, int is_needed)
{
    check_missing_t *m = apr_array_push(run->report->missing);

    *m = (check_missing_t){kind, name, says, is_needed};
}

static const char *name_below(const run_t *run, const char *label)
{
    return apr_pstrcat(run->pool, label, run->options->domain, NULL);
}

/* --- where the server is --- */

/* 1 when an autodiscover service answers at `host`.  No password is sent. */
static int answers_at(const run_t *run, const char *host)
{
    check_request_t request = {
        .url = apr_pstrcat(run->pool, "https://", host,
                           "/autodiscover/autodiscover.xml", NULL)};
    verdict_reply_t reply;

    if (check_http_ask(&run->options->net, &request, &reply, run->pool)) {
        miss(run, "certificate", host, reply.why, 1);
    }
    if (reply.why) {
        trace(run, apr_pstrcat(run->pool, request.url, ": ", NULL), reply.why);
        return 0;
    }
    trace(run, apr_pstrcat(run->pool, request.url, ": ", NULL),
          apr_psprintf(run->pool, "status %ld", reply.status));
    return reply.status == 401 || reply.status == 405 || reply.status == 200;
}

/* The two names that clients try, then the SRV record. */
static const char *find_host(const run_t *run)
{
    const char *names[] = {run->options->domain,
                           name_below(run, "autodiscover.")};
    const char *srv = name_below(run, "_autodiscover._tcp.");
    const char *target, *found = NULL;
    int i, port = 0;

    for (i = 0; i < 2; i++) {
        if (!check_dns_has_address(names[i])) {
            trace(run, names[i], ": has no address");
        }
        else if (answers_at(run, names[i]) && !found) {
            found = names[i];
        }
    }
    target = check_dns_srv(srv, &port, run->pool);
    trace(run, apr_pstrcat(run->pool, srv, ": ", NULL),
          target ? apr_psprintf(run->pool, "%s:%d", target, port)
                 : "no SRV record");
    if (target && port != HTTPS_PORT) {
        miss(run, "SRV record", srv,
             "its port must be 443: Outlook does not "
             "look at it",
             1);
    }
    if (target && !found && answers_at(run, target)) {
        found = target;
    }
    if (!found) {
        miss(run, "name", names[1],
             "give it an address of this server, and a certificate", 1);
        miss(run, "SRV record", srv,
             "or make this: 0 0 443 and the name of this server", 0);
    }
    return found;
}

/* --- asking --- */

static check_exchange_t *ask(const run_t *run, verdict_question_e question,
                             const char *url, const char *body, int login)
{
    const check_options_t *o = run->options;
    check_exchange_t *x = apr_array_push(run->report->exchanges);
    check_request_t request = {.url = url, .body = body};

    if (login) {
        request.user = o->user;
        request.password = o->password;
    }
    x->question = question;
    x->url = url;
    check_http_ask(&o->net, &request, &x->reply, run->pool);
    x->verdicts = verdict_all(question, &x->reply, run->pool);
    trace(run, apr_pstrcat(run->pool, body ? "POST " : "GET ", url, ": ", NULL),
          x->reply.why
              ? x->reply.why
              : apr_psprintf(run->pool, "status %ld, %" APR_SIZE_T_FMT " bytes",
                             x->reply.status, x->reply.len));
    return x;
}

static const char *url_at(const run_t *run, const char *path)
{
    return apr_pstrcat(run->pool, "https://", run->report->host, path, NULL);
}

static void ask_with_login(const run_t *run)
{
    const char *address = run->options->address;
    const char *pox = url_at(run, "/autodiscover/autodiscover.xml");

    ask(run, VERDICT_POX, pox,
        requests_pox(address, DISCOVER_SCHEMA_OUTLOOK, run->pool), 1);
    ask(run, VERDICT_MOBILESYNC, pox,
        requests_pox(address, DISCOVER_SCHEMA_MOBILESYNC, run->pool), 1);
    ask(run, VERDICT_SOAP, url_at(run, "/autodiscover/autodiscover.svc"),
        requests_soap(address, run->pool), 1);
    ask(run, VERDICT_PROFILE, url_at(run, "/autodiscover/mail.mobileconfig"),
        NULL, 1);
}

static void ask_json(const run_t *run)
{
    const char *address = requests_percent(run->options->address, run->pool);
    const char *base = url_at(run, "/autodiscover/autodiscover.json");

    ask(run, VERDICT_JSON_QUERY,
        apr_pstrcat(run->pool, base, "?Email=", address,
                    "&Protocol=AutodiscoverV1&RedirectCount=1", NULL),
        NULL, 0);
    ask(run, VERDICT_JSON_PATH,
        apr_pstrcat(run->pool, base, "/v1.0/", address,
                    "?Protocol=ActiveSync&RedirectCount=1", NULL),
        NULL, 0);
}

/* What Thunderbird asks, at names of its own. */
static void ask_autoconfig(const run_t *run)
{
    const char *address = requests_percent(run->options->address, run->pool);
    const char *name = name_below(run, "autoconfig.");

    if (check_dns_has_address(name) || run->options->net.connect) {
        ask(run, VERDICT_AUTOCONFIG,
            apr_pstrcat(run->pool, "https://", name,
                        "/mail/config-v1.1.xml?emailaddress=", address, NULL),
            NULL, 0);
    }
    else {
        miss(run, "name", name, "Thunderbird looks there first", 0);
    }
    ask(run, VERDICT_WELL_KNOWN,
        apr_pstrcat(run->pool, url_at(run, "/.well-known/autoconfig/mail/"),
                    "config-v1.1.xml?emailaddress=", address, NULL),
        NULL, 0);
}

static void ask_redirect(const run_t *run)
{
    const char *name = name_below(run, "autodiscover.");

    if (check_dns_has_address(name) || run->options->net.connect) {
        ask(run, VERDICT_REDIRECT,
            apr_pstrcat(run->pool, "http://", name,
                        "/autodiscover/autodiscover.xml", NULL),
            NULL, 0);
    }
}

/* --- SRV records of mail clients (RFC 6186, RFC 6764) --- */

static const struct {
    verdict_question_e question;
    const char *offered; /* in its answer, when there is such a server */
    const char *service;
} services[] = {
    {VERDICT_WELL_KNOWN, "type=\"imap\"", "_imaps._tcp."},
    {VERDICT_WELL_KNOWN, "type=\"pop3\"", "_pop3s._tcp."},
    {VERDICT_WELL_KNOWN, "type=\"smtp\"", "_submissions._tcp."},
    {VERDICT_PROFILE, "com.apple.caldav.account", "_caldavs._tcp."},
    {VERDICT_PROFILE, "com.apple.carddav.account", "_carddavs._tcp."},
};

static int is_offered(const run_t *run, verdict_question_e question,
                      const char *text)
{
    const apr_array_header_t *all = run->report->exchanges;
    int i;

    for (i = 0; i < all->nelts; i++) {
        const check_exchange_t *x = &APR_ARRAY_IDX(all, i, check_exchange_t);

        if (x->question == question && strstr(x->reply.bytes, text)) {
            return 1;
        }
    }
    return 0;
}

static void look_for_services(const run_t *run)
{
    apr_size_t i;
    int port;

    for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        const char *name = name_below(run, services[i].service);

        if (is_offered(run, services[i].question, services[i].offered) &&
            !check_dns_srv(name, &port, run->pool)) {
            miss(run, "SRV record", name, "mail clients of phones look there",
                 0);
        }
    }
}

void check_run(check_report_t *report, const check_options_t *options,
               apr_pool_t *pool)
{
    run_t run = {report, options, pool};

    report->address = options->address;
    report->trace = apr_array_make(pool, 16, sizeof(char *));
    report->exchanges = apr_array_make(pool, 16, sizeof(check_exchange_t));
    report->missing = apr_array_make(pool, 16, sizeof(check_missing_t));
    report->host = options->host ? options->host : find_host(&run);
    if (options->host && !answers_at(&run, options->host)) {
        report->host = NULL;
    }
    if (!report->host) {
        return;
    }
    if (options->password) {
        ask_with_login(&run);
    }
    ask_json(&run);
    ask_autoconfig(&run);
    ask_redirect(&run);
    look_for_services(&run);
}

int check_run_status(const check_report_t *report)
{
    int i, n, bad = 0;

    if (!report->host) {
        return 3;
    }
    for (i = 0; i < report->exchanges->nelts; i++) {
        const check_exchange_t *x =
            &APR_ARRAY_IDX(report->exchanges, i, check_exchange_t);

        for (n = 0; n < x->verdicts->nelts; n++) {
            bad |= APR_ARRAY_IDX(x->verdicts, n, verdict_t).verdict ==
                   VERDICT_FAILS;
        }
    }
    for (i = 0; i < report->missing->nelts; i++) {
        bad |= APR_ARRAY_IDX(report->missing, i, check_missing_t).is_needed;
    }
    return bad;
}
