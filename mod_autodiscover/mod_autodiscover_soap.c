/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* SOAP requests, /autodiscover/autodiscover.svc. */

#include "mod_autodiscover.h"
#include "soap.h"

#include "glue/mod_glue.h"
#include "lib/log.h"
#include "lib/mailaddr.h"

#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(autodiscover);

static int is_asked_for(const discover_soap_question_t *q, const char *name)
{
    int i;

    for (i = 0; i < q->settings->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(q->settings, i, const char *), name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* What is known of one subject. */
static discover_error_e look_up(request_rec *r,
                                const discover_soap_question_t *q,
                                const char *subject, discover_answer_t *answer,
                                const char **why)
{
    discover_question_t question = {.schema = DISCOVER_SCHEMA_OUTLOOK,
                                    .wants_alternatives =
                                        is_asked_for(q, "AlternateMailboxes")};
    mailaddr_t address;

    if (q->operation == DISCOVER_GET_DOMAIN_SETTINGS) {
        return autodiscover_domain_answer(r, subject, answer, why);
    }
    if (mailaddr_parse(&address, subject, strlen(subject), why, r->pool) !=
        APR_SUCCESS) {
        return DISCOVER_UNKNOWN_ADDRESS;
    }
    question.address = address.text;
    return autodiscover_answer(r, &question, answer, why);
}

/* One result for each subject.  After one that the directory did not answer
 * for, the rest is not asked about: each would wait as long. */
static discover_soap_result_t *look_up_all(request_rec *r,
                                           const discover_soap_question_t *q)
{
    discover_soap_result_t *results =
        apr_pcalloc(r->pool, (apr_size_t)q->subjects->nelts * sizeof(*results));
    int down = 0, i;

    for (i = 0; i < q->subjects->nelts; i++) {
        const char *why = "the mailbox source did not answer before";

        results[i].error =
            down ? DISCOVER_INTERNAL
                 : look_up(r, q, APR_ARRAY_IDX(q->subjects, i, const char *),
                           &results[i].answer, &why);
        down = results[i].error == DISCOVER_INTERNAL;
        if (results[i].error != DISCOVER_OK) {
            ap_log_rerror(APLOG_MARK, autodiscover_level_of(results[i].error),
                          0, r, PN(12006) "answers %s with error %d: %s",
                          r->user, results[i].error, why);
        }
    }
    return results;
}

static int send_fault(request_rec *r, int is_soap12, const char *why)
{
    const char *bytes;
    apr_size_t len;

    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  PN(12007) "answers %s with a fault: %s", r->user, why);
    if (discover_soap_fault(is_soap12, why, &bytes, &len, r->pool) !=
        APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    r->status = HTTP_INTERNAL_SERVER_ERROR;
    return glue_send(r, discover_soap_type(is_soap12), bytes, len);
}

int autodiscover_handle_soap(request_rec *r)
{
    discover_soap_question_t q;
    discover_version_t version =
        discover_answer_version(&autodiscover_server_of(r->server)->settings);
    const char *bytes, *why = NULL;
    apr_size_t len;
    apr_status_t rv;
    int status = autodiscover_read_post(r, &bytes, &len);

    if (status != OK) {
        return status;
    }
    rv = discover_soap_question_parse(&q, bytes, len, &why, r->pool);
    if (rv == APR_SUCCESS) {
        rv = discover_soap_print(&q, look_up_all(r, &q), &version, &bytes, &len,
                                 r->pool);
    }
    else if (rv == APR_EGENERAL) {
        rv = discover_soap_refuse(&q, &version, why, &bytes, &len, r->pool);
    }
    if (rv != APR_SUCCESS) {
        return send_fault(r, q.is_soap12,
                          why ? why : "the answer could not be printed");
    }
    return glue_send(r, discover_soap_type(q.is_soap12), bytes, len);
}
