/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What a client asks for, up to the first line end, and the words of one row
 * of the map, divided by blanks. */

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mod_rpcproxy/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define WORDS_MAX 8

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    apr_initialize();
    return 0;
}

static void check_endpoints(const target_rule_t *rule, int port)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    char text[TARGET_ENDPOINT_TEXT];
    int i;

    for (i = 0; i < rule->backends; i++) {
        target_endpoint_t e;

        target_endpoint(&e, &rule->backend[i], (struct sockaddr *)&six,
                        sizeof(six), port);
        if (strlen(target_endpoint_text(text, &e)) < sizeof("[::]:1") - 1 ||
            (target_port(&e.address) == 0) !=
                (rule->backend[i].port == TARGET_PORT_MAPPED)) {
            abort();
        }
    }
}

static void try_rule(char *words, const target_t *target, apr_pool_t *pool)
{
    apr_array_header_t *rules = apr_array_make(pool, 1, sizeof(target_rule_t));
    target_rule_t *rule = apr_array_push(rules);
    const char *word[WORDS_MAX] = {0};
    char *rest = words;
    int count = 0;

    while (count < WORDS_MAX && (word[count] = strtok_r(rest, " ", &rest))) {
        count++;
    }
    if (count < 3 ||
        target_rule_parse(rule, word[0], word[1], word + 2, count - 2, pool)) {
        return;
    }
    if (rule->backends < 1 || rule->backends > TARGET_BACKENDS_MAX ||
        rule->low < 1 || rule->low > rule->high || rule->high > 65535) {
        abort();
    }
    if (target->text && target_find(rules, target)) {
        check_endpoints(rule, target->port);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target_t target = {0}, again;
    const char *why = NULL;
    apr_pool_t *pool;
    char *text, *line;

    apr_pool_create(&pool, NULL);
    text = apr_pstrmemdup(pool, (const char *)data, size);
    line = strchr(text, '\n');
    if (line) {
        *line++ = '\0';
    }
    if (target_parse(&target, text, &why, pool) == APR_SUCCESS) {
        /* Canonical: it reads as itself. */
        if (target.port < 1 || target.port > 65535 ||
            strlen(target.name) > TARGET_NAME_MAX ||
            target_parse(&again, target.text, &why, pool) != APR_SUCCESS ||
            strcmp(again.text, target.text) != 0) {
            abort();
        }
    }
    else if (!why) {
        abort();
    }
    if (line) {
        try_rule(line, &target, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
