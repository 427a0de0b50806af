/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The self-check reads whatever a server answers. */

#include "mod_autodiscover/verdict.h"

#include "lib/xml.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    apr_pool_t *pool;
    verdict_reply_t reply = {.status = 200, .announces_soap = "True"};
    int question;

    if (!root) {
        apr_initialize();
        xml_init();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&pool, root);
    reply.bytes = apr_pstrmemdup(pool, (const char *)data, size);
    reply.len = size;
    for (question = 0; question < VERDICT_QUESTIONS; question++) {
        verdict_all((verdict_question_e)question, &reply, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
