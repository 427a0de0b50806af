/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "runner.h"
#include "notice.h"
#include "secret.h"
#include "spool_format.h"

#include <apr_strings.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_SECONDS = 60,
    RETRY_LONGEST = 3600,
    GIVE_UP_SECONDS = 5 * 24 * 3600,
    BATCH = 100, /* mails on one connection */
    RECONNECTS = 5
};

int runner_backoff(int first, int attempts)
{
    int seconds = first;

    while (--attempts > 0 && seconds < RETRY_LONGEST) {
        seconds *= 2;
    }
    return seconds < RETRY_LONGEST ? seconds : RETRY_LONGEST;
}

/* ---- what became of a mail ---- */

static const struct {
    dialogue_verdict_t verdict;
    spool_result_t result;
} results[] = {
    {DIALOGUE_TAKEN, SPOOL_SENT},
    {DIALOGUE_REFUSED, SPOOL_FAILED},
    {DIALOGUE_LATER, SPOOL_LATER},
};

static const char *result_line(delivery_t *d, int i)
{
    const dialogue_recipient_t *r = &d->recipients[i];
    spool_recipient_t *kept =
        &APR_ARRAY_IDX(d->mail.recipients, d->indexes[i], spool_recipient_t);
    size_t k;

    for (k = 0; k < sizeof(results) / sizeof(results[0]); k++) {
        if (results[k].verdict == r->verdict) {
            kept->result = results[k].result;
            kept->text = r->text;
            return spool_format_result(kept->result, apr_time_now(),
                                       d->indexes[i], r->text, d->pool);
        }
    }
    return "";
}

static int in_doubt(const delivery_t *d)
{
    int i;

    for (i = 0; i < d->tx.count; i++) {
        if (d->recipients[i].verdict == DIALOGUE_DOUBT) {
            return 1;
        }
    }
    return 0;
}

/* The lines for a mail that stays: what was wrong, and when it comes again. */
static const char *retry_lines(runner_t *r, spool_mail_t *mail,
                               const char *problem)
{
    apr_time_t now = apr_time_now();
    int first = submit_config_seconds(r->config->retry_after, RETRY_SECONDS);
    int seconds = runner_backoff(first, ++mail->attempts);

    /* A fifth more or less, so that mails do not come back all at once. */
    seconds = seconds * 4 / 5 + (int)(random() % (seconds * 2 / 5 + 1));
    mail->next = now + apr_time_from_sec(seconds);
    mail->problem = problem;
    return apr_pstrcat(
        mail->pool, spool_format_event("attempt", now, problem, mail->pool),
        spool_format_event("next", mail->next, "", mail->pool), NULL);
}

/* A text that says why the mail is not sent: of a recipient that failed, else
 * of one that has to wait. */
static const char *problem_of(const spool_mail_t *mail)
{
    const char *text = "";
    int i;

    for (i = 0; i < mail->recipients->nelts; i++) {
        const spool_recipient_t *r =
            &APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t);

        if (r->result == SPOOL_FAILED) {
            return r->text;
        }
        text = r->result == SPOOL_LATER ? r->text : text;
    }
    return text;
}

static int any_failed(const spool_mail_t *mail)
{
    int i;

    for (i = 0; i < mail->recipients->nelts; i++) {
        if (APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t).result ==
            SPOOL_FAILED) {
            return 1;
        }
    }
    return 0;
}

/* No recipient is pending: counts the mail and takes it out of the queue. */
static void close_mail(runner_t *r, spool_mail_t *mail)
{
    int failed = any_failed(mail), rv;

    r->result = failed ? RUNNER_FAILED : RUNNER_SENT;
    r->text = apr_pstrdup(r->pool, problem_of(mail));
    r->sent += !failed;
    r->failed += failed;
    spool_count(r->spool, !failed, failed, mail->pool);
    if (failed) {
        notice_send(r->config, mail, r->log);
    }
    rv = spool_finish(mail);
    if (rv) {
        report(r->log, LOG_ERR, PN(15001) "mail %s: %s", mail->id,
               strerror(rv));
    }
}

