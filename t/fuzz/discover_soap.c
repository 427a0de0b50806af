/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* SOAP autodiscover requests: a question that is accepted is answered with a
 * document that can be read again, one result for each subject. */

#include "mod_autodiscover/soap.h"

#include "lib/xml.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const discover_version_t version = {15, 1, 2176, 0};

/* Every other subject is known; its name stands for everything it has. */
static discover_soap_result_t *results_for(const discover_soap_question_t *q,
                                           apr_pool_t *pool)
{
    discover_soap_result_t *results =
        apr_pcalloc(pool, (apr_size_t)q->subjects->nelts * sizeof(*results));
    int i;

    for (i = 0; i < q->subjects->nelts; i++) {
        const char *said = APR_ARRAY_IDX(q->subjects, i, const char *);

        results[i].error = i % 2 ? DISCOVER_UNKNOWN_ADDRESS : DISCOVER_OK;
        results[i].answer.mailbox.display_name = said;
        results[i].answer.mailbox.legacy_dn = said;
        results[i].answer.ews_url = said;
        results[i].answer.imap.host = said;
    }
    return results;
}

static void check(const discover_soap_question_t *q, apr_pool_t *pool)
{
    static const xml_limits_t generous = {1 << 26, 64, 1000000};
    const char *bytes, *why;
    apr_size_t len;
    xmlDocPtr doc;

    if (q->subjects->nelts < 1 || q->settings->nelts < 1 ||
        q->subjects->nelts > DISCOVER_SOAP_SUBJECTS_MAX) {
        abort();
    }
    if (discover_soap_print(q, results_for(q, pool), &version, &bytes, &len,
                            pool) != APR_SUCCESS ||
        xml_parse(&doc, bytes, len, &generous, &why, pool) != APR_SUCCESS) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    discover_soap_question_t question;
    const char *why = NULL;

    if (!global) {
        apr_initialize();
        xml_init();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    if (discover_soap_question_parse(&question, (const char *)data, size, &why,
                                     pool) == APR_SUCCESS) {
        check(&question, pool);
    }
    else if (!why) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
