/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "sendmail.h"
#include "dsn.h"

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

static const struct {
    char letter;
    sendmail_mode_t mode;
} modes[] = {
    {'m', SENDMAIL_DELIVER}, {'p', SENDMAIL_QUEUE}, {'i', SENDMAIL_NOTHING}};

/* What a program with a queue and no server of its own cannot do. */
static const struct {
    char letter;
    const char *what;
} cannot[] = {{'s', "SMTP on standard input"},
              {'S', "SMTP on standard input"},
              {'d', "a daemon that takes mail"},
              {'D', "a daemon that takes mail"},
              {'v', "to check addresses"},
              {'t', "a test of addresses"},
              {'h', "host status"},
              {'H', "host status"}};

static apr_status_t mode_option(sendmail_t *o, char letter, const char **why,
                                apr_pool_t *pool)
{
    const char *what = "";
    size_t i;

    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (modes[i].letter == letter) {
            o->mode = modes[i].mode;
            return APR_SUCCESS;
        }
    }
    for (i = 0; i < sizeof(cannot) / sizeof(cannot[0]); i++) {
        if (cannot[i].letter == letter) {
            what = apr_pstrcat(pool, " (", cannot[i].what, ")", NULL);
        }
    }
    *why = apr_psprintf(pool,
                        "%% Error: -b%.1s%s is not supported; -bm takes a "
                        "message, -bp shows the queue, -bi does nothing",
                        &letter, what);
    return APR_EINVAL;
}

/* -N, -R, -V: what the servers are to report (RFC 3461). */
static apr_status_t report_option(sendmail_t *o, char letter, const char *value,
                                  const char **why, apr_pool_t *pool)
{
    const char *expected = NULL;

    if (letter == 'N' && !(o->notify = dsn_notify(value, pool))) {
        expected = "never, or success, failure and delay with commas";
    }
    else if (letter == 'R' && !(o->returns = dsn_returns(value))) {
        expected = "full or hdrs";
    }
    else if (letter == 'V' &&
             !(o->envelope_id = dsn_envelope_id(value, pool))) {
        expected = "an envelope id of 1 to 100 characters";
    }
    if (!expected) {
        return APR_SUCCESS;
    }
    *why = apr_psprintf(pool, "%% Error: -%c \"%s\": expected %s", letter,
                        value, expected);
    return APR_EINVAL;
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

static apr_status_t value_option(sendmail_t *o, char letter, const char *value,
                                 const char **why, apr_pool_t *pool)
{
    switch (letter) {
    case 'f':
    case 'r':
        o->from = value;
        return APR_SUCCESS;
    case 'F':
        o->name = value;
        return APR_SUCCESS;
    case 'C':
        o->config_path = value;
        return APR_SUCCESS;
    default:
        return report_option(o, letter, value, why, pool);
    }
}

/* One word of options without values, such as -ti. */
static apr_status_t letters(sendmail_t *o, words_t *w, const char *s,
                            const char **why, apr_pool_t *pool)
{
    for (; *s; s++) {
        if (strchr(with_value, *s)) {
            return value_option(o, *s, value_of(w, s + 1), why, pool);
        }
        switch (*s) {
        case 'b':
            return mode_option(o, s[1], why, pool);
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
        if (letters(o, &w, word + 1, why, pool) != APR_SUCCESS) {
            return APR_EINVAL;
        }
    }
    for (; w.at < argc; w.at++) {
        APR_ARRAY_PUSH(o->recipients, const char *) = argv[w.at];
    }
    return APR_SUCCESS;
}