static void log_result(const runner_t *r, const delivery_t *d)
{
    int i;

    for (i = 0; i < d->tx.count; i++) {
        const dialogue_recipient_t *one = &d->recipients[i];

        if (one->verdict == DIALOGUE_TAKEN) {
            report(r->log, LOG_DEBUG, "Recipient accepted [%s]", one->address);
            report(r->log, LOG_DEBUG, "Mail sent for %s. Closing connection",
                   one->address);
            report(r->log, LOG_INFO, PN(15002) "mail %s to %s sent: %s",
                   d->mail.id, one->address, one->text);
        }
        else {
            report(r->log, LOG_WARNING, PN(15003) "mail %s to %s %s: %s",
                   d->mail.id, one->address,
                   one->verdict == DIALOGUE_REFUSED ? "refused"
                   : one->verdict == DIALOGUE_DOUBT ? "in doubt"
                                                    : "postponed",
                   one->text);
        }
    }
}

/* Journals what the transaction came to.  When another mail follows, its dot or
 * its own result flushes this one's, too. */
static void settle(runner_t *r, delivery_t *d, int more)
{
    spool_mail_t *mail = &d->mail;
    const char *lines = "";
    int i, doubt = in_doubt(d), rv;

    for (i = 0; i < d->tx.count; i++) {
        lines = apr_pstrcat(d->pool, lines, result_line(d, i), NULL);
    }
    if (doubt) {
        lines = apr_pstrcat(
            d->pool, lines,
            spool_format_event("dot", apr_time_now(), "", d->pool), NULL);
    }
    if (spool_pending(mail) > 0) {
        lines = apr_pstrcat(
            d->pool, lines,
            retry_lines(r, mail,
                        doubt ? r->session->problem : problem_of(mail)),
            NULL);
    }
    log_result(r, d);
    rv = more ? spool_journal_soon(mail, lines) : spool_journal(mail, lines);
    if (rv) {
        report(r->log, LOG_ERR, PN(15004) "mail %s: journal: %s", mail->id,
               strerror(rv));
    }
    if (spool_pending(mail) == 0) {
        close_mail(r, mail);
        return;
    }
    r->later++;
    r->result = doubt ? RUNNER_DOUBT : RUNNER_LATER;
    r->text = apr_pstrdup(r->pool, mail->problem);
    spool_release(mail);
}

/* The server cannot be used: only the mail that found out waits for its next
 * time, the others are tried as soon as the server is. */
static void postpone(runner_t *r, delivery_t *d)
{
    spool_journal(&d->mail, retry_lines(r, &d->mail, r->text));
    r->later++;
    spool_release(&d->mail);
}

/* ---- the connection ---- */

static void end_session(runner_t *r)
{
    if (r->session) {
        session_end(r->session);
        apr_pool_destroy(r->session_pool);
        r->session = NULL;
    }
}

static transport_outcome_t connect_to(runner_t *r, transport_t **t,
                                      const char *password, const char **why)
{
    const submit_config_t *config = r->config;
    transport_outcome_t outcome = transport_open(
        t, config, config->server, password, r->log, why, r->session_pool);

    if (outcome == TRANSPORT_DOWN && config->backup) {
        report(r->log, LOG_NOTICE,
               PN(15005) "server %s: %s; trying the backup server %s",
               config->server, *why, config->backup);
        outcome = transport_open(t, config, config->backup, password, r->log,
                                 why, r->session_pool);
    }
    return outcome;
}

static const struct {
    transport_outcome_t outcome;
    runner_result_t result;
} outcomes[] = {
    {TRANSPORT_DOWN, RUNNER_LATER},
    {TRANSPORT_TLS, RUNNER_LATER},
    {TRANSPORT_AUTH, RUNNER_AUTH},
    {TRANSPORT_REFUSED, RUNNER_CONFIG},
};

static int no_session(runner_t *r, runner_result_t result, const char *why)
{
    r->result = result;
    r->text = apr_pstrdup(r->pool, why);
    apr_pool_destroy(r->session_pool);
    report(r->log, LOG_WARNING, PN(15006) "server %s: %s",
           r->config->server ? r->config->server : "-", r->text);
    return 0;
}

