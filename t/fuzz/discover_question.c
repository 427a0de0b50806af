/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Autodiscover requests: whatever comes in, a question that is accepted holds
 * to its promises, and the answer made from it is printed. */

#include "mod_autodiscover/pox.h"
#include "mod_autodiscover/question.h"

#include "lib/mailaddr.h"
#include "lib/xml.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the request said stands in every place that a directory can fill. */
static void print(const discover_question_t *question, const char *said,
                  apr_pool_t *pool)
{
    static const discover_settings_t settings = {
        .server_name = "mail.example.test",
        .ews_url = "https://mail.example.test/%{mail}",
        .login_name = "%{user}",
        .rpc_ssl = -1,
        .ttl = 1};
    const discover_mailbox_t mailbox = {.user = said,
                                        .mail = said,
                                        .local = said,
                                        .domain = said,
                                        .display_name = said,
                                        .guid = said,
                                        .legacy_dn = said};
    discover_answer_t answer;
    const char *why, *bytes;
    apr_size_t len;

    if (discover_answer_make(&answer, &settings, &mailbox, &why, pool) !=
            DISCOVER_OK ||
        discover_pox_print(&answer, question, &bytes, &len, pool) !=
            APR_SUCCESS) {
        abort();
    }
}

static void check(const discover_question_t *q, apr_pool_t *pool)
{
    mailaddr_t parsed;
    const char *why;

    if (q->schema == DISCOVER_SCHEMA_UNKNOWN || !q->address == !q->legacy_dn) {
        abort();
    }
    if (q->address && mailaddr_parse(&parsed, q->address, strlen(q->address),
                                     &why, pool) != APR_SUCCESS) {
        abort();
    }
    print(q, q->address ? q->address : q->legacy_dn, pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    discover_question_t question;
    const char *why = NULL;
    discover_error_e error;

    if (!global) {
        apr_initialize();
        xml_init();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    error = discover_question_parse(&question, (const char *)data, size, &why,
                                    pool);
    if (error == DISCOVER_OK) {
        check(&question, pool);
    }
    else if (!why || !*discover_errors_message(error)) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
