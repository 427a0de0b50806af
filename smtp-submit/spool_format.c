/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "spool_format.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

static const char magic[] = "smtp-submit 1 ";

/* ---- head ---- */

static void put_number(char *out, int width, apr_uint64_t value)
{
    while (width-- > 0) {
        out[width] = (char)('0' + value % 10);
        value /= 10;
    }
}

static int get_number(const char *in, int width, apr_uint64_t *value)
{
    for (*value = 0; width-- > 0; in++) {
        if (!apr_isdigit(*in) || *value > APR_INT64_MAX / 10 - 1) {
            return 0;
        }
        *value = *value * 10 + (apr_uint64_t)(*in - '0');
    }
    return 1;
}

void spool_format_head(char out[SPOOL_HEAD_LEN + 1], const spool_head_t *head)
{
    static const char hex[] = "0123456789abcdef";
    int i;

    memcpy(out, magic, 14);
    put_number(out + 14, 10, head->envelope_len);
    out[24] = ' ';
    put_number(out + 25, 20, (apr_uint64_t)head->message_len);
    out[45] = ' ';
    for (i = 0; i < APR_SHA1_DIGESTSIZE; i++) {
        out[46 + 2 * i] = hex[head->sha1[i] >> 4];
        out[47 + 2 * i] = hex[head->sha1[i] & 15];
    }
    out[86] = '\n';
    out[87] = '\0';
}

static int hex_value(char c)
{
    static const char hex[] = "0123456789abcdef";
    const char *at = c ? strchr(hex, c) : NULL;

    return at ? (int)(at - hex) : -1;
}

int spool_parse_head(spool_head_t *head, const char in[SPOOL_HEAD_LEN])
{
    apr_uint64_t envelope, message;
    int i;

    if (memcmp(in, magic, 14) != 0 || !get_number(in + 14, 10, &envelope) ||
        in[24] != ' ' || !get_number(in + 25, 20, &message) || in[45] != ' ' ||
        in[86] != '\n' || envelope > SPOOL_ENVELOPE_MAX) {
        return 0;
    }
    for (i = 0; i < APR_SHA1_DIGESTSIZE; i++) {
        int high = hex_value(in[46 + 2 * i]), low = hex_value(in[47 + 2 * i]);

        if (high < 0 || low < 0) {
            return 0;
        }
        head->sha1[i] = (unsigned char)(high << 4 | low);
    }
    head->envelope_len = (apr_size_t)envelope;
    head->message_len = (apr_off_t)message;
    return 1;
}

/* ---- envelope ---- */

static const char *one_line(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *s;

    for (s = copy; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = ' ';
        }
    }
    return copy;
}

const char *spool_format_envelope(const spool_envelope_t *e, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 32, sizeof(char *));
    int i;

    APR_ARRAY_PUSH(parts, const char *) = apr_psprintf(
        pool,
        "sender %s\ndate %" APR_TIME_T_FMT "\nmessage-id %s\n%s%s%s%s%s%s%s%s",
        one_line(e->sender, pool), apr_time_sec(e->date),
        one_line(e->message_id, pool), e->eightbit ? "eightbit \n" : "",
        e->notice ? "notice \n" : "", e->notify ? "notify " : "",
        e->notify ? e->notify : "", e->notify ? "\n" : "",
        e->returns ? "return " : "", e->returns ? e->returns : "",
        e->returns ? "\n" : "");
    for (i = 0; i < e->recipients->nelts; i++) {
        APR_ARRAY_PUSH(parts, const char *) = apr_pstrcat(
            pool, "recipient ",
            one_line(APR_ARRAY_IDX(e->recipients, i, const char *), pool), "\n",
            NULL);
    }
    APR_ARRAY_PUSH(parts, const char *) =
        apr_pstrcat(pool, "to ", one_line(e->to, pool), "\nsubject ",
                    one_line(e->subject, pool), "\n", NULL);
    return apr_array_pstrcat(pool, parts, 0);
}

static void add_recipient(spool_mail_t *mail, const char *address)
{
    spool_recipient_t *recipient = apr_array_push(mail->recipients);

    recipient->address = address;
    recipient->result = SPOOL_PENDING;
    recipient->text = "";
    APR_ARRAY_PUSH(mail->envelope.recipients, const char *) = address;
}

