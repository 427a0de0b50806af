/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "message.h"
#include "lib/utf8.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

enum {
    FOLD = 76,       /* RFC 2047 section 2: longest line with an encoded word */
    WORD_BYTES = 42, /* of UTF-8 in one encoded word of at most 75 bytes */
    LINE_MAX_OUT = 998 /* RFC 5322 section 2.1.1 */
};

/* ---- header ---- */

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_triple(char out[4], const unsigned char in[3], int len)
{
    out[0] = base64[in[0] >> 2];
    out[1] = base64[(in[0] & 3) << 4 | (len > 1 ? in[1] >> 4 : 0)];
    out[2] =
        len > 1 ? base64[(in[1] & 15) << 2 | (len > 2 ? in[2] >> 6 : 0)] : '=';
    out[3] = len > 2 ? base64[in[2] & 63] : '=';
}

static const char *encoded_word(const char *text, apr_size_t len,
                                apr_pool_t *pool)
{
    static const char start[] = "=?utf-8?B?";
    char *word = apr_palloc(pool, sizeof(start) + (len / 3 + 1) * 4 + 3), *out;
    apr_size_t i;

    memcpy(word, start, sizeof(start) - 1);
    out = word + sizeof(start) - 1;
    for (i = 0; i < len; i += 3, out += 4) {
        unsigned char in[3] = {0, 0, 0};
        apr_size_t n = len - i < 3 ? len - i : 3;

        memcpy(in, text + i, n);
        base64_triple(out, in, (int)n);
    }
    memcpy(out, "?=", 3);
    return word;
}

/* 1 when the text may stand in a header as it is. */
static int is_simple(const char *text)
{
    const char *s, *word = text;

    if (*text == ' ' || strstr(text, "=?")) {
        return 0;
    }
    for (s = text; *s; s++) {
        if (*s < 0x20 || *s == 0x7f) {
            return 0; /* also every byte of a UTF-8 sequence */
        }
        word = *s == ' ' ? s + 1 : word;
        if (s - word > FOLD) {
            return 0;
        }
    }
    return text == s || s[-1] != ' ';
}

/* Folds at blanks so that no line passes FOLD where that is possible. */
static const char *fold(const char *text, apr_size_t column, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, strlen(text) * 3 + 1), *to = out;

    while (*text) {
        apr_size_t len = 1 + strcspn(text + 1, " ");

        if (*text == ' ' && column + len > FOLD) {
            *to++ = '\r';
            *to++ = '\n';
            column = 0;
        }
        memcpy(to, text, len);
        to += len;
        text += len;
        column += len;
    }
    *to = '\0';
    return out;
}

const char *message_encode_text(const char *text, apr_size_t column,
                                apr_pool_t *pool)
{
    apr_array_header_t *words;
    apr_size_t left = strlen(text), room = WORD_BYTES - column / 2;

    if (is_simple(text)) {
        return fold(text, column, pool);
    }
    words = apr_array_make(pool, 4, sizeof(const char *));
    while (left > 0) {
        apr_size_t len = 0, n;

        while (len < left &&
               (n = utf8_char_length(text + len, left - len)) > 0 &&
               len + n <= room) {
            len += n;
        }
        len = len ? len : 1; /* no UTF-8: a byte is a byte */
        APR_ARRAY_PUSH(words, const char *) = encoded_word(text, len, pool);
        text += len;
        left -= len;
        room = WORD_BYTES;
    }
    text = APR_ARRAY_IDX(words, 0, const char *);
    for (left = 1; (int)left < words->nelts; left++) {
        text = apr_pstrcat(pool, text, "\r\n ",
                           APR_ARRAY_IDX(words, (int)left, const char *), NULL);
    }
    return text;
}

