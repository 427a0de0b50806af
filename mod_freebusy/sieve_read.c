/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The reading half of sieve.h: the tokens of RFC 5228 section 8.1 as far as our
 * own writer makes them.  Comments and the strings after :mime are what counts;
 * text inside a string is never taken for a comment. */

#include "sieve.h"
#include "datetime.h"
#include "sieve_words.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

typedef struct reader_t {
    const char *at, *end;
    oof_t *oof;
    const char *include;
    oof_reply_t *reply; /* which one the next :mime belongs to */
    int mime;           /* the next string is a message */
    unsigned seen;      /* settings, by bit of their row */
    int replies;        /* how many messages were read */
    const char *why;
    apr_pool_t *pool;
} reader_t;

static int refuse(reader_t *rd, const char *why)
{
    rd->why = why;
    return 0;
}

static int read_time(apr_int64_t *out, const char *text)
{
    datetime_t t;

    if (datetime_parse(&t, text) != APR_SUCCESS) {
        return 0;
    }
    *out = t.seconds - t.offset;
    return 1;
}

static int set_state(reader_t *rd, const char *text)
{
    return oof_state_read(&rd->oof->state, text);
}

static int set_audience(reader_t *rd, const char *text)
{
    return oof_audience_read(&rd->oof->audience, text);
}

static int set_start(reader_t *rd, const char *text)
{
    return read_time(&rd->oof->start, text);
}

static int set_end(reader_t *rd, const char *text)
{
    return read_time(&rd->oof->end, text);
}

static int set_internal_language(reader_t *rd, const char *text)
{
    rd->oof->internal.language = text;
    return 1;
}

static int set_external_language(reader_t *rd, const char *text)
{
    rd->oof->external.language = text;
    return 1;
}

static int set_own(reader_t *rd, const char *text)
{
    rd->include = text;
    return *text != '\0';
}

#define REQUIRED 0xfu /* the first four rows */

static const struct {
    const char *word;
    int (*set)(reader_t *rd, const char *text);
} settings[] = {
    {SIEVE_STATE, set_state},
    {SIEVE_AUDIENCE, set_audience},
    {SIEVE_START, set_start},
    {SIEVE_END, set_end},
    {SIEVE_INTERNAL_LANGUAGE, set_internal_language},
    {SIEVE_EXTERNAL_LANGUAGE, set_external_language},
    {SIEVE_OWN, set_own},
};

static int comment(reader_t *rd)
{
    const char *eol = memchr(rd->at, '\n', (apr_size_t)(rd->end - rd->at));
    apr_size_t len = (apr_size_t)((eol ? eol : rd->end) - rd->at), i;
    const char *line;

    if (len > 0 && rd->at[len - 1] == '\r') {
        len--;
    }
    line = apr_pstrmemdup(rd->pool, rd->at, len);
    rd->at = eol ? eol + 1 : rd->end;
    if (strcmp(line, SIEVE_INTERNAL) == 0) {
        rd->reply = &rd->oof->internal;
    }
    else if (strcmp(line, SIEVE_EXTERNAL) == 0) {
        rd->reply = &rd->oof->external;
    }
    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        apr_size_t word = strlen(settings[i].word);

        if (strncmp(line, settings[i].word, word) == 0) {
            if ((rd->seen & 1u << i) || !settings[i].set(rd, line + word)) {
                return refuse(rd, "script has a setting that makes no sense");
            }
            rd->seen |= 1u << i;
        }
    }
    return 1;
}

static int hex(char c)
{
    const char *digits = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* In place; NULL when malformed.  Line breaks are all soft. */
static const char *decode_qp(char *text)
{
    char *from = text, *to = text;

    while (*from) {
        if (*from != '=') {
            *to++ = *from++;
        }
        else if (from[1] == '\n') {
            from += 2;
        }
        else if (from[1] == '\r' && from[2] == '\n') {
            from += 3;
        }
        else if (hex(from[1]) >= 0 && hex(from[2]) >= 0 &&
                 (hex(from[1]) || hex(from[2]))) {
            *to++ = (char)(hex(from[1]) << 4 | hex(from[2]));
            from += 3;
        }
        else {
            return NULL;
        }
    }
    *to = '\0';
    return text;
}

/* The string after :mime: headers, an empty line, the message. */
static int message(reader_t *rd, char *part)
{
    char *body = strstr(part, "\n\n");
    int qp;

    if (!body || !rd->reply || ++rd->replies > 2) {
        return refuse(rd, "script has a reply that is no MIME part of ours");
    }
    *body = '\0';
    qp = strstr(part, SIEVE_QP) != NULL;
    rd->reply->message = qp ? decode_qp(body + 2) : body + 2;
    if (!rd->reply->message) {
        return refuse(rd, "script has a reply of broken encoding");
    }
    rd->reply = NULL;
    rd->mime = 0;
    return 1;
}

static int string(reader_t *rd)
{
    char *text = NULL, *to;

    if (rd->mime) { /* the others are not kept */
        text = apr_palloc(rd->pool, (apr_size_t)(rd->end - rd->at) + 1);
    }
    to = text;
    for (rd->at++; rd->at < rd->end && *rd->at != '"'; rd->at++) {
        if (*rd->at == '\\' && ++rd->at == rd->end) {
            break;
        }
        if (text) {
            *to++ = *rd->at;
        }
    }
    if (rd->at >= rd->end) {
        return refuse(rd, "script has a string without end");
    }
    rd->at++;
    if (!text) {
        return 1;
    }
    *to = '\0';
    return message(rd, text);
}

static int token(reader_t *rd)
{
    apr_size_t left = (apr_size_t)(rd->end - rd->at);

    if (*rd->at == '#') {
        return comment(rd);
    }
    if (*rd->at == '"') {
        return string(rd);
    }
    if (left > 5 && memcmp(rd->at, ":mime", 5) == 0) {
        rd->mime = 1;
        rd->at += 5;
        return 1;
    }
    rd->at++;
    return 1;
}

apr_status_t sieve_read(oof_t *oof, const char **include, const char *script,
                        apr_size_t len, const char **why, apr_pool_t *pool)
{
    reader_t rd = {.at = script, .end = script + len, .oof = oof, .pool = pool};
    apr_size_t first = strlen(SIEVE_FIRST_LINE);

    *why = "script is not one of ours";
    if (len <= first || memcmp(script, SIEVE_FIRST_LINE, first) != 0 ||
        !strchr("\r\n", script[first])) {
        return APR_EMISMATCH;
    }
    *why = "script is too long or holds a NUL";
    if (len > SIEVE_MAX || memchr(script, '\0', len)) {
        return APR_EINVAL;
    }
    oof_defaults(oof, 0);
    while (rd.at < rd.end) {
        if (!token(&rd)) {
            *why = rd.why;
            return APR_EINVAL;
        }
    }
    if ((rd.seen & REQUIRED) != REQUIRED) {
        *why = "script lacks a setting";
        return APR_EINVAL;
    }
    *include = rd.include;
    *why = NULL;
    return APR_SUCCESS;
}
