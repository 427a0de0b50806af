/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The handler autodiscover-check: for an administrator, what each kind of
 * client is told about any address, with the way to the answer.  It asks within
 * the server and needs nobody's password. */

#include "mod_autodiscover.h"
#include "autoconfig.h"
#include "json.h"
#include "mobileconfig.h"
#include "mobilesync.h"
#include "page.h"
#include "pox.h"
#include "query.h"
#include "requests.h"
#include "response.h"
#include "soap.h"

#include "glue/mod_glue.h"
#include "lib/log.h"
#include "lib/mailaddr.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(autodiscover);

/* One self-check on its way. */
typedef struct check_t {
    request_rec *r;
    const char *address;
    discover_answer_t answer; /* for the mailbox */
    discover_error_e error;   /* or why there is none */
    discover_answer_t open;   /* for anybody */
    discover_error_e open_error;
    apr_array_header_t *sections; /* page_section_t */
    apr_array_header_t *trace;    /* const char * */
} check_t;

static void trace(check_t *c, const char *text)
{
    APR_ARRAY_PUSH(c->trace, const char *) = text;
}

static void add(check_t *c, verdict_question_e question, long status,
                const char *bytes, apr_size_t len)
{
    page_section_t *section = apr_array_push(c->sections);

    memset(section, 0, sizeof(*section));
    section->question = question;
    section->reply.status = status;
    section->reply.announces_soap = "True"; /* before_login() sees to it */
    section->reply.bytes = apr_pstrmemdup(c->r->pool, bytes, len);
    section->reply.len = len;
}

static void add_failure(check_t *c, verdict_question_e question,
                        const char *why)
{
    add(c, question, 0, "", 0);
    APR_ARRAY_IDX(c->sections, c->sections->nelts - 1, page_section_t)
        .reply.why = why;
}

/* --- one answer after the other, as the handlers print them --- */

static void add_pox(check_t *c, discover_schema_e schema)
{
    discover_question_t question = {.schema = schema};
    verdict_question_e kind =
        schema == DISCOVER_SCHEMA_MOBILESYNC ? VERDICT_MOBILESYNC : VERDICT_POX;
    discover_error_e error = c->error;
    const char *bytes, *why = NULL;
    apr_size_t len;

    discover_question_capabilities(&question, "Negotiate, ExHttpInfo", "1");
    if (autodiscover_pox_bytes(c->r, &question, &error, &c->answer, &bytes,
                               &len, &why) == APR_SUCCESS) {
        add(c, kind, HTTP_OK, bytes, len);
    }
    else {
        add_failure(c, kind, "the answer could not be printed");
    }
}

static void add_soap(check_t *c)
{
    const char *bytes = requests_soap(c->address, c->r->pool), *why;
    discover_version_t version = discover_answer_version(
        &autodiscover_server_of(c->r->server)->settings);
    discover_soap_question_t question;
    discover_soap_result_t result = {c->error, c->answer};
    apr_size_t len;

    if (bytes &&
        discover_soap_question_parse(&question, bytes, strlen(bytes), &why,
                                     c->r->pool) == APR_SUCCESS &&
        discover_soap_print(&question, &result, &version, &bytes, &len,
                            c->r->pool) == APR_SUCCESS) {
        add(c, VERDICT_SOAP, HTTP_OK, bytes, len);
    }
    else {
        add_failure(c, VERDICT_SOAP, "the answer could not be printed");
    }
}

static void add_json(check_t *c, verdict_question_e question,
                     const char *protocol)
{
    discover_answer_t *answer = c->open_error == DISCOVER_OK ? &c->open : NULL;
    const char *text;
    int status;

    if (answer && answer->redirect_url) {
        answer->pox_url = answer->redirect_url;
    }
    status = discover_json_print(answer, protocol, &text, c->r->pool);
    add(c, question, status, text, strlen(text));
}

