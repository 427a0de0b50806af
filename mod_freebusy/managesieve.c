/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "managesieve.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <string.h>

#define QUOTED_MAX 1000 /* longer strings go as literals */

/* Bytes being read; a failure is kept until the end. */
typedef struct input_t {
    const char *at, *end;
    apr_status_t rv;
    apr_pool_t *pool;
} input_t;

static int peek(input_t *in)
{
    if (in->rv == APR_SUCCESS && in->at == in->end) {
        in->rv = APR_INCOMPLETE;
    }
    return in->rv == APR_SUCCESS ? (unsigned char)*in->at : -1;
}

static void malformed(input_t *in)
{
    if (in->rv == APR_SUCCESS) {
        in->rv = APR_EINVAL;
    }
}

static void expect(input_t *in, char c)
{
    if (peek(in) == c) {
        in->at++;
    }
    else {
        malformed(in);
    }
}

static const char *quoted(input_t *in)
{
    const char *start = ++in->at;
    char *text, *to;
    int c;

    while ((c = peek(in)) >= 0 && c != '"') {
        in->at += c == '\\' ? 2 : 1;
        if (in->at > in->end) {
            in->at = in->end;
        }
    }
    if (c < 0) {
        return "";
    }
    text = to = apr_palloc(in->pool, (apr_size_t)(in->at - start) + 1);
    for (; start < in->at; start++) {
        if (*start == '\\' && start + 1 < in->at) {
            start++;
        }
        *to++ = *start;
    }
    *to = '\0';
    in->at++;
    return text;
}

/* {12} or {12+}, CR LF, so many bytes. */
static const char *literal(input_t *in)
{
    apr_size_t n = 0;
    const char *text;

    in->at++;
    while (apr_isdigit(peek(in))) {
        n = n * 10 + (apr_size_t)(*in->at++ - '0');
        if (n > MANAGESIEVE_ANSWER_MAX) {
            in->rv = APR_ENOSPC;
        }
    }
    if (peek(in) == '+') {
        in->at++;
    }
    expect(in, '}');
    expect(in, '\r');
    expect(in, '\n');
    if (in->rv == APR_SUCCESS && (apr_size_t)(in->end - in->at) < n) {
        in->rv = APR_INCOMPLETE;
    }
    if (in->rv != APR_SUCCESS) {
        return "";
    }
    text = apr_pstrmemdup(in->pool, in->at, n);
    in->at += n;
    return text;
}

static const char *atom(input_t *in)
{
    const char *start = in->at;
    int c;

    while ((c = peek(in)) >= 0 && (apr_isalnum(c) || strchr("-_/.:=", c))) {
        in->at++;
    }
    if (in->at == start) {
        malformed(in);
    }
    return apr_pstrmemdup(in->pool, start, (apr_size_t)(in->at - start));
}

/* A response code in parentheses: its first word counts. */
static const char *code(input_t *in)
{
    const char *word;
    int c;

    in->at++;
    word = atom(in);
    while ((c = peek(in)) >= 0 && c != ')') {
        if (c == '"') {
            quoted(in);
        }
        else if (c == '{') {
            literal(in);
        }
        else {
            in->at++;
        }
    }
    expect(in, ')');
    return word;
}

static const char *word(input_t *in)
{
    switch (peek(in)) {
    case '"':
        return quoted(in);
    case '{':
        return literal(in);
    default:
        return atom(in);
    }
}

static void end_of_line(input_t *in)
{
    if (peek(in) == '\r') {
        in->at++;
    }
    expect(in, '\n');
}

static int status_of(const char *text, managesieve_status_e *status)
{
    static const char *const names[] = {"OK", "NO", "BYE"};
    int i;

    for (i = 0; i < 3; i++) {
        if (apr_cstr_casecmp(text, names[i]) == 0) {
            *status = (managesieve_status_e)i;
            return 1;
        }
    }
    return 0;
}

