/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "show.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <string.h>

static const char rule[] = "-----\n";

static const char *line(const char *label, const char *value, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%-36s: %s\n", label, value);
}

/* ---- the guide's layout ---- */

static const char *tls_word(const submit_config_t *config)
{
    if (!config->tls) {
        return "Disabled";
    }
    return strcmp(config->tls, "smtps") == 0 ? "SMTPS" : "STARTTLS";
}

/* Authentication to Use TLS appear only when one of them is configured. */
static const char *options(const submit_config_t *config, apr_pool_t *pool)
{
    const char *text = "";

    if (!config->method && !config->port && !config->tls) {
        return text;
    }
    if (config->method) {
        text = apr_pstrcat(pool, line("Authentication", config->method, pool),
                           line("Username", config->username, pool), NULL);
    }
    text = apr_pstrcat(
        pool, text,
        line("Port", apr_itoa(pool, submit_config_port(config)), pool), NULL);
    return config->tls
               ? apr_pstrcat(pool, text,
                             line("Use TLS", tls_word(config), pool), NULL)
               : text;
}

/* What the guide has no word for is said only when there is something to say. */
static const char *status(const spool_mail_t *mail, int failed,
                          apr_pool_t *pool)
{
    const char *problem = mail->problem;
    int i;

    for (i = 0; i < mail->recipients->nelts; i++) {
        const spool_recipient_t *r =
            &APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t);

        if (r->result == SPOOL_FAILED || r->result == SPOOL_LATER) {
            problem = r->text;
        }
    }
    if (failed) {
        return line("Status", apr_pstrcat(pool, "failed: ", problem, NULL),
                    pool);
    }
    if (mail->in_doubt) {
        return line("Status", "in doubt: the server may have this mail", pool);
    }
    return mail->attempts
               ? line("Status", apr_pstrcat(pool, "waiting: ", problem, NULL),
                      pool)
               : "";
}

static const char *messages(const apr_array_header_t *mails, int failed,
                            apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(char *));
    int i;

    for (i = 0; i < mails->nelts; i++) {
        const spool_mail_t *mail = &APR_ARRAY_IDX(mails, i, spool_mail_t);

        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrcat(pool, line("To", mail->envelope.to, pool),
                        line("Subject", mail->envelope.subject, pool),
                        line("Message-ID", mail->id, pool),
                        status(mail, failed, pool), NULL);
    }
    return apr_array_pstrcat(pool, parts, 0);
}

const char *show_mail(const submit_config_t *config, int debug, int alive,
                      const apr_array_header_t *waiting,
                      const apr_array_header_t *failed, apr_pool_t *pool)
{
    return apr_pstrcat(
        pool, "Mail Settings\n", rule,
        line("State", alive ? "Alive" : "Stopped", pool),
        line("SMTP Server", config->server ? config->server : "", pool),
        line("Host Name", config->from ? config->from : "", pool),
        options(config, pool),
        line("Debug", debug ? "Enabled" : "Disabled", pool), "\nMessages\n",
        rule, messages(waiting, 0, pool), messages(failed, 1, pool), NULL);
}

const char *show_counters(const spool_counters_t *c, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "Mail Client (SMTP) counters\n"
                        "%-21s..... %" APR_UINT64_T_FMT "\n"
                        "%-21s..... %" APR_UINT64_T_FMT "\n",
                        "Mails Sent", c->sent, "Mails Sent Fails", c->failed);
}

/* ---- JSON ---- */

static const char *json_text(const char *text, apr_pool_t *pool)
{
    char *out, *start;

    if (!text) {
        return "null";
    }
    start = out = apr_palloc(pool, strlen(text) * 6 + 3);
    *out++ = '"';
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == '"' || c == '\\') {
            apr_snprintf(out, 7, "\\u%04x", c);
            out += 6;
        }
        else {
            *out++ = (char)c;
        }
    }
    *out++ = '"';
    *out = '\0';
    return start;
}

static const char *member(const char *name, const char *value, apr_pool_t *pool)
{
    return apr_pstrcat(pool, json_text(name, pool), ": ", value, NULL);
}

static const char *json_recipients(const spool_mail_t *mail, apr_pool_t *pool)
{
    static const char *const words[] = {"pending", "sent", "later", "failed"};
    apr_array_header_t *parts = apr_array_make(pool, 4, sizeof(char *));
    int i;

    for (i = 0; i < mail->recipients->nelts; i++) {
        const spool_recipient_t *r =
            &APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t);

        APR_ARRAY_PUSH(parts, const char *) = apr_pstrcat(
            pool, "{", member("address", json_text(r->address, pool), pool),
            ", ", member("result", json_text(words[r->result], pool), pool),
            ", ", member("text", json_text(r->text, pool), pool), "}", NULL);
    }
    return apr_pstrcat(pool, "[", apr_array_pstrcat(pool, parts, ','), "]",
                       NULL);
}

static const char *json_mails(const apr_array_header_t *mails, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(char *));
    int i;

    for (i = 0; i < mails->nelts; i++) {
        const spool_mail_t *mail = &APR_ARRAY_IDX(mails, i, spool_mail_t);

        APR_ARRAY_PUSH(parts, const char *) = apr_pstrcat(
            pool, "\n    {", member("id", json_text(mail->id, pool), pool),
            ", ", member("from", json_text(mail->envelope.sender, pool), pool),
            ", ",
            member("subject", json_text(mail->envelope.subject, pool), pool),
            ", ", member("attempts", apr_itoa(pool, mail->attempts), pool),
            ", ",
            member("next", apr_ltoa(pool, (long)apr_time_sec(mail->next)),
                   pool),
            ", ", member("in_doubt", mail->in_doubt ? "true" : "false", pool),
            ", ", member("problem", json_text(mail->problem, pool), pool), ", ",
            member("recipients", json_recipients(mail, pool), pool), "}", NULL);
    }
    return apr_pstrcat(pool, "[", apr_array_pstrcat(pool, parts, ','), "]",
                       NULL);
}

const char *show_mail_json(const submit_config_t *config, int debug, int alive,
                           const apr_array_header_t *waiting,
                           const apr_array_header_t *failed, apr_pool_t *pool)
{
    return apr_pstrcat(
        pool, "{\n  ",
        member("state", alive ? "\"Alive\"" : "\"Stopped\"", pool), ",\n  ",
        member("server", json_text(config->server, pool), pool), ",\n  ",
        member("from", json_text(config->from, pool), pool), ",\n  ",
        member("authentication", json_text(config->method, pool), pool),
        ",\n  ", member("username", json_text(config->username, pool), pool),
        ",\n  ",
        member("port", apr_itoa(pool, submit_config_port(config)), pool),
        ",\n  ", member("tls", json_text(config->tls, pool), pool), ",\n  ",
        member("debug", debug ? "true" : "false", pool), ",\n  ",
        member("messages", json_mails(waiting, pool), pool), ",\n  ",
        member("failed", json_mails(failed, pool), pool), "\n}\n", NULL);
}

const char *show_counters_json(const spool_counters_t *c, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "{\"sent\": %" APR_UINT64_T_FMT
                        ", \"failed\": %" APR_UINT64_T_FMT
                        ", \"sent_total\": %" APR_UINT64_T_FMT
                        ", \"failed_total\": %" APR_UINT64_T_FMT "}\n",
                        c->sent, c->failed, c->sent_total, c->failed_total);
}