static void add_autoconfig(check_t *c)
{
    const char *bytes = "";
    apr_size_t len = 0;
    int has = c->open_error == DISCOVER_OK &&
              discover_autoconfig_is_complete(&c->open) &&
              discover_autoconfig_print(&c->open, &bytes, &len, c->r->pool) ==
                  APR_SUCCESS;

    add(c, VERDICT_WELL_KNOWN, has ? HTTP_OK : HTTP_NOT_FOUND, bytes, len);
}

static void add_profile(check_t *c)
{
    const char *bytes = "";
    apr_size_t len = 0;
    int has = c->error == DISCOVER_OK &&
              discover_mobileconfig_is_complete(&c->answer) &&
              discover_mobileconfig_print(&c->answer, &bytes, &len,
                                          c->r->pool) == APR_SUCCESS;

    add(c, VERDICT_PROFILE, has ? HTTP_OK : HTTP_NOT_FOUND, bytes, len);
}

/* --- the way to the answers --- */

static void look_up(check_t *c)
{
    const char *why = NULL;
    apr_pool_t *pool = c->r->pool;

    c->open_error =
        autodiscover_public_answer(c->r, c->address, &c->open, &why);
    trace(c, c->open_error == DISCOVER_OK
                 ? "Without login: the domain is served here."
                 : apr_psprintf(pool, "Without login: error %d, %s.",
                                c->open_error, why));
    why = NULL;
    c->error = autodiscover_any_answer(c->r, c->address, &c->answer, &why);
    if (c->error != DISCOVER_OK) {
        trace(c,
              apr_psprintf(pool, "With login: error %d, %s.", c->error, why));
    }
    else if (c->answer.redirect_address || c->answer.redirect_url) {
        trace(c, apr_pstrcat(pool, "The domain is hosted elsewhere: ",
                             c->answer.redirect_address
                                 ? c->answer.redirect_address
                                 : c->answer.redirect_url,
                             NULL));
    }
    else {
        trace(c,
              apr_pstrcat(pool, "The mailbox is that of user ",
                          c->answer.mailbox.user, ": ", c->answer.mailbox.mail,
                          ", GUID ", c->answer.mailbox.guid, ".", NULL));
    }
}

static void check(check_t *c)
{
    const char *why = NULL;
    mailaddr_t parsed;

    if (autodiscover_server_of(c->r->server)->enabled != 1) {
        trace(c, "Autodiscover is not On in this virtual host.");
        return;
    }
    if (mailaddr_parse(&parsed, c->address, strlen(c->address), &why,
                       c->r->pool) != APR_SUCCESS) {
        trace(c, apr_pstrcat(c->r->pool, "This is no mail address: ", why, ".",
                             NULL));
        return;
    }
    c->address = parsed.text;
    look_up(c);
    add_pox(c, DISCOVER_SCHEMA_OUTLOOK);
    add_pox(c, DISCOVER_SCHEMA_MOBILESYNC);
    add_soap(c);
    add_json(c, VERDICT_JSON_QUERY, "AutodiscoverV1");
    add_json(c, VERDICT_JSON_PATH, "ActiveSync");
    add_autoconfig(c);
    add_profile(c);
}

int autodiscover_show_check(request_rec *r)
{
    check_t c = {.r = r,
                 .sections = apr_array_make(r->pool, 8, sizeof(page_section_t)),
                 .trace = apr_array_make(r->pool, 8, sizeof(char *))};
    const char *bytes;
    apr_size_t len;

    if (r->method_number != M_GET) {
        return glue_method_not_allowed(r, "GET, HEAD");
    }
    c.address = discover_query_parameter(r->args, "address", r->pool);
    if (c.address) {
        check(&c);
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(12012) "shows %s what clients are told about %s",
                      r->user ? r->user : "somebody", c.address);
    }
    if (page_print(c.address, c.sections, c.trace, &bytes, &len, r->pool) !=
        APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    apr_table_setn(r->headers_out, "Content-Security-Policy", PAGE_POLICY);
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    return glue_send(r, "application/xhtml+xml; charset=utf-8", bytes, len);
}
