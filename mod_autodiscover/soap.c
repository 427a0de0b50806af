/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "soap.h"
#include "soap_settings.h"

#include "lib/xml.h"

#include <apr_strings.h>
#include <string.h>

#define NS_ADDRESSING "http://www.w3.org/2005/08/addressing"
#define NS_INSTANCE "http://www.w3.org/2001/XMLSchema-instance"

/* The names of what both operations have in common. */
typedef struct words_t {
    const char *action;
    const char *message;
    const char *responses, *response;
    const char *errors, *error;
    const char *settings;
    const char *invalid; /* ErrorCode for a subject that is not ours */
} words_t;

static const words_t user_words = {
    "GetUserSettings",   "GetUserSettingsResponseMessage",
    "UserResponses",     "UserResponse",
    "UserSettingErrors", "UserSettingError",
    "UserSettings",      "InvalidUser"};

static const words_t domain_words = {
    "GetDomainSettings",   "GetDomainSettingsResponseMessage",
    "DomainResponses",     "DomainResponse",
    "DomainSettingErrors", "DomainSettingError",
    "DomainSettings",      "InvalidDomain"};

static int is_about_domains(const discover_soap_question_t *q)
{
    return q->operation == DISCOVER_GET_DOMAIN_SETTINGS;
}

static xml_out_t *open_envelope(int is_soap12, apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);

    xml_out_start(x, "s:Envelope");
    xml_out_attribute(x, "xmlns:s",
                      is_soap12 ? DISCOVER_NS_SOAP12 : DISCOVER_NS_SOAP11);
    xml_out_attribute(x, "xmlns:a", NS_ADDRESSING);
    return x;
}

static void print_version(xml_out_t *x, const discover_version_t *v,
                          apr_pool_t *pool)
{
    xml_out_start(x, "h:ServerVersionInfo");
    xml_out_attribute(x, "xmlns:h", DISCOVER_NS_SOAP);
    xml_out_element(x, "h:MajorVersion", apr_itoa(pool, v->major));
    xml_out_element(x, "h:MinorVersion", apr_itoa(pool, v->minor));
    xml_out_element(x, "h:MajorBuildNumber", apr_itoa(pool, v->build));
    xml_out_element(x, "h:MinorBuildNumber", apr_itoa(pool, v->revision));
    xml_out_element(x, "h:Version", discover_soap_settings_schema(v));
    xml_out_end(x);
}

/* Everything up to the ErrorMessage of the whole Response. */
static xml_out_t *open_message(const discover_soap_question_t *q,
                               const words_t *words,
                               const discover_version_t *version,
                               const char *code, const char *text,
                               apr_pool_t *pool)
{
    xml_out_t *x = open_envelope(q->is_soap12, pool);

    xml_out_start(x, "s:Header");
    xml_out_start(x, "a:Action");
    xml_out_attribute(x, "s:mustUnderstand", "1");
    xml_out_text(x, apr_pstrcat(pool, DISCOVER_NS_SOAP "/Autodiscover/",
                                words->action, "Response", NULL));
    xml_out_end(x);
    print_version(x, version, pool);
    xml_out_end(x);
    xml_out_start(x, "s:Body");
    xml_out_start(x, words->message);
    xml_out_attribute(x, "xmlns", DISCOVER_NS_SOAP);
    xml_out_start(x, "Response");
    xml_out_attribute(x, "xmlns:i", NS_INSTANCE);
    xml_out_element(x, "ErrorCode", code);
    xml_out_element(x, "ErrorMessage", text);
    return x;
}

static void print_setting_error(xml_out_t *x, const words_t *words,
                                const char *name, discover_setting_e found)
{
    xml_out_start(x, words->error);
    xml_out_element(x, "ErrorCode",
                    found == DISCOVER_SETTING_UNKNOWN
                        ? "InvalidSetting"
                        : "SettingIsNotAvailable");
    xml_out_element(x, "ErrorMessage",
                    found == DISCOVER_SETTING_UNKNOWN
                        ? "The setting is not known."
                        : "The setting is not available.");
    xml_out_element(x, "SettingName", name);
    xml_out_end(x);
}

const char *discover_soap_url(const char *url, apr_pool_t *pool)
{
    apr_size_t len = strlen(url);

    return len > 4 && strcasecmp(url + len - 4, ".xml") == 0
               ? apr_pstrcat(pool, apr_pstrmemdup(pool, url, len - 4), ".svc",
                             NULL)
               : url;
}

/* Where the subject is answered for, or NULL: here.  Clients go on in SOAP, at
 * exactly this URL. */
static const char *target_of(const discover_answer_t *answer, apr_pool_t *pool)
{
    return answer->redirect_url ? discover_soap_url(answer->redirect_url, pool)
                                : answer->redirect_address;
}

