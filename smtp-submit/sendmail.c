/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A message with its header: recipients out of it, what is missing into it,
 * what nobody may see out of it. */

#include "sendmail.h"
#include "body.h"
#include "enqueue.h"
#include "header.h"
#include "lib/mailaddr.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct letter_t {
    const sendmail_t *options;
    const submit_config_t *config;
    apr_array_header_t *fields;     /* of header_field_t */
    apr_array_header_t *recipients; /* of const char * */
    const char *sender;             /* "" for the null sender */
    body_t *body;
    apr_pool_t *pool;
} letter_t;

static int is(const header_field_t *field, const char *name)
{
    return apr_cstr_casecmp(field->name, name) == 0;
}

static int is_one_of(const header_field_t *field, const char *const *names)
{
    for (; *names; names++) {
        if (is(field, *names)) {
            return 1;
        }
    }
    return 0;
}

/* ---- the envelope ---- */

static const char *const to_fields[] = {"To", "Cc", "Bcc", NULL};
static const char *const resent_fields[] = {"Resent-To", "Resent-Cc",
                                            "Resent-Bcc", NULL};

/* With -t: the recipients that the header names; those of a resent message are
 * in its Resent- fields alone (RFC 5322 section 3.6.6). */
static void recipients_of_header(letter_t *l, apr_array_header_t *list)
{
    const char *const *names = to_fields;
    int i;

    for (i = 0; i < l->fields->nelts; i++) {
        if (is_one_of(&APR_ARRAY_IDX(l->fields, i, header_field_t),
                      resent_fields)) {
            names = resent_fields;
        }
    }
    for (i = 0; i < l->fields->nelts; i++) {
        const header_field_t *f = &APR_ARRAY_IDX(l->fields, i, header_field_t);

        if (is_one_of(f, names)) {
            header_addresses(f->value, list, l->pool);
        }
    }
}

static int has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return 1;
        }
    }
    return 0;
}

static int find_recipients(letter_t *l, const char **why)
{
    apr_array_header_t *list = apr_array_make(l->pool, 8, sizeof(char *));
    int i, rv;

    for (i = 0; i < l->options->recipients->nelts; i++) {
        const char *one =
            APR_ARRAY_IDX(l->options->recipients, i, const char *);

        if (has_control(one)) {
            *why = "% Error: a recipient holds a control character";
            return ENQUEUE_DATA;
        }
        header_addresses(one, list, l->pool);
    }
    if (l->options->from_header) {
        recipients_of_header(l, list);
    }
    l->recipients = apr_array_make(l->pool, 8, sizeof(char *));
    rv = enqueue_addresses(l->config, list, l->recipients, why, l->pool);
    if (!rv && l->recipients->nelts == 0) {
        *why = "% Error: the message has no recipient";
        rv = ENQUEUE_USAGE;
    }
    if (!rv && l->recipients->nelts > SPOOL_RECIPIENTS_MAX) {
        *why = "% Error: the message has more than 1000 recipients";
        rv = ENQUEUE_DATA;
    }
    return rv;
}

/* The address of -f; a name without @ and nothing at all stand for the
 * configured sender. */
static int find_sender(letter_t *l, const char **why)
{
    const char *from = l->options->from, *reason;
    mailaddr_t addr;

    l->sender = l->config->from;
    if (from && (!*from || strcmp(from, "<>") == 0)) {
        l->sender = "";
    }
    else if (from && strchr(from, '@')) {
        if (mailaddr_parse(&addr, from, strlen(from), &reason, l->pool) !=
            APR_SUCCESS) {
            *why = apr_psprintf(l->pool, "%% Error: \"%s\": %s", from, reason);
            return ENQUEUE_DATA;
        }
        l->sender = addr.text;
    }
    if (!l->sender) {
        *why = "% Error: no sender is configured, use \"mail from\"";
        return ENQUEUE_CONFIG;
    }
    return ENQUEUE_OK;
}

/* ---- the header ---- */

static const char *const dropped[] = {"Bcc", "Resent-Bcc", "Return-Path",
                                      "Content-Length", NULL};
static const char *const lists[] = {"To", "Cc", "Resent-To", "Resent-Cc", NULL};

/* Providers refuse "To: root": names that are aliases are replaced. */
static const char *replace_aliases(letter_t *l, const header_field_t *f)
{
    apr_array_header_t *found = apr_array_make(l->pool, 4, sizeof(char *));
    apr_array_header_t *out = apr_array_make(l->pool, 4, sizeof(char *));
    int i, replaced = 0;

    header_addresses(f->value, found, l->pool);
    for (i = 0; i < found->nelts; i++) {
        const char *one = APR_ARRAY_IDX(found, i, const char *);
        const char *alias =
            strchr(one, '@') ? NULL : submit_config_alias(l->config, one);

        replaced |= alias != NULL;
        APR_ARRAY_PUSH(out, const char *) = apr_pstrcat(
            l->pool, i ? ",\r\n <" : " <", alias ? alias : one, ">", NULL);
    }
    return replaced
               ? apr_pstrcat(l->pool, f->name, ":",
                             apr_array_pstrcat(l->pool, out, 0), "\r\n", NULL)
               : f->lines;
}

static int has_high(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80) {
            return 1;
        }
    }
    return 0;
}

static const char *field_text(letter_t *l, const header_field_t *f)
{
    if (is_one_of(f, lists)) {
        return replace_aliases(l, f);
    }
    if (is(f, "Subject") && has_high(f->value)) {
        return apr_pstrcat(
            l->pool, "Subject: ", message_encode_text(f->value, 9, l->pool),
            "\r\n", NULL);
    }
    return f->lines;
}