/* What follows OK, NO or BYE. */
static void read_status(managesieve_answer_t *answer, input_t *in)
{
    while (peek(in) == ' ') {
        in->at++;
        if (peek(in) == '(') {
            answer->code = code(in);
        }
        else {
            answer->text = word(in);
        }
    }
    end_of_line(in);
}

/* One line of words.  1 when it was the status line. */
static int read_line(managesieve_answer_t *answer, input_t *in)
{
    apr_array_header_t *words = apr_array_make(in->pool, 2, sizeof(char *));
    int is_atom = peek(in) >= 0 && *in->at != '"' && *in->at != '{';
    const char *first = word(in);

    if (in->rv == APR_SUCCESS && is_atom && status_of(first, &answer->status)) {
        read_status(answer, in);
        return 1;
    }
    APR_ARRAY_PUSH(words, const char *) = first;
    while (peek(in) == ' ') {
        in->at++;
        APR_ARRAY_PUSH(words, const char *) = word(in);
    }
    end_of_line(in);
    APR_ARRAY_PUSH(answer->lines, apr_array_header_t *) = words;
    return 0;
}

apr_status_t managesieve_read(managesieve_answer_t *answer, const char *bytes,
                              apr_size_t len, apr_size_t *used,
                              apr_pool_t *pool)
{
    input_t in = {bytes, bytes + len, APR_SUCCESS, pool};

    memset(answer, 0, sizeof(*answer));
    answer->lines = apr_array_make(pool, 8, sizeof(apr_array_header_t *));
    while (!read_line(answer, &in) && in.rv == APR_SUCCESS) {
        if (answer->lines->nelts > MANAGESIEVE_LINES_MAX) {
            in.rv = APR_ENOSPC;
        }
    }
    *used = (apr_size_t)(in.at - bytes);
    if (in.rv == APR_INCOMPLETE && len >= MANAGESIEVE_ANSWER_MAX) {
        return APR_ENOSPC;
    }
    return in.rv;
}

/* 1 when `word` is among the blank-separated words of `list`. */
static int is_among(const char *list, const char *wanted)
{
    apr_size_t len = strlen(wanted);

    while (*list) {
        apr_size_t n = strcspn(list, " ");

        if (n == len && apr_cstr_casecmpn(list, wanted, n) == 0) {
            return 1;
        }
        list += n + strspn(list + n, " ");
    }
    return 0;
}

int managesieve_has(const managesieve_answer_t *answer, const char *name,
                    const char *value)
{
    int i;

    for (i = 0; i < answer->lines->nelts; i++) {
        const apr_array_header_t *line =
            APR_ARRAY_IDX(answer->lines, i, apr_array_header_t *);

        if (apr_cstr_casecmp(APR_ARRAY_IDX(line, 0, const char *), name) == 0 &&
            (!value ||
             (line->nelts > 1 &&
              is_among(APR_ARRAY_IDX(line, 1, const char *), value)))) {
            return 1;
        }
    }
    return 0;
}

/* Quoted where that is allowed, else a literal that does not wait. */
static const char *string(const char *text, apr_pool_t *pool)
{
    apr_size_t len = strlen(text);

    if (len <= QUOTED_MAX && !strpbrk(text, "\"\\\r\n")) {
        return apr_pstrcat(pool, "\"", text, "\"", NULL);
    }
    return apr_psprintf(pool, "{%" APR_SIZE_T_FMT "+}\r\n%s", len, text);
}

const char *managesieve_command(apr_pool_t *pool, const char *verb, ...)
{
    const char *line = verb, *argument;
    va_list arguments;

    va_start(arguments, verb);
    while ((argument = va_arg(arguments, const char *)) != NULL) {
        line = apr_pstrcat(pool, line, " ", string(argument, pool), NULL);
    }
    va_end(arguments);
    return apr_pstrcat(pool, line, "\r\n", NULL);
}
