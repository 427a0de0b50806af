/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "reply.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

void reply_reader_init(reply_reader_t *r)
{
    r->len = 0;
    r->lines = 0;
    r->code = 0;
    r->text_len = 0;
}

static void keep(reply_reader_t *r, const char *text, apr_size_t len)
{
    for (; len > 0 && r->text_len < REPLY_TEXT_MAX - 1; text++, len--) {
        unsigned char c = (unsigned char)*text;

        r->text[r->text_len++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
}

/* One line without its end.  1: the reply is whole, 0: it goes on, -1: wrong. */
static int take_line(reply_reader_t *r, const char **why)
{
    const char *s = r->line;
    int code;

    if (r->len < 3 || !apr_isdigit(s[0]) || !apr_isdigit(s[1]) ||
        !apr_isdigit(s[2]) || s[0] < '2' || s[0] > '5' ||
        (r->len > 3 && s[3] != ' ' && s[3] != '-')) {
        *why = "the server's answer is no SMTP reply";
        return -1;
    }
    code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
    if (r->lines > 0 && code != r->code) {
        *why = "the server's answer changes its code";
        return -1;
    }
    if (++r->lines > REPLY_LINES_MAX) {
        *why = "the server's answer has too many lines";
        return -1;
    }
    r->code = code;
    if (r->lines == 1) {
        keep(r, s, 3);
    }
    if (r->len > 4) {
        keep(r, " ", 1);
        keep(r, s + 4, r->len - 4);
    }
    return r->len == 3 || s[3] == ' ';
}

apr_status_t reply_read(reply_reader_t *r, const char **data, apr_size_t *len,
                        reply_t *reply, const char **why)
{
    while (*len > 0) {
        char c = *(*data)++;
        int whole;

        --*len;
        if (c != '\n') {
            if (r->len == sizeof(r->line)) {
                *why = "the server's answer has too long a line";
                return APR_EINVAL;
            }
            r->line[r->len++] = c;
            continue;
        }
        if (r->len > 0 && r->line[r->len - 1] == '\r') {
            r->len--;
        }
        whole = take_line(r, why);
        r->len = 0;
        if (whole < 0) {
            return APR_EINVAL;
        }
        if (whole) {
            r->text[r->text_len] = '\0';
            reply->code = r->code;
            reply->text = r->text;
            reply_reader_init(r);
            return APR_SUCCESS;
        }
    }
    return APR_INCOMPLETE;
}

static const struct {
    const char *keyword;
    size_t offset;
} offered[] = {
    {"PIPELINING", offsetof(reply_offers_t, pipelining)},
    {"8BITMIME", offsetof(reply_offers_t, eightbitmime)},
    {"SMTPUTF8", offsetof(reply_offers_t, smtputf8)},
    {"DSN", offsetof(reply_offers_t, dsn)},
    {"CHUNKING", offsetof(reply_offers_t, chunking)},
    {"STARTTLS", offsetof(reply_offers_t, starttls)},
    {"SIZE", offsetof(reply_offers_t, size)},
};

void reply_offer(reply_offers_t *offers, const char *line, apr_size_t len,
                 apr_pool_t *pool)
{
    char *word = apr_pstrmemdup(pool, line, len), *rest;
    size_t i;

    word[strcspn(word, "\r\n")] = '\0';
    rest = word + strcspn(word, " =");
    if (*rest) {
        *rest++ = '\0';
    }
    for (i = 0; i < sizeof(offered) / sizeof(offered[0]); i++) {
        if (apr_cstr_casecmp(word, offered[i].keyword) == 0) {
            *(int *)(void *)((char *)offers + offered[i].offset) = 1;
        }
    }
    if (apr_cstr_casecmp(word, "SIZE") == 0 && strlen(rest) < 16) {
        offers->max_size = apr_atoi64(rest);
    }
    if (apr_cstr_casecmp(word, "AUTH") == 0) {
        offers->auth = rest;
    }
}