/* 1 when there is a connection on which a mail can begin. */
static int have_session(runner_t *r)
{
    const char *password, *why = "";
    transport_t *transport;
    transport_outcome_t outcome;
    size_t i;

    if (r->session) {
        return 1;
    }
    apr_pool_create(&r->session_pool, r->pool);
    apr_pool_tag(r->session_pool, "smtp-session");
    if (!r->config->server) {
        return no_session(r, RUNNER_CONFIG,
                          "no server is configured, use \"mail smtpserver\"");
    }
    if (secret_password(&password, r->config, &why, r->session_pool) !=
        APR_SUCCESS) {
        return no_session(r, RUNNER_CONFIG, why);
    }
    outcome = connect_to(r, &transport, password, &why);
    for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (outcomes[i].outcome == outcome) {
            return no_session(r, outcomes[i].result, why);
        }
    }
    if (r->config->no_verify && r->config->tls) {
        report(r->log, LOG_WARNING,
               PN(15007) "the certificate of %s is not verified",
               r->config->server);
    }
    r->session = session_create(transport, r->log, r->session_pool);
    r->session->progress = r->progress;
    return 1;
}

/* ---- which mail comes next ---- */

/* A mail whose time is over fails with what was last said. */
static void give_up(runner_t *r, spool_mail_t *mail)
{
    const char *lines = "";
    int i;

    for (i = 0; i < mail->recipients->nelts; i++) {
        spool_recipient_t *one =
            &APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t);

        if (one->result == SPOOL_PENDING || one->result == SPOOL_LATER) {
            one->result = SPOOL_FAILED;
            one->text = apr_psprintf(mail->pool, "given up: %s",
                                     *one->text ? one->text : mail->problem);
            lines =
                apr_pstrcat(mail->pool, lines,
                            spool_format_result(SPOOL_FAILED, apr_time_now(), i,
                                                one->text, mail->pool),
                            NULL);
        }
    }
    report(r->log, LOG_WARNING, PN(15008) "mail %s: given up: %s", mail->id,
           mail->problem);
    spool_journal(mail, lines);
    close_mail(r, mail);
}

/* 1 when the mail's time has come.  A time far ahead is one that was noted
 * before the clock was set back. */
static int is_due(runner_t *r, const spool_mail_t *mail)
{
    apr_time_t now = apr_time_now();

    if (r->now || mail->next <= now ||
        mail->next > now + apr_time_from_sec(2 * RETRY_LONGEST)) {
        return 1;
    }
    if (r->next == 0 || mail->next < r->next) {
        r->next = mail->next;
    }
    return 0;
}

static int is_expired(const runner_t *r, const spool_mail_t *mail)
{
    apr_time_t age = apr_time_now() - mail->envelope.date;

    return mail->attempts > 0 &&
           age > apr_time_from_sec(submit_config_seconds(
                     r->config->give_up_after, GIVE_UP_SECONDS));
}

static int is_held(const runner_t *r, const spool_mail_t *mail)
{
    return mail->in_doubt && r->config->in_doubt &&
           strcmp(r->config->in_doubt, "hold") == 0;
}

/* Takes the lock of a mail and decides whether it is to be sent now. */
static delivery_t *take(runner_t *r, const char *id, int wait)
{
    apr_pool_t *pool;
    delivery_t *d;
    const char *why = "";
    int rv;

    apr_pool_create(&pool, r->pool);
    apr_pool_tag(pool, "smtp-delivery");
    d = apr_pcalloc(pool, sizeof(*d));
    d->pool = pool;
    rv = spool_lock(&d->mail, r->spool, "new", id, wait, &why, pool);
    if (rv == 0 && spool_pending(&d->mail) == 0) {
        close_mail(r, &d->mail); /* a runner died before it could */
    }
    else if (rv == 0 && is_held(r, &d->mail)) {
        r->result = RUNNER_DOUBT;
        r->text = "the server may have the mail; \"retry\" or \"delete\" it";
    }
    else if (rv == 0 && !wait && !is_due(r, &d->mail)) {
        r->result = RUNNER_LATER;
    }
    else if (rv == 0 && is_expired(r, &d->mail)) {
        give_up(r, &d->mail);
    }
    else if (rv == 0) {
        session_prepare(d);
        return d;
    }
    else if (rv != ENOENT && rv != EWOULDBLOCK) {
        r->trouble = rv;
        r->trouble_text = apr_pstrdup(r->pool, why);
        r->result = RUNNER_LATER;
        r->text = r->trouble_text;
        report(r->log, LOG_ERR, PN(15009) "mail %s %s and stays where it is",
               id, rv == EBADMSG ? "is damaged" : strerror(rv));
    }
    apr_pool_destroy(pool);
    return NULL;
}

