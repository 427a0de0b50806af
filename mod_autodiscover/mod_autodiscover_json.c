/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* JSON requests, /autodiscover/autodiscover.json: anybody may ask, the domain
 * alone decides, and the directory is never asked. */

#include "mod_autodiscover.h"
#include "json.h"
#include "json_question.h"

#include "glue/mod_glue.h"
#include "lib/log.h"

#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(autodiscover);

/* The answer for anybody in the domain of `address`, or NULL. */
static const discover_answer_t *answer_for(request_rec *r, const char *address)
{
    discover_answer_t *answer = apr_pcalloc(r->pool, sizeof(*answer));
    const char *why = NULL;
    discover_error_e error =
        autodiscover_public_answer(r, address ? address : "", answer, &why);

    if (error != DISCOVER_OK) {
        ap_log_rerror(
            APLOG_MARK, APLOG_INFO, 0, r,
            PN(12008) "answers nobody in particular with error %d: %s", error,
            why);
        return NULL;
    }
    if (answer->redirect_url) {
        answer->pox_url = answer->redirect_url;
    }
    return answer;
}

int autodiscover_handle_json(request_rec *r)
{
    discover_json_question_t question;
    const discover_answer_t *answer;
    const char *text;

    if (r->method_number != M_GET) {
        return glue_method_not_allowed(r, "GET");
    }
    discover_json_question_parse(
        &question, r->uri + strlen(AUTODISCOVER_JSON_PATH), r->args, r->pool);
    answer = answer_for(r, question.address);
    r->status = discover_json_print(answer, question.protocol, &text, r->pool);
    return glue_send(r, "application/json", text, strlen(text));
}
