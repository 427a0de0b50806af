/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "soap_question.h"
#include "question.h"

#include "lib/xml.h"

#include <string.h>

static const xml_limits_t limits = {
    .max_bytes = DISCOVER_QUESTION_MAX, .max_depth = 32, .max_elements = 2000};

/* Where an operation keeps what it asks about. */
typedef struct operation_t {
    const char *element;
    discover_operation_e operation;
    const char *list;    /* in Request */
    const char *item;    /* in the list */
    const char *subject; /* in the item, or NULL: the item itself */
} operation_t;

static const operation_t operations[] = {
    {"GetUserSettingsRequestMessage", DISCOVER_GET_USER_SETTINGS, "Users",
     "User", "Mailbox"},
    {"GetDomainSettingsRequestMessage", DISCOVER_GET_DOMAIN_SETTINGS, "Domains",
     "Domain", NULL},
};

static const operation_t *operation_of(xmlNodePtr message)
{
    apr_size_t i;

    for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (xml_is(message, DISCOVER_NS_SOAP, operations[i].element)) {
            return &operations[i];
        }
    }
    return NULL;
}

/* The texts of the elements `item` in `list`; of their child `part` if given. */
static apr_array_header_t *texts_in(xmlNodePtr list, const char *item,
                                    const char *part, apr_pool_t *pool)
{
    apr_array_header_t *texts = apr_array_make(pool, 8, sizeof(const char *));
    xmlNodePtr node = NULL;

    while (list && (node = xml_next(list, node)) != NULL) {
        const char *text;

        if (!xml_is(node, DISCOVER_NS_SOAP, item)) {
            continue;
        }
        text = xml_trimmed(
            part ? xml_child(node, DISCOVER_NS_SOAP, part) : node, pool);
        APR_ARRAY_PUSH(texts, const char *) = text ? text : "";
    }
    return texts;
}

static apr_status_t read_request(discover_soap_question_t *q,
                                 const operation_t *op, xmlNodePtr message,
                                 const char **why, apr_pool_t *pool)
{
    xmlNodePtr request = xml_child(message, DISCOVER_NS_SOAP, "Request");

    q->operation = op->operation;
    q->subjects = texts_in(xml_child(request, DISCOVER_NS_SOAP, op->list),
                           op->item, op->subject, pool);
    q->settings =
        texts_in(xml_child(request, DISCOVER_NS_SOAP, "RequestedSettings"),
                 "Setting", NULL, pool);
    if (q->subjects->nelts == 0) {
        *why = "nobody is asked about";
        return APR_EGENERAL;
    }
    if (q->subjects->nelts > DISCOVER_SOAP_SUBJECTS_MAX) {
        *why = "too many are asked about";
        return APR_EGENERAL;
    }
    if (q->settings->nelts == 0) {
        *why = "no setting is asked for";
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

/* The element in Body, or NULL when `root` is no SOAP envelope. */
static xmlNodePtr message_of(discover_soap_question_t *q, xmlNodePtr root)
{
    const char *ns = NULL;

    if (xml_is(root, DISCOVER_NS_SOAP11, "Envelope")) {
        ns = DISCOVER_NS_SOAP11;
    }
    else if (xml_is(root, DISCOVER_NS_SOAP12, "Envelope")) {
        ns = DISCOVER_NS_SOAP12;
        q->is_soap12 = 1;
    }
    return ns ? xml_next(xml_child(root, ns, "Body"), NULL) : NULL;
}

apr_status_t discover_soap_question_parse(discover_soap_question_t *q,
                                          const char *bytes, apr_size_t len,
                                          const char **why, apr_pool_t *pool)
{
    xmlDocPtr doc;
    xmlNodePtr message;
    const operation_t *op;

    memset(q, 0, sizeof(*q));
    if (xml_parse(&doc, bytes, len, &limits, why, pool) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    message = message_of(q, xmlDocGetRootElement(doc));
    if (!message) {
        *why = "no SOAP envelope with a body";
        return APR_EINVAL;
    }
    op = operation_of(message);
    if (!op) {
        *why = "operation is not served";
        return APR_ENOTIMPL;
    }
    return read_request(q, op, message, why, pool);
}
