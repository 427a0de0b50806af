/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "requests.h"
#include "soap_question.h"

#include "lib/xml.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define NS_OUTLOOK_REQUEST                                                     \
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/"              \
    "requestschema/2006"
#define NS_MOBILESYNC_REQUEST                                                  \
    "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/"           \
    "requestschema/2006"
#define NS_ADDRESSING "http://www.w3.org/2005/08/addressing"

/* What exchangelib and the Managed API ask for. */
static const char *const settings[] = {
    "UserDisplayName",     "UserDN",         "AutoDiscoverSMTPAddress",
    "UserDeploymentId",    "InternalEwsUrl", "ExternalEwsUrl",
    "EwsSupportedSchemas",
};

static const char *finished(xml_out_t *x)
{
    const char *bytes;
    apr_size_t len;

    return xml_out_finish(x, &bytes, &len) == APR_SUCCESS ? bytes : NULL;
}

const char *requests_pox(const char *address, discover_schema_e schema,
                         apr_pool_t *pool)
{
    int is_phone = schema == DISCOVER_SCHEMA_MOBILESYNC;
    xml_out_t *x = xml_out_create(pool);

    xml_out_start(x, "Autodiscover");
    xml_out_attribute(x, "xmlns",
                      is_phone ? NS_MOBILESYNC_REQUEST : NS_OUTLOOK_REQUEST);
    xml_out_start(x, "Request");
    xml_out_element(x, "EMailAddress", address);
    xml_out_element(x, "AcceptableResponseSchema",
                    is_phone ? DISCOVER_NS_MOBILESYNC : DISCOVER_NS_OUTLOOK);
    return finished(x);
}

static void put_header(xml_out_t *x)
{
    xml_out_start(x, "soap:Header");
    xml_out_element(x, "a:RequestedServerVersion", "Exchange2010");
    xml_out_element(x, "wsa:Action",
                    DISCOVER_NS_SOAP "/Autodiscover/GetUserSettings");
    xml_out_end(x);
}

const char *requests_soap(const char *address, apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);
    apr_size_t i;

    xml_out_start(x, "soap:Envelope");
    xml_out_attribute(x, "xmlns:soap", DISCOVER_NS_SOAP11);
    xml_out_attribute(x, "xmlns:a", DISCOVER_NS_SOAP);
    xml_out_attribute(x, "xmlns:wsa", NS_ADDRESSING);
    put_header(x);
    xml_out_start(x, "soap:Body");
    xml_out_start(x, "a:GetUserSettingsRequestMessage");
    xml_out_start(x, "a:Request");
    xml_out_start(x, "a:Users");
    xml_out_start(x, "a:User");
    xml_out_element(x, "a:Mailbox", address);
    xml_out_end(x);
    xml_out_end(x);
    xml_out_start(x, "a:RequestedSettings");
    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        xml_out_element(x, "a:Setting", settings[i]);
    }
    return finished(x);
}

const char *requests_percent(const char *text, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, strlen(text) * 3 + 1), *to = out;

    for (; *text; text++) {
        if (apr_isalnum(*text) || strchr("-._~@", *text)) {
            *to++ = *text;
        }
        else {
            to += apr_snprintf(to, 4, "%%%02X", (unsigned char)*text);
        }
    }
    *to = '\0';
    return out;
}
