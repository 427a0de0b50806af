/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The command language: any line either means something or is refused with a
 * sentence; help never fails; quoting is read back as it was. */

#include "smtp-submit/command.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const apr_array_header_t *words, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < words->nelts; i++) {
        const char *text = APR_ARRAY_IDX(words, i, command_word_t).text;
        const char *quoted = command_quote(text, pool), *why;
        const char *line = apr_pstrcat(pool, "x ", quoted, NULL);
        apr_array_header_t *again;

        if (strlen(line) > COMMAND_LINE_MAX) {
            continue;
        }
        if (command_split(&again, line, strlen(line), &why, pool) !=
                APR_SUCCESS ||
            again->nelts != 2 ||
            strcmp(APR_ARRAY_IDX(again, 1, command_word_t).text, text) != 0) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    apr_pool_t *pool;
    apr_array_header_t *words;
    command_t command;
    const char *why = NULL;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&pool, root);
    if (command_split(&words, (const char *)data, size, &why, pool) ==
        APR_SUCCESS) {
        check_words(words, pool);
        (void)command_help(words, NULL, pool);
        (void)command_help(words, "s", pool);
        if (command_parse(&command, words, &why, pool) != APR_SUCCESS && !why) {
            abort();
        }
    }
    else if (!why) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
