/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "spool_format.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

static const char magic[] = "smtp-submit 1 ";
enum { ENVELOPE_AT = 14, MESSAGE_AT = 25, SHA1_AT = 46 };

/* ---- head ---- */

void spool_format_head(char out[SPOOL_HEAD_LEN + 1], const spool_head_t *head)
{
    apr_snprintf(out, SPOOL_HEAD_LEN,
                 "%s%010" APR_SIZE_T_FMT " %020" APR_OFF_T_FMT " ", magic,
                 head->envelope_len, head->message_len);
    apr_escape_hex(out + SHA1_AT, head->sha1, APR_SHA1_DIGESTSIZE, 0, NULL);
    memcpy(out + SPOOL_HEAD_LEN - 1, "\n", 2);
}

/* What is read must be exactly what would be written: no sign, no capitals. */
int spool_parse_head(spool_head_t *head, const char in[SPOOL_HEAD_LEN])
{
    char text[SPOOL_HEAD_LEN + 1];

    memcpy(text, in, SPOOL_HEAD_LEN);
    text[SPOOL_HEAD_LEN] = '\0';
    head->envelope_len = (apr_size_t)apr_strtoi64(text + ENVELOPE_AT, NULL, 10);
    head->message_len = (apr_off_t)apr_strtoi64(text + MESSAGE_AT, NULL, 10);
    if (head->envelope_len > SPOOL_ENVELOPE_MAX || head->message_len < 0 ||
        apr_unescape_hex(head->sha1, text + SHA1_AT, 2 * APR_SHA1_DIGESTSIZE, 0,
                         NULL) != APR_SUCCESS) {
        return 0;
    }
    spool_format_head(text, head);
    return memcmp(text, in, SPOOL_HEAD_LEN) == 0;
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

static void add_line(apr_array_header_t *lines, const char *word,
                     const char *value, apr_pool_t *pool)
{
    if (value) {
        APR_ARRAY_PUSH(lines, const char *) =
            apr_pstrcat(pool, word, " ", one_line(value, pool), "\n", NULL);
    }
}

const char *spool_format_envelope(const spool_envelope_t *e, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, 32, sizeof(char *));
    int i;

    add_line(lines, "sender", e->sender, pool);
    add_line(lines, "date",
             apr_psprintf(pool, "%" APR_TIME_T_FMT, apr_time_sec(e->date)),
             pool);
    add_line(lines, "message-id", e->message_id, pool);
    add_line(lines, "eightbit", e->eightbit ? "" : NULL, pool);
    add_line(lines, "notice", e->notice ? "" : NULL, pool);
    add_line(lines, "notify", e->notify, pool);
    add_line(lines, "return", e->returns, pool);
    add_line(lines, "envelope-id", e->envelope_id, pool);
    for (i = 0; i < e->recipients->nelts; i++) {
        add_line(lines, "recipient",
                 APR_ARRAY_IDX(e->recipients, i, const char *), pool);
    }
    add_line(lines, "to", e->to, pool);
    add_line(lines, "subject", e->subject, pool);
    return apr_array_pstrcat(pool, lines, 0);
}

static void add_recipient(spool_mail_t *mail, const char *address)
{
    spool_recipient_t *recipient = apr_array_push(mail->recipients);

    recipient->address = address;
    recipient->result = SPOOL_PENDING;
    recipient->text = "";
    APR_ARRAY_PUSH(mail->envelope.recipients, const char *) = address;
}

#define TEXT(name) offsetof(spool_envelope_t, name)

/* Words whose value is kept as it is. */
static const struct {
    const char *word;
    size_t offset;
} texts[] = {
    {"sender", TEXT(sender)},           {"to", TEXT(to)},
    {"subject", TEXT(subject)},         {"message-id", TEXT(message_id)},
    {"notify", TEXT(notify)},           {"return", TEXT(returns)},
    {"envelope-id", TEXT(envelope_id)},
};

static void take_line(spool_mail_t *mail, const char *word, const char *value)
{
    spool_envelope_t *e = &mail->envelope;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(word, texts[i].word) == 0) {
            *(const char **)(void *)((char *)e + texts[i].offset) = value;
        }
    }
    if (strcmp(word, "recipient") == 0) {
        add_recipient(mail, value);
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