const char *message_parameter(const char *name, const char *value,
                              apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    char *encoded, *out;

    if (!value[strspn(value, plain)]) {
        return apr_pstrcat(pool, name, "=\"", value, "\"", NULL);
    }
    encoded = out = apr_palloc(pool, strlen(value) * 3 + 1);
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;

        if (strchr(plain, c)) {
            *out++ = (char)c;
        }
        else {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    *out = '\0';
    return apr_pstrcat(pool, name, "*=utf-8''", encoded, NULL);
}

const char *message_date(apr_time_t date, apr_pool_t *pool)
{
    apr_time_exp_t t;
    int minutes;

    apr_time_exp_lt(&t, date);
    minutes = abs(t.tm_gmtoff) / 60;
    return apr_psprintf(pool, "%s, %d %s %d %02d:%02d:%02d %c%02d%02d",
                        apr_day_snames[t.tm_wday], t.tm_mday,
                        apr_month_snames[t.tm_mon], t.tm_year + 1900, t.tm_hour,
                        t.tm_min, t.tm_sec, t.tm_gmtoff < 0 ? '-' : '+',
                        minutes / 60, minutes % 60);
}

/* "Name: <a>,\r\n <b>\r\n", or "" without addresses. */
static const char *address_field(const char *name,
                                 const apr_array_header_t *addresses,
                                 apr_pool_t *pool)
{
    apr_array_header_t *parts;
    int i;

    if (!addresses || addresses->nelts == 0) {
        return "";
    }
    parts = apr_array_make(pool, addresses->nelts * 3, sizeof(const char *));
    for (i = 0; i < addresses->nelts; i++) {
        APR_ARRAY_PUSH(parts, const char *) = i ? ",\r\n <" : " <";
        APR_ARRAY_PUSH(parts, const char *) =
            APR_ARRAY_IDX(addresses, i, const char *);
        APR_ARRAY_PUSH(parts, const char *) = ">";
    }
    return apr_pstrcat(pool, name, ":", apr_array_pstrcat(pool, parts, 0),
                       "\r\n", NULL);
}

static const char *content_fields(const message_header_t *h, apr_pool_t *pool)
{
    static const char *const names[] = {"7bit", "quoted-printable", "base64"};

    if (h->boundary) {
        return apr_pstrcat(pool,
                           "Content-Type: multipart/mixed;\r\n boundary=\"",
                           h->boundary, "\"\r\n", NULL);
    }
    return apr_pstrcat(pool, "Content-Type: text/plain; charset=", h->charset,
                       "\r\nContent-Transfer-Encoding: ", names[h->encoding],
                       "\r\n", NULL);
}

const char *message_header(const message_header_t *h, apr_pool_t *pool)
{
    return apr_pstrcat(
        pool, h->received ? h->received : "", address_field("To", h->to, pool),
        address_field("Cc", h->cc, pool), "From: <", h->from,
        ">\r\nSubject: ", message_encode_text(h->subject, 9, pool),
        "\r\nDate: ", message_date(h->date, pool), "\r\nMessage-ID: <",
        h->message_id, ">\r\nMIME-Version: 1.0\r\n", content_fields(h, pool),
        "\r\n", NULL);
}

/* ---- what a body holds ---- */

static void scan_utf8(message_scan_t *scan, unsigned char c)
{
    if (c < 0x80) {
        scan->not_utf8 |= scan->tail_len > 0;
        scan->tail_len = 0;
        return;
    }
    scan->tail[scan->tail_len++] = c;
    if (utf8_char_length((const char *)scan->tail, (apr_size_t)scan->tail_len) >
        0) {
        scan->tail_len = 0;
    }
    else if (scan->tail_len == 4) {
        scan->not_utf8 = 1;
        scan->tail_len = 0;
    }
}

void message_scan(message_scan_t *scan, const char *data, apr_size_t len)
{
    apr_size_t i;

    scan->bytes += (apr_off_t)len;
    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];

        scan->high += c >= 0x80;
        scan->nul += c == 0;
        scan_utf8(scan, c);
        scan->column = c == '\n' || c == '\r' ? 0 : scan->column + 1;
        if (scan->column > scan->longest) {
            scan->longest = scan->column;
        }
    }
}

message_encoding_t message_scan_encoding(message_scan_t *scan,
                                         const char **charset)
{
    scan->not_utf8 |= scan->tail_len > 0;
    *charset = scan->high == 0  ? "us-ascii"
               : scan->not_utf8 ? "unknown-8bit"
                                : "utf-8";
    if (scan->nul || scan->not_utf8 || scan->high * 3 > scan->bytes) {
        return MESSAGE_BASE64;
    }
    return scan->high || scan->longest > LINE_MAX_OUT ? MESSAGE_QUOTED_PRINTABLE
                                                      : MESSAGE_7BIT;
}

/* ---- the body ---- */

static void put(message_encoder_t *e, const char *data, apr_size_t len)
{
    if (!e->rv) {
        e->rv = e->sink(e->baton, data, len);
    }
}