/* From, Date and Message-ID are there on every message (RFC 5322 section 3.6;
 * for Message-ID, RFC 6409 section 8.3). */
static const char *missing_fields(letter_t *l, const char *message_id)
{
    const char *from = *l->sender ? l->sender : l->config->from, *text = "";
    const char *name = l->options->name;

    if (!header_value(l->fields, "From") && from) {
        text = apr_pstrcat(l->pool, "From: ",
                           name ? message_encode_text(name, 6, l->pool) : "",
                           name ? " " : "", "<", from, ">\r\n", NULL);
    }
    if (!header_value(l->fields, "To") && !header_value(l->fields, "Cc")) {
        text = apr_pstrcat(l->pool, text, "To: undisclosed-recipients:;\r\n",
                           NULL);
    }
    if (!header_value(l->fields, "Date")) {
        text = apr_pstrcat(l->pool, text,
                           "Date: ", message_date(apr_time_now(), l->pool),
                           "\r\n", NULL);
    }
    if (!header_value(l->fields, "Message-ID")) {
        text = apr_pstrcat(l->pool, text, "Message-ID: <", message_id, ">\r\n",
                           NULL);
    }
    return text;
}

/* Text without MIME that is not plain ASCII in short lines becomes MIME; what
 * is MIME already stays as its writer made it. */
static const char *mime_fields(letter_t *l)
{
    static const char *const names[] = {"7bit", "quoted-printable", "base64"};

    if (header_value(l->fields, "MIME-Version") ||
        header_value(l->fields, "Content-Type")) {
        l->body->encoding = MESSAGE_7BIT;
        return "";
    }
    if (l->body->encoding == MESSAGE_7BIT) {
        return "";
    }
    l->body->high = 0;
    return apr_pstrcat(
        l->pool, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=",
        l->body->charset,
        "\r\nContent-Transfer-Encoding: ", names[l->body->encoding], "\r\n",
        NULL);
}

static const char *whole_header(letter_t *l, const char *message_id)
{
    apr_array_header_t *parts = apr_array_make(l->pool, 32, sizeof(char *));
    int i;

    for (i = 0; i < l->fields->nelts; i++) {
        const header_field_t *f = &APR_ARRAY_IDX(l->fields, i, header_field_t);

        if (!is_one_of(f, dropped)) {
            APR_ARRAY_PUSH(parts, const char *) = field_text(l, f);
        }
    }
    APR_ARRAY_PUSH(parts, const char *) = missing_fields(l, message_id);
    APR_ARRAY_PUSH(parts, const char *) = mime_fields(l);
    APR_ARRAY_PUSH(parts, const char *) = "\r\n";
    return apr_array_pstrcat(l->pool, parts, 0);
}

/* ---- into the queue ---- */

static int read_letter(letter_t *l, const spool_t *spool, int fd,
                       const char **why)
{
    char *head = apr_palloc(l->pool, HEADER_MAX);
    apr_size_t used;
    ssize_t n;
    int copy,
        rv = body_keep(fd, l->options->dot_ends, spool->dir, &copy, l->pool);

    n = rv ? -1 : pread(copy, head, HEADER_MAX, 0);
    if (n < 0) {
        *why = apr_psprintf(l->pool, "%% Error: the message cannot be read: %s",
                            strerror(rv ? rv : errno));
        return ENQUEUE_IO;
    }
    header_split(head, (apr_size_t)n, &l->fields, &used, l->pool);
    return body_at(&l->body, copy, (apr_off_t)used, why, l->pool) ? ENQUEUE_IO
                                                                  : ENQUEUE_OK;
}

static int write_letter(letter_t *l, const spool_t *spool, const char **id,
                        const char **why)
{
    spool_envelope_t e = {0};
    spool_writer_t *w;
    const char *text, *subject = header_value(l->fields, "Subject");
    int rv = spool_new(&w, spool, why, l->pool);

    if (rv) {
        return ENQUEUE_IO;
    }
    e.sender = l->sender;
    e.recipients = l->recipients;
    e.to = APR_ARRAY_IDX(l->recipients, 0, const char *);
    e.subject = subject ? subject : "";
    e.date = apr_time_now();
    e.message_id = enqueue_message_id(l->config, w->id, l->pool);
    e.notify = l->options->notify;
    e.returns = l->options->returns;
    e.envelope_id = l->options->envelope_id;
    text = whole_header(l, e.message_id);
    e.eightbit = l->body->high || has_high(text);
    rv = spool_begin(w, &e, why);
    rv = rv ? rv : spool_write(w, text, strlen(text));
    rv = rv ? rv : body_write(l->body, NULL, NULL, spool_write, w, l->pool);
    rv = rv ? rv : spool_commit(w, why);
    if (rv) {
        *why = *why ? *why : "% Error: the mail queue cannot be written";
        return ENQUEUE_IO;
    }
    *id = apr_pstrdup(l->pool, w->id);
    return ENQUEUE_OK;
}

int sendmail_enqueue(const sendmail_t *options, const submit_config_t *config,
                     const spool_t *spool, int fd, const char **id,
                     const char **why, apr_pool_t *pool)
{
    letter_t l = {0};
    int rv;

    *why = NULL;
    l.options = options;
    l.config = config;
    l.pool = pool;
    rv = find_sender(&l, why);
    rv = rv ? rv : read_letter(&l, spool, fd, why);
    rv = rv ? rv : find_recipients(&l, why);
    return rv ? rv : write_letter(&l, spool, id, why);
}
