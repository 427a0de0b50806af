/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Lines and arguments into words, and words into lines. */

#include "command.h"
#include "grammar.h"
#include "lib/utf8.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

static const char *bad_text(const char *text, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return "% Invalid input: control character";
        }
    }
    return utf8_is_valid(text, len) ? NULL : "% Invalid input: not UTF-8";
}

/* Reads one word at *s into `out`, without its quotes; NULL when a quote is
 * not closed. */
static char *read_word(const char **s, const char *end, char *out, int *quoted)
{
    int inside = 0;

    for (; *s < end; ++*s) {
        if (**s == '"') {
            inside = !inside;
            *quoted = 1;
        }
        else if (!inside && (**s == ' ' || **s == '\t')) {
            break;
        }
        else {
            if (inside && **s == '\\' && end - *s > 1 &&
                ((*s)[1] == '"' || (*s)[1] == '\\')) {
                ++*s;
            }
            *out++ = **s;
        }
    }
    *out = '\0';
    return inside ? NULL : out;
}

apr_status_t command_split(apr_array_header_t **words, const char *line,
                           apr_size_t len, const char **why, apr_pool_t *pool)
{
    const char *end;
    char *room;

    *words = apr_array_make(pool, 8, sizeof(command_word_t));
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
        len--;
    }
    if (len > COMMAND_LINE_MAX) {
        *why = "% Invalid input: the line is too long";
        return APR_EINVAL;
    }
    if ((*why = bad_text(line, len)) != NULL) {
        return APR_EINVAL;
    }
    end = line + len;
    room = apr_palloc(pool, 2 * len + 2);
    for (;;) {
        command_word_t word = {room, 0};

        while (line < end && (*line == ' ' || *line == '\t')) {
            line++;
        }
        if (line == end ||
            ((*words)->nelts == 0 && (*line == '!' || *line == '#'))) {
            return APR_SUCCESS;
        }
        room = read_word(&line, end, room, &word.quoted);
        if (!room || (*words)->nelts == COMMAND_WORDS_MAX) {
            *why = room ? "% Invalid input: too many words"
                        : "% Invalid input: missing quote";
            return APR_EINVAL;
        }
        room++;
        APR_ARRAY_PUSH(*words, command_word_t) = word;
    }
}

/* "--name=value" as "--name" and a quoted "value". */
static void push_argument(apr_array_header_t *words, const char *text,
                          apr_pool_t *pool)
{
    command_word_t word = {text, 0};
    const char *equals = strchr(text, '=');

    if (strncmp(text, "--", 2) == 0 && equals && apr_islower(text[2])) {
        word.text = apr_pstrmemdup(pool, text, (apr_size_t)(equals - text));
        APR_ARRAY_PUSH(words, command_word_t) = word;
        word.text = equals + 1;
        word.quoted = 1;
    }
    APR_ARRAY_PUSH(words, command_word_t) = word;
}

apr_status_t command_from_argv(apr_array_header_t **words, int argc,
                               const char *const *argv, const char **why,
                               apr_pool_t *pool)
{
    int i;

    *words = apr_array_make(pool, argc + 1, sizeof(command_word_t));
    if (argc > COMMAND_WORDS_MAX) {
        *why = "% Invalid input: too many words";
        return APR_EINVAL;
    }
    for (i = 0; i < argc; i++) {
        if ((*why = bad_text(argv[i], strlen(argv[i]))) != NULL) {
            return APR_EINVAL;
        }
        push_argument(*words, argv[i], pool);
    }
    return APR_SUCCESS;
}

static int is_plain(const char *text)
{
    const char *s;

    if (!*text || strcmp(text, "8") == 0 || strncmp(text, "--", 2) == 0) {
        return 0;
    }
    for (s = text; *s; s++) {
        if (!apr_isalnum(*s) && !strchr("@._-+/=:,[]%", *s)) {
            return 0;
        }
    }
    return 1;
}

static const char *in_quotes(const char *text, apr_pool_t *pool)
{
    char *quoted, *out;

    quoted = out = apr_palloc(pool, 2 * strlen(text) + 3);
    *out++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            *out++ = '\\';
        }
        *out++ = *text;
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}

const char *command_quote(const char *text, apr_pool_t *pool)
{
    return is_plain(text) ? text : in_quotes(text, pool);
}

const char *command_quote_keyword(const char *text, apr_pool_t *pool)
{
    return grammar_starts_keyword(text) ? in_quotes(text, pool)
                                        : command_quote(text, pool);
}