static delivery_t *next_mail(runner_t *r)
{
    while (r->ids && r->id_at < r->ids->nelts) {
        delivery_t *d =
            take(r, APR_ARRAY_IDX(r->ids, r->id_at++, const char *), 0);

        if (d) {
            return d;
        }
    }
    return NULL;
}

/* ---- the work ---- */

/* 1 when the mail was not at fault: an old connection broke before its dot. */
static int deserves_another(const runner_t *r, const delivery_t *d)
{
    int i;

    for (i = 0; i < d->tx.count; i++) {
        if (d->recipients[i].verdict != DIALOGUE_LATER) {
            return 0;
        }
    }
    return r->session->broken && r->session->mails > 1 &&
           r->reconnects < RECONNECTS;
}

/* One mail, already begun or not, together with the envelope of the next, which
 * is returned. */
static delivery_t *deliver(runner_t *r, delivery_t *d, int begun)
{
    session_t *s = r->session;
    delivery_t *next = NULL;

    if (!begun) {
        session_begin(s, d);
    }
    if (session_envelope(s, d)) {
        if (dialogue_pipelines(s->dialogue) && s->mails < BATCH) {
            next = next_mail(r);
        }
        session_message(s, d, next);
    }
    return next;
}

static void work(runner_t *r, delivery_t *d)
{
    int begun = 0;

    while (d) {
        delivery_t *next;

        progress_mail(r->progress, r->ids ? r->id_at : 1,
                      r->ids ? r->ids->nelts : 1);
        if (!have_session(r)) {
            postpone(r, d);
            apr_pool_destroy(d->pool);
            return;
        }
        next = deliver(r, d, begun);
        begun = next != NULL;
        if (deserves_another(r, d)) {
            if (next) {
                r->id_at--; /* it was the last one taken */
                apr_pool_destroy(next->pool);
            }
            end_session(r);
            r->reconnects++;
            session_prepare(d);
            begun = 0;
            continue;
        }
        settle(r, d, next != NULL);
        apr_pool_destroy(d->pool);
        if (r->session->broken || r->session->mails >= BATCH) {
            end_session(r);
            if (begun) {
                session_prepare(next);
                begun = 0;
            }
        }
        d = next ? next : next_mail(r);
    }
}

runner_result_t runner_deliver(runner_t *r, const char *id)
{
    delivery_t *d;

    r->result = RUNNER_NOTHING;
    r->text = "";
    r->ids = NULL;
    d = take(r, id, 1);
    work(r, d);
    end_session(r);
    return r->result;
}

int runner_pass(runner_t *r, const char **why)
{
    int rv;

    r->result = RUNNER_NOTHING;
    r->text = "";
    r->next = 0;
    r->reconnects = 0;
    r->id_at = 0;
    rv = spool_list(r->spool, "new", &r->ids, why, r->pool);
    if (rv) {
        return rv;
    }
    spool_clean(r->spool, r->pool);
    r->trouble = 0;
    work(r, next_mail(r));
    end_session(r);
    return 0;
}

runner_result_t runner_test(runner_t *r, const char **text)
{
    const reply_offers_t *o;

    r->result = RUNNER_SENT;
    if (!have_session(r)) {
        *text = apr_pstrcat(r->pool, "% ", r->text, "\n", NULL);
        return r->result;
    }
    o = transport_offers(r->session->transport);
    *text = apr_pstrcat(
        r->pool, transport_describe(r->session->transport, r->pool), "\n",
        r->config->tls ? "TLS is on, the certificate is accepted\n"
                       : "TLS is off\n",
        r->config->method ? "The login succeeded\n"
                          : "No login is configured\n",
        "Offered:", o->pipelining ? " PIPELINING" : "",
        o->eightbitmime ? " 8BITMIME" : "", o->smtputf8 ? " SMTPUTF8" : "",
        o->dsn ? " DSN" : "", o->chunking ? " CHUNKING" : "",
        o->max_size
            ? apr_psprintf(r->pool, " SIZE %" APR_INT64_T_FMT, o->max_size)
            : "",
        o->auth ? apr_pstrcat(r->pool, " AUTH ", o->auth, NULL) : "", "\n",
        NULL);
    end_session(r);
    return r->result;
}
