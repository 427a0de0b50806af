/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Plain-XML requests, /autodiscover/autodiscover.xml. */

#include "mod_autodiscover.h"
#include "mobilesync.h"
#include "pox.h"
#include "response.h"

#include "glue/mod_glue.h"
#include "lib/log.h"

#include <apr_network_io.h>
#include <http_log.h>

APLOG_USE_MODULE(autodiscover);

#define XML_TYPE "text/xml; charset=utf-8"

/* Prints with the printer of the schema that was asked for. */
static discover_error_e print(const discover_answer_t *answer,
                              const discover_question_t *question,
                              const char **bytes, apr_size_t *len,
                              const char **why, apr_pool_t *pool)
{
    discover_schema_e schema = question->schema;
    apr_status_t rv;

    if (schema == DISCOVER_SCHEMA_MOBILESYNC && !answer->eas_url &&
        !answer->redirect_address) {
        *why = "AutodiscoverActiveSyncUrl is not configured";
        return DISCOVER_NO_PROVIDER;
    }
    rv = schema == DISCOVER_SCHEMA_MOBILESYNC
             ? discover_mobilesync_print(answer, bytes, len, pool)
             : discover_pox_print(answer, question, bytes, len, pool);
    *why = "the answer could not be printed";
    return rv == APR_SUCCESS ? DISCOVER_OK : DISCOVER_INTERNAL;
}

static apr_status_t pox_error(request_rec *r, discover_error_e error,
                              discover_schema_e schema, const char **bytes,
                              apr_size_t *len)
{
    const char *name = autodiscover_server_of(r->server)->settings.server_name;

    return discover_response_error(error, schema, name ? name : "",
                                   r->request_time, bytes, len, r->pool);
}

apr_status_t
autodiscover_pox_bytes(request_rec *r, const discover_question_t *question,
                       discover_error_e *error, const discover_answer_t *answer,
                       const char **bytes, apr_size_t *len, const char **why)
{
    if (*error == DISCOVER_OK) {
        *error = print(answer, question, bytes, len, why, r->pool);
    }
    return *error == DISCOVER_OK
               ? APR_SUCCESS
               : pox_error(r, *error, question->schema, bytes, len);
}

/* Errors have status 200 too: any other would send the client on to the next
 * URL (MS-OXDSCLI section 3.1.5). */
static int send_answer(request_rec *r, const discover_question_t *question,
                       discover_error_e error, const discover_answer_t *answer,
                       const char *why)
{
    const char *bytes;
    apr_size_t len;

    if (autodiscover_pox_bytes(r, question, &error, answer, &bytes, &len,
                               &why) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (error != DISCOVER_OK) {
        ap_log_rerror(APLOG_MARK, autodiscover_level_of(error), 0, r,
                      PN(12001) "answers %s with error %d: %s", r->user, error,
                      why);
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      PN(12002) "tells %s where %s is", r->user,
                      answer->mailbox.mail);
    }
    return glue_send(r, XML_TYPE, bytes, len);
}

/* 1 when networks are configured and the client's address, which mod_remoteip
 * may have set, is in none of them. */
static int is_outside(const request_rec *r)
{
    const apr_array_header_t *networks =
        autodiscover_server_of(r->server)->networks;
    int i;

    for (i = 0; networks && i < networks->nelts; i++) {
        if (apr_ipsubnet_test(APR_ARRAY_IDX(networks, i, apr_ipsubnet_t *),
                              r->useragent_addr)) {
            return 0;
        }
    }
    return networks != NULL;
}

int autodiscover_handle_pox(request_rec *r)
{
    discover_question_t question;
    discover_answer_t answer = {0};
    discover_error_e error;
    const char *bytes, *why = NULL;
    apr_size_t len;
    int status = autodiscover_read_post(r, &bytes, &len);

    if (status != OK) {
        return status;
    }
    error = discover_question_parse(&question, bytes, len, &why, r->pool);
    discover_question_capabilities(
        &question, apr_table_get(r->headers_in, "X-ClientCanHandle"),
        apr_table_get(r->headers_in, "X-MapiHttpCapability"));
    question.is_outside = is_outside(r);
    question.wants_alternatives = question.schema == DISCOVER_SCHEMA_OUTLOOK;
    if (error == DISCOVER_OK) {
        error = autodiscover_answer(r, &question, &answer, &why);
    }
    return send_answer(r, &question, error, &answer, why);
}
