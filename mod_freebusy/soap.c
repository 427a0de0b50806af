/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "soap.h"

#include "lib/exchange.h"

#include <apr_general.h>
#include <string.h>

/* More than the largest request that is sound: 100 mailboxes, a zone. */
static const xml_limits_t limits = {SOAP_BODY_MAX, 32, 20000};

static const struct {
    const char *ns, *content_type, *client, *server;
} versions[] = {
    {"http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8",
     "s:Client", "s:Server"},
    {"http://www.w3.org/2003/05/soap-envelope",
     "application/soap+xml; charset=utf-8", "s:Sender", "s:Receiver"},
};

static const char *const version_info[][2] = {
    {"MajorVersion", APR_STRINGIFY(EXCHANGE_MAJOR)},
    {"MinorVersion", APR_STRINGIFY(EXCHANGE_MINOR)},
    {"MajorBuildNumber", APR_STRINGIFY(EXCHANGE_BUILD)},
    {"MinorBuildNumber", APR_STRINGIFY(EXCHANGE_REVISION)},
    {"Version", EXCHANGE_SCHEMA},
};

const char *soap_content_type(soap_version_e version)
{
    return versions[version].content_type;
}

apr_status_t soap_parse(soap_request_t *request, const char *bytes,
                        apr_size_t len, const char **why, apr_pool_t *pool)
{
    xmlDocPtr doc;
    xmlNodePtr root;
    apr_status_t rv;
    const char *ns;

    memset(request, 0, sizeof(*request));
    rv = xml_parse(&doc, bytes, len, &limits, why, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    root = xmlDocGetRootElement(doc);
    if (xml_is(root, versions[SOAP_1_2].ns, "Envelope")) {
        request->version = SOAP_1_2;
    }
    else if (!xml_is(root, versions[SOAP_1_1].ns, "Envelope")) {
        *why = "document is no SOAP envelope";
        return APR_EINVAL;
    }
    ns = versions[request->version].ns;
    request->header = xml_child(root, ns, "Header");
    request->operation = xml_next(xml_child(root, ns, "Body"), NULL);
    if (!request->operation) {
        *why = "envelope has no operation";
        return APR_EINVAL;
    }
    request->name = (const char *)request->operation->name;
    if (!xml_is(request->operation, SOAP_NS_MESSAGES, request->name)) {
        *why = "operation is not in the namespace of EWS messages";
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

xml_out_t *soap_start(soap_version_e version, apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);
    size_t i;

    xml_out_start(x, "s:Envelope");
    xml_out_attribute(x, "xmlns:s", versions[version].ns);
    xml_out_attribute(x, "xmlns:m", SOAP_NS_MESSAGES);
    xml_out_attribute(x, "xmlns:t", SOAP_NS_TYPES);
    xml_out_attribute(x, "xmlns:e", SOAP_NS_ERRORS);
    xml_out_start(x, "s:Header");
    xml_out_start(x, "t:ServerVersionInfo");
    for (i = 0; i < sizeof(version_info) / sizeof(version_info[0]); i++) {
        xml_out_attribute(x, version_info[i][0], version_info[i][1]);
    }
    xml_out_end(x);
    xml_out_end(x);
    xml_out_start(x, "s:Body");
    return x;
}

static void text_in_english(xml_out_t *x, const char *name, const char *text)
{
    xml_out_start(x, name);
    xml_out_attribute(x, "xml:lang", "en-US");
    xml_out_text(x, text);
    xml_out_end(x);
}

xml_out_t *soap_fault(soap_version_e version, soap_blame_e blame,
                      const char *code, const char *text, apr_pool_t *pool)
{
    xml_out_t *x = soap_start(version, pool);
    const char *faultcode = blame == SOAP_CLIENT ? versions[version].client
                                                 : versions[version].server;

    xml_out_start(x, "s:Fault");
    if (version == SOAP_1_1) {
        xml_out_element(x, "faultcode", faultcode);
        text_in_english(x, "faultstring", text);
        xml_out_start(x, "detail");
    }
    else {
        xml_out_start(x, "s:Code");
        xml_out_element(x, "s:Value", faultcode);
        xml_out_end(x);
        xml_out_start(x, "s:Reason");
        text_in_english(x, "s:Text", text);
        xml_out_end(x);
        xml_out_start(x, "s:Detail");
    }
    xml_out_element(x, "e:ResponseCode", code);
    xml_out_element(x, "e:Message", text);
    xml_out_end(x);
    return x;
}