/* The settings that have a value, or with `errors` those that have not; none
 * without an answer. */
static void print_settings(xml_out_t *x, const discover_soap_question_t *q,
                           const words_t *words,
                           const discover_answer_t *answer, int errors,
                           apr_pool_t *pool)
{
    int of_domain = is_about_domains(q), i;

    xml_out_start(x, errors ? words->errors : words->settings);
    for (i = 0; answer && i < q->settings->nelts; i++) {
        const char *name = APR_ARRAY_IDX(q->settings, i, const char *);
        discover_setting_e found =
            discover_soap_settings_look(answer, name, of_domain, pool);

        if (errors && found != DISCOVER_SETTING_OK) {
            print_setting_error(x, words, name, found);
        }
        else if (!errors && found == DISCOVER_SETTING_OK) {
            discover_soap_settings_print(x, answer, name, of_domain, pool);
        }
    }
    xml_out_end(x);
}

static const char *code_of(const discover_soap_result_t *result,
                           const words_t *words)
{
    switch (result->error) {
    case DISCOVER_OK:
        return result->answer.redirect_url       ? "RedirectUrl"
               : result->answer.redirect_address ? "RedirectAddress"
                                                 : "NoError";
    case DISCOVER_INTERNAL:
        return "ServerBusy";
    case DISCOVER_BROKEN:
        return "InternalServerError";
    default:
        return words->invalid;
    }
}

/* The children of a response are in alphabetical order, so that this one comes
 * before those of users and behind those of domains. */
static void print_target(xml_out_t *x, const char *target)
{
    xml_out_start(x, "RedirectTarget");
    if (target) {
        xml_out_text(x, target);
    }
    else {
        xml_out_attribute(x, "i:nil", "true");
    }
    xml_out_end(x);
}

static void print_result(xml_out_t *x, const discover_soap_question_t *q,
                         const words_t *words,
                         const discover_soap_result_t *result, apr_pool_t *pool)
{
    const discover_answer_t *answer =
        result->error == DISCOVER_OK ? &result->answer : NULL;
    const char *target = answer ? target_of(answer, pool) : NULL;

    xml_out_start(x, words->response);
    xml_out_element(x, "ErrorCode", code_of(result, words));
    xml_out_element(x, "ErrorMessage",
                    target   ? "Redirection."
                    : answer ? "No error."
                             : discover_errors_message(result->error));
    if (target) {
        answer = NULL;
    }
    if (!is_about_domains(q)) {
        print_target(x, target);
    }
    print_settings(x, q, words, answer, 1, pool);
    print_settings(x, q, words, answer, 0, pool);
    if (is_about_domains(q)) {
        print_target(x, target);
    }
    xml_out_end(x);
}

apr_status_t discover_soap_print(const discover_soap_question_t *q,
                                 const discover_soap_result_t *results,
                                 const discover_version_t *version,
                                 const char **bytes, apr_size_t *len,
                                 apr_pool_t *pool)
{
    const words_t *words = is_about_domains(q) ? &domain_words : &user_words;
    xml_out_t *x = open_message(q, words, version, "NoError", "", pool);
    int i;

    xml_out_start(x, words->responses);
    for (i = 0; i < q->subjects->nelts; i++) {
        print_result(x, q, words, &results[i], pool);
    }
    return xml_out_finish(x, bytes, len);
}

apr_status_t discover_soap_refuse(const discover_soap_question_t *q,
                                  const discover_version_t *version,
                                  const char *why, const char **bytes,
                                  apr_size_t *len, apr_pool_t *pool)
{
    const words_t *words = is_about_domains(q) ? &domain_words : &user_words;
    xml_out_t *x = open_message(q, words, version, "InvalidRequest", why, pool);

    xml_out_start(x, words->responses);
    return xml_out_finish(x, bytes, len);
}

apr_status_t discover_soap_fault(int is_soap12, const char *why,
                                 const char **bytes, apr_size_t *len,
                                 apr_pool_t *pool)
{
    xml_out_t *x = open_envelope(is_soap12, pool);

    xml_out_start(x, "s:Body");
    xml_out_start(x, "s:Fault");
    if (is_soap12) {
        xml_out_start(x, "s:Code");
        xml_out_element(x, "s:Value", "s:Sender");
        xml_out_end(x);
        xml_out_start(x, "s:Reason");
        xml_out_start(x, "s:Text");
        xml_out_attribute(x, "xml:lang", "en");
        xml_out_text(x, why);
    }
    else {
        xml_out_element(x, "faultcode", "s:Client");
        xml_out_element(x, "faultstring", why);
    }
    return xml_out_finish(x, bytes, len);
}

const char *discover_soap_type(int is_soap12)
{
    return is_soap12 ? "application/soap+xml; charset=utf-8"
                     : "text/xml; charset=utf-8";
}