static void take_line(spool_mail_t *mail, const char *word, const char *value)
{
    spool_envelope_t *e = &mail->envelope;

    if (strcmp(word, "sender") == 0) {
        e->sender = value;
    }
    else if (strcmp(word, "recipient") == 0) {
        add_recipient(mail, value);
    }
    else if (strcmp(word, "to") == 0) {
        e->to = value;
    }
    else if (strcmp(word, "subject") == 0) {
        e->subject = value;
    }
    else if (strcmp(word, "message-id") == 0) {
        e->message_id = value;
    }
    else if (strcmp(word, "date") == 0) {
        e->date = apr_time_from_sec(apr_atoi64(value));
    }
    else if (strcmp(word, "eightbit") == 0) {
        e->eightbit = 1;
    }
    else if (strcmp(word, "notice") == 0) {
        e->notice = 1;
    }
    else if (strcmp(word, "notify") == 0) {
        e->notify = value;
    }
    else if (strcmp(word, "return") == 0) {
        e->returns = value;
    }
}

int spool_parse_envelope(spool_mail_t *mail, const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *state, *line;

    memset(&mail->envelope, 0, sizeof(mail->envelope));
    mail->envelope.recipients = apr_array_make(pool, 4, sizeof(char *));
    mail->recipients = apr_array_make(pool, 4, sizeof(spool_recipient_t));
    mail->envelope.to = mail->envelope.subject = "";
    for (line = apr_strtok(copy, "\n", &state); line;
         line = apr_strtok(NULL, "\n", &state)) {
        char *blank = strchr(line, ' ');

        if (!blank) {
            return 0;
        }
        *blank = '\0';
        take_line(mail, line, blank + 1);
    }
    return mail->envelope.sender && mail->envelope.message_id &&
           mail->recipients->nelts > 0 &&
           mail->recipients->nelts <= SPOOL_RECIPIENTS_MAX;
}

/* ---- journal ---- */

static const char *const result_words[] = {"pending", "sent", "later",
                                           "failed"};

const char *spool_format_result(spool_result_t result, apr_time_t now,
                                int index, const char *text, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s %" APR_TIME_T_FMT " %d %s\n",
                        result_words[result], apr_time_sec(now), index,
                        one_line(text, pool));
}

const char *spool_format_event(const char *word, apr_time_t when,
                               const char *text, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s %" APR_TIME_T_FMT " %s\n", word,
                        apr_time_sec(when), one_line(text, pool));
}

static void take_result(spool_mail_t *mail, spool_result_t result, char *rest)
{
    char *text = strchr(rest, ' ');
    apr_int64_t index = apr_atoi64(rest);
    spool_recipient_t *recipient;

    mail->in_doubt = 0;
    if (!text || index < 0 || index >= mail->recipients->nelts) {
        return;
    }
    recipient = &APR_ARRAY_IDX(mail->recipients, (int)index, spool_recipient_t);
    recipient->result = result;
    recipient->text = text + 1;
}

/* "retry": what was given up is pending again. */
static void take_retry(spool_mail_t *mail)
{
    int i;

    mail->attempts = 0;
    mail->next = 0;
    mail->in_doubt = 0;
    for (i = 0; i < mail->recipients->nelts; i++) {
        spool_recipient_t *recipient =
            &APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t);

        if (recipient->result == SPOOL_FAILED) {
            recipient->result = SPOOL_PENDING;
        }
    }
}

static void take_event(spool_mail_t *mail, char *line)
{
    char *when = strchr(line, ' '), *rest;
    int i;

    if (!when || !(rest = strchr(when + 1, ' '))) {
        return;
    }
    *when++ = '\0';
    *rest++ = '\0';
    for (i = SPOOL_SENT; i <= SPOOL_FAILED; i++) {
        if (strcmp(line, result_words[i]) == 0) {
            take_result(mail, (spool_result_t)i, rest);
        }
    }
    if (strcmp(line, "dot") == 0) {
        mail->in_doubt = 1;
    }
    else if (strcmp(line, "attempt") == 0) {
        mail->attempts++;
        mail->problem = rest;
    }
    else if (strcmp(line, "next") == 0) {
        mail->next = apr_time_from_sec(apr_atoi64(when));
    }
    else if (strcmp(line, "retry") == 0) {
        take_retry(mail);
    }
    else if (strcmp(line, "notice") == 0) {
        mail->notified = 1;
    }
}

void spool_parse_journal(spool_mail_t *mail, const char *text, apr_pool_t *pool)
{
    char *line = apr_pstrdup(pool, text), *end;

    mail->attempts = 0;
    mail->next = 0;
    mail->in_doubt = 0;
    mail->notified = 0;
    mail->problem = "";
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        take_event(mail, line);
    }
}
