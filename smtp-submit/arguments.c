/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "arguments.h"

#include <stdio.h>
#include <string.h>

static int is(const char *word, const char *one, const char *other)
{
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

/* The words in front of the command; the index of the first one behind. */
static int take_options(arguments_t *a, int argc, const char *const *argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (is(argv[i], "-c", "--config") && i + 1 < argc) {
            a->config_path = argv[++i];
        }
        else if (strncmp(argv[i], "--config=", 9) == 0) {
            a->config_path = argv[i] + 9;
        }
        else if (is(argv[i], "-d", "--debug")) {
            a->debug = 1;
        }
        else {
            break;
        }
    }
    return i;
}

/* "mail smtpserver ?" and "send --help" */
static int wants_help(const apr_array_header_t *words)
{
    const command_word_t *last =
        words->nelts ? &APR_ARRAY_IDX(words, words->nelts - 1, command_word_t)
                     : NULL;

    return last && !last->quoted &&
           (strcmp(last->text, "?") == 0 || is(last->text, "-h", "--help"));
}

static void refuse(arguments_t *a, const char *why)
{
    a->finished = 1;
    a->status = action_says(ACTION_USAGE, why);
}

void arguments_parse(arguments_t *a, int argc, const char *const *argv,
                     apr_pool_t *pool)
{
    apr_array_header_t *words;
    const char *why;
    int first;

    memset(a, 0, sizeof(*a));
    a->config_path = SUBMIT_CONFIG_PATH;
    first = take_options(a, argc, argv);
    if (command_from_argv(&words, argc - first, argv + first, &why, pool) !=
        APR_SUCCESS) {
        refuse(a, why);
        return;
    }
    if (wants_help(words)) {
        apr_array_pop(words);
        fputs(command_help(words, NULL, pool), stdout);
        a->finished = 1;
        return;
    }
    a->none = words->nelts == 0;
    if (command_parse(&a->command, words, &why, pool) != APR_SUCCESS) {
        refuse(a, why);
    }
}