void message_encoder_init(message_encoder_t *e, message_encoding_t encoding,
                          message_sink_t sink, void *baton)
{
    memset(e, 0, sizeof(*e));
    e->encoding = encoding;
    e->sink = sink;
    e->baton = baton;
}

static void qp_octet(message_encoder_t *e, unsigned char c, int encode)
{
    static const char hex[] = "0123456789ABCDEF";
    char out[3] = {'=', hex[c >> 4], hex[c & 15]};
    int len = encode ? 3 : 1;

    if (e->column + len > 75) {
        put(e, "=\r\n", 3);
        e->column = 0;
    }
    put(e, encode ? out : (const char *)&c, (apr_size_t)len);
    e->column += len;
}

/* A blank is held back until it is known whether the line ends behind it
 * (RFC 2045 section 6.7, rule 3). */
static void qp_byte(message_encoder_t *e, unsigned char c)
{
    if (e->held) {
        qp_octet(e, (unsigned char)e->held, 0);
        e->held = 0;
    }
    if (c == ' ' || c == '\t') {
        e->held = c;
        return;
    }
    /* A dot at the start of a line and "From " are what gateways spoil. */
    qp_octet(e, c,
             c >= 0x7f || c == '=' || c < 0x20 ||
                 (e->column == 0 && (c == '.' || c == 'F')));
}

static void base64_byte(message_encoder_t *e, unsigned char c)
{
    char out[4];

    e->triple[e->triple_len++] = c;
    if (e->triple_len < 3) {
        return;
    }
    base64_triple(out, e->triple, 3);
    put(e, out, 4);
    e->triple_len = 0;
    e->column += 4;
    if (e->column == 76) {
        put(e, "\r\n", 2);
        e->column = 0;
    }
}

static void line_end(message_encoder_t *e)
{
    if (e->encoding == MESSAGE_BASE64) {
        base64_byte(e, '\r');
        base64_byte(e, '\n');
        return;
    }
    if (e->held) {
        qp_octet(e, (unsigned char)e->held, 1);
        e->held = 0;
    }
    put(e, "\r\n", 2);
    e->column = 0;
}

static void one_byte(message_encoder_t *e, unsigned char c)
{
    if (e->encoding == MESSAGE_BASE64) {
        base64_byte(e, c);
    }
    else {
        qp_byte(e, c);
    }
}

/* A run of bytes of 7-bit text goes out in one piece. */
static apr_size_t plain_run(message_encoder_t *e, const char *data,
                            apr_size_t len)
{
    apr_size_t n = 0;

    while (n < len && data[n] != '\r' && data[n] != '\n') {
        n++;
    }
    if (n > 0) {
        put(e, data, n);
        e->column = 1;
        e->after_cr = 0;
    }
    return n;
}

int message_encode(message_encoder_t *e, const char *data, apr_size_t len)
{
    apr_size_t i = 0;

    while (i < len && !e->rv) {
        unsigned char c;

        if (e->encoding == MESSAGE_7BIT) {
            i += plain_run(e, data + i, len - i);
            if (i == len) {
                break;
            }
        }
        c = (unsigned char)data[i++];
        if (e->binary) {
            base64_byte(e, c);
        }
        else if (c == '\r' || (c == '\n' && !e->after_cr)) {
            line_end(e);
        }
        else if (c != '\n') {
            one_byte(e, c);
        }
        e->after_cr = c == '\r';
    }
    return e->rv;
}

int message_encode_end(message_encoder_t *e)
{
    char out[4];

    if (e->encoding != MESSAGE_BASE64) {
        if (e->held || e->column > 0) {
            line_end(e);
        }
        return e->rv;
    }
    if (e->triple_len > 0) {
        int len = e->triple_len;

        memset(e->triple + len, 0, (apr_size_t)(3 - len));
        base64_triple(out, e->triple, len);
        put(e, out, 4);
        e->column += 4;
    }
    if (e->column > 0) {
        put(e, "\r\n", 2);
    }
    return e->rv;
}

apr_size_t message_stuff(const char *data, apr_size_t len, char *out,
                         int *start)
{
    char *to = out;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (*start && data[i] == '.') {
            *to++ = '.';
        }
        *to++ = data[i];
        *start = data[i] == '\n';
    }
    return (apr_size_t)(to - out);
}
