/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "sendmail.h"

#include <apr_strings.h>
#include <string.h>

int sendmail_is_name(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');
    const char *name = slash ? slash + 1 : argv0;

    return strcmp(name, "sendmail") == 0 || strcmp(name, "mailq") == 0 ||
           strcmp(name, "newaliases") == 0;
}

/* Options with a value, in the same word or the next one. */
static const char with_value[] = "fFrBNRVLOCXdhpAM";

typedef struct words_t {
    int argc, at;
    const char *const *argv;
} words_t;

static const char *value_of(words_t *w, const char *rest)
{
    if (*rest) {
        return rest;
    }
    return w->at + 1 < w->argc ? w->argv[++w->at] : "";
}

static apr_status_t mode_option(sendmail_t *o, char letter, const char **why)
{
    switch (letter) {
    case 'm':
        o->mode = SENDMAIL_DELIVER;
        return APR_SUCCESS;
    case 'p':
        o->mode = SENDMAIL_QUEUE;
        return APR_SUCCESS;
    case 'i':
        o->mode = SENDMAIL_NOTHING;
        return APR_SUCCESS;
    default:
        *why = "% Error: of the -b options only -bm, -bp and -bi are known";
        return APR_EINVAL;
    }
}

static void o_option(sendmail_t *o, const char *rest)
{
    if (*rest == 'i') {
        o->dot_ends = 0;
    }
    else if (*rest == 'd' && rest[1]) {
        o->when = rest[1];
    }
}

/* One word of options without values, such as -ti. */
static apr_status_t letters(sendmail_t *o, words_t *w, const char *s,
                            const char **why)
{
    for (; *s; s++) {
        if (strchr(with_value, *s)) {
            char letter = *s;
            const char *value = value_of(w, s + 1);

            if (letter == 'f' || letter == 'r') {
                o->from = value;
            }
            else if (letter == 'F') {
                o->name = value;
            }
            else if (letter == 'C') {
                o->config_path = value;
            }
            return APR_SUCCESS;
        }
        switch (*s) {
        case 'b':
            return mode_option(o, s[1], why);
        case 'q':
            o->mode = SENDMAIL_FLUSH;
            return APR_SUCCESS;
        case 'o':
            o_option(o, s + 1);
            return APR_SUCCESS;
        case 't':
            o->from_header = 1;
            break;
        case 'i':
            o->dot_ends = 0;
            break;
        default:
            break; /* -v, -n, -U, -G, ...: nothing to do */
        }
    }
    return APR_SUCCESS;
}

apr_status_t sendmail_options(sendmail_t *o, int argc, const char *const *argv,
                              const char **why, apr_pool_t *pool)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    words_t w = {argc, 1, argv};

    memset(o, 0, sizeof(*o));
    o->dot_ends = 1;
    o->when = 'b';
    o->config_path = SUBMIT_CONFIG_PATH;
    o->recipients = apr_array_make(pool, 4, sizeof(const char *));
    if (strcmp(name, "mailq") == 0) {
        o->mode = SENDMAIL_QUEUE;
    }
    else if (strcmp(name, "newaliases") == 0) {
        o->mode = SENDMAIL_NOTHING;
    }
    for (; w.at < argc; w.at++) {
        const char *word = argv[w.at];

        if (strcmp(word, "--") == 0) {
            w.at++;
            break;
        }
        if (word[0] != '-' || !word[1]) {
            break;
        }
        if (letters(o, &w, word + 1, why) != APR_SUCCESS) {
            return APR_EINVAL;
        }
    }
    for (; w.at < argc; w.at++) {
        APR_ARRAY_PUSH(o->recipients, const char *) = argv[w.at];
    }
    return APR_SUCCESS;
}
