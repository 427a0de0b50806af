/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "question.h"

#include "lib/mailaddr.h"
#include "lib/xml.h"

#include <apr_lib.h>
#include <string.h>
#include <strings.h>

static const xml_limits_t limits = {
    .max_bytes = DISCOVER_QUESTION_MAX, .max_depth = 16, .max_elements = 200};

static const struct {
    const char *name;
    discover_schema_e schema;
} schemas[] = {
    {DISCOVER_NS_OUTLOOK, DISCOVER_SCHEMA_OUTLOOK},
    {DISCOVER_NS_MOBILESYNC, DISCOVER_SCHEMA_MOBILESYNC},
};

static discover_schema_e schema_named(const char *name)
{
    apr_size_t i;

    for (i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        if (strcmp(schemas[i].name, name) == 0) {
            return schemas[i].schema;
        }
    }
    return DISCOVER_SCHEMA_UNKNOWN;
}

static discover_error_e check_legacy_dn(const char *dn, const char **why)
{
    const unsigned char *p = (const unsigned char *)dn;

    if (strlen(dn) > DISCOVER_LEGACY_DN_MAX) {
        *why = "LegacyDN is too long";
        return DISCOVER_UNKNOWN_ADDRESS;
    }
    for (; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            *why = "LegacyDN has a control character";
            return DISCOVER_UNKNOWN_ADDRESS;
        }
    }
    return DISCOVER_OK;
}

/* Whom the request is about. */
static discover_error_e read_subject(discover_question_t *q, xmlNodePtr request,
                                     const char **why, apr_pool_t *pool)
{
    const char *address =
        xml_trimmed(xml_child(request, NULL, "EMailAddress"), pool);
    const char *dn = xml_trimmed(xml_child(request, NULL, "LegacyDN"), pool);
    mailaddr_t parsed;

    if (dn && *dn) {
        q->legacy_dn = dn;
        return check_legacy_dn(dn, why);
    }
    if (!address || !*address) {
        *why = "neither EMailAddress nor LegacyDN";
        return DISCOVER_MALFORMED;
    }
    if (mailaddr_parse(&parsed, address, strlen(address), why, pool) !=
        APR_SUCCESS) {
        return DISCOVER_UNKNOWN_ADDRESS;
    }
    q->address = parsed.text;
    return DISCOVER_OK;
}

discover_error_e discover_question_parse(discover_question_t *q,
                                         const char *bytes, apr_size_t len,
                                         const char **why, apr_pool_t *pool)
{
    xmlDocPtr doc;
    xmlNodePtr root, request;
    const char *schema;

    memset(q, 0, sizeof(*q));
    if (xml_parse(&doc, bytes, len, &limits, why, pool) != APR_SUCCESS) {
        return DISCOVER_MALFORMED;
    }
    root = xmlDocGetRootElement(doc);
    request = xml_child(root, NULL, "Request");
    if (!xml_is(root, NULL, "Autodiscover") || !request) {
        *why = "no Request in Autodiscover";
        return DISCOVER_MALFORMED;
    }
    schema =
        xml_trimmed(xml_child(request, NULL, "AcceptableResponseSchema"), pool);
    if (!schema || !*schema) {
        *why = "no AcceptableResponseSchema";
        return DISCOVER_MALFORMED;
    }
    q->schema = schema_named(schema);
    if (q->schema == DISCOVER_SCHEMA_UNKNOWN) {
        *why = "AcceptableResponseSchema is not served";
        return DISCOVER_NO_PROVIDER;
    }
    return read_subject(q, request, why, pool);
}

/* 1 when `list`, separated by commas and blanks, has `word` in any case. */
static int has_word(const char *list, const char *word)
{
    apr_size_t n = strlen(word);

    while (list && *list) {
        apr_size_t len = strcspn(list, ", \t");

        if (len == n && strncasecmp(list, word, n) == 0) {
            return 1;
        }
        list += len;
        list += strspn(list, ", \t");
    }
    return 0;
}

void discover_question_capabilities(discover_question_t *q,
                                    const char *client_can_handle,
                                    const char *mapi_http_capability)
{
    const char *level = mapi_http_capability ? mapi_http_capability : "";

    q->can_exhttp = has_word(client_can_handle, "ExHttpInfo");
    q->can_negotiate = has_word(client_can_handle, "Negotiate");
    while (apr_isspace(*level) || *level == '0') {
        level++;
    }
    q->can_mapi_http = apr_isdigit(*level) != 0;
}
