/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Path and query of autodiscover.json: two lines, any bytes.  The answer is
 * ASCII without a raw quote, control character or angle bracket in its texts. */

#include "mod_autodiscover/json.h"
#include "mod_autodiscover/json_question.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
    int quotes = 0;

    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e ||
            *text == '<' || *text == '>') {
            abort();
        }
        quotes += *text == '"';
    }
    if (quotes != 8) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    discover_json_question_t question;
    discover_answer_t answer = {0};
    char *path, *query;
    const char *text;

    if (!global) {
        apr_initialize();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    path = apr_pstrmemdup(pool, (const char *)data, size);
    query = strchr(path, '\n');
    if (query) {
        *query++ = '\0';
    }
    discover_json_question_parse(&question, path, query, pool);
    answer.ews_url = question.address;
    discover_json_print(&answer, question.protocol, &text, pool);
    check(text);
    discover_json_print(&answer, "Ews", &text, pool);
    check(text);
    apr_pool_destroy(pool);
    return 0;
}
