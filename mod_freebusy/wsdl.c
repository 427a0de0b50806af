/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "wsdl.h"
#include "soap.h"

#include <apr_strings.h>

#define XSD "http://www.w3.org/2001/XMLSchema"
#define WSDL "http://schemas.xmlsoap.org/wsdl/"
#define WSDL_SOAP "http://schemas.xmlsoap.org/wsdl/soap/"
#define TRANSPORT "http://schemas.xmlsoap.org/soap/http"

/* Name, request and response; requests are named unlike their operations. */
static const struct {
    const char *name, *request, *response;
} operations[] = {
    {"GetUserAvailability", "GetUserAvailabilityRequest",
     "GetUserAvailabilityResponse"},
    {"GetUserOofSettings", "GetUserOofSettingsRequest",
     "GetUserOofSettingsResponse"},
    {"SetUserOofSettings", "SetUserOofSettingsRequest",
     "SetUserOofSettingsResponse"},
    {"GetServerTimeZones", "GetServerTimeZones", "GetServerTimeZonesResponse"},
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* The headers of requests, and that of answers. */
static const char *const headers_in[] = {"RequestServerVersion",
                                         "TimeZoneContext"};
static const char *const header_out = "ServerVersionInfo";

/* Element `name` with attributes in pairs, which end with NULL; left open. */
static void start(xml_out_t *x, const char *name, const char *const *pairs)
{
    xml_out_start(x, name);
    for (; pairs[0]; pairs += 2) {
        if (pairs[1]) {
            xml_out_attribute(x, pairs[0], pairs[1]);
        }
    }
}

#define START(x, name, ...)                                                    \
    start(x, name, (const char *const[]){__VA_ARGS__, NULL})
#define EMPTY(x, name, ...) (START(x, name, __VA_ARGS__), xml_out_end(x))

/* --- the schemas --- */

/* What a row leaves open for those behind it. */
typedef struct schema_t {
    xml_out_t *x;
    int sequence; /* of a complex type */
    int type;
} schema_t;

static void close_sequence(schema_t *s)
{
    if (s->sequence) {
        xml_out_end(s->x);
        s->sequence = 0;
    }
}

/* A simple type has its restriction inside, which a sequence is to this. */
static void close_type(schema_t *s)
{
    close_sequence(s);
    if (s->type) {
        xml_out_end(s->x);
        s->type = 0;
    }
}

static void write_list(schema_t *s, const wsdl_row_t *row)
{
    START(s->x, "xs:simpleType", "name", row->name);
    EMPTY(s->x, "xs:list", "itemType", row->type);
    xml_out_end(s->x);
}

static void write_row(schema_t *s, const wsdl_row_t *row)
{
    switch (row->kind) {
    case WSDL_TYPE:
        close_type(s);
        START(s->x, "xs:complexType", "name", row->name);
        xml_out_start(s->x, "xs:sequence");
        s->type = s->sequence = 1;
        break;
    case WSDL_ELEMENT:
        EMPTY(s->x, "xs:element", row->type ? "name" : "ref", row->name, "type",
              row->type, "minOccurs", row->min, "maxOccurs", row->max);
        break;
    case WSDL_ANY:
        EMPTY(s->x, "xs:any", "processContents", "skip", "minOccurs", "0",
              "maxOccurs", "unbounded");
        break;
    case WSDL_ATTRIBUTE:
        close_sequence(s);
        EMPTY(s->x, "xs:attribute", "name", row->name, "type", row->type, "use",
              row->min ? "optional" : "required");
        break;
    case WSDL_GLOBAL:
        close_type(s);
        EMPTY(s->x, "xs:element", "name", row->name, "type", row->type);
        break;
    case WSDL_ENUMERATION:
        close_type(s);
        START(s->x, "xs:simpleType", "name", row->name);
        START(s->x, "xs:restriction", "base", "xs:string");
        s->type = s->sequence = 1;
        break;
    case WSDL_VALUE:
        EMPTY(s->x, "xs:enumeration", "value", row->name);
        break;
    case WSDL_LIST:
        close_type(s);
        write_list(s, row);
        break;
    }
}

static void write_schema(xml_out_t *x, const char *ns, const char *imports,
                         const wsdl_row_t *rows)
{
    schema_t s = {x, 0, 0};

    START(x, "xs:schema", "targetNamespace", ns, "elementFormDefault",
          "qualified");
    if (imports) {
        EMPTY(x, "xs:import", "namespace", imports);
    }
    for (; rows->name; rows++) {
        write_row(&s, rows);
    }
    close_type(&s);
    xml_out_end(x);
}

/* --- the service --- */

static void message(xml_out_t *x, const char *name, const char *element)
{
    START(x, "message", "name", name);
    EMPTY(x, "part", "name", "body", "element", element);
    xml_out_end(x);
}

static void messages(xml_out_t *x, apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < OPERATIONS; i++) {
        message(x, apr_pstrcat(pool, operations[i].name, "SoapIn", NULL),
                apr_pstrcat(pool, "m:", operations[i].request, NULL));
        message(x, apr_pstrcat(pool, operations[i].name, "SoapOut", NULL),
                apr_pstrcat(pool, "m:", operations[i].response, NULL));
    }
    for (i = 0; i < sizeof(headers_in) / sizeof(headers_in[0]); i++) {
        message(x, headers_in[i], apr_pstrcat(pool, "t:", headers_in[i], NULL));
    }
    message(x, header_out, apr_pstrcat(pool, "t:", header_out, NULL));
}

static void port_type(xml_out_t *x, apr_pool_t *pool)
{
    size_t i;

    START(x, "portType", "name", "ExchangeServicePortType");
    for (i = 0; i < OPERATIONS; i++) {
        const char *name = apr_pstrcat(pool, "m:", operations[i].name, NULL);

        START(x, "operation", "name", operations[i].name);
        EMPTY(x, "input", "message", apr_pstrcat(pool, name, "SoapIn", NULL));
        EMPTY(x, "output", "message", apr_pstrcat(pool, name, "SoapOut", NULL));
        xml_out_end(x);
    }
    xml_out_end(x);
}

static void header(xml_out_t *x, const char *name, apr_pool_t *pool)
{
    EMPTY(x, "soap:header", "message", apr_pstrcat(pool, "m:", name, NULL),
          "part", "body", "use", "literal");
}

static void binding(xml_out_t *x, apr_pool_t *pool)
{
    size_t i, j;

    START(x, "binding", "name", "ExchangeServiceBinding", "type",
          "m:ExchangeServicePortType");
    EMPTY(x, "soap:binding", "style", "document", "transport", TRANSPORT);
    for (i = 0; i < OPERATIONS; i++) {
        START(x, "operation", "name", operations[i].name);
        EMPTY(
            x, "soap:operation", "soapAction",
            apr_pstrcat(pool, SOAP_NS_MESSAGES, "/", operations[i].name, NULL));
        xml_out_start(x, "input");
        for (j = 0; j < sizeof(headers_in) / sizeof(headers_in[0]); j++) {
            header(x, headers_in[j], pool);
        }
        EMPTY(x, "soap:body", "use", "literal");
        xml_out_end(x);
        xml_out_start(x, "output");
        EMPTY(x, "soap:body", "use", "literal");
        header(x, header_out, pool);
        xml_out_end(x);
        xml_out_end(x);
    }
    xml_out_end(x);
}

xml_out_t *wsdl_write(const char *location, apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);

    START(x, "definitions", "xmlns", WSDL, "xmlns:soap", WSDL_SOAP, "xmlns:xs",
          XSD, "xmlns:m", SOAP_NS_MESSAGES, "xmlns:t", SOAP_NS_TYPES,
          "targetNamespace", SOAP_NS_MESSAGES);
    xml_out_start(x, "types");
    write_schema(x, SOAP_NS_TYPES, NULL, wsdl_types);
    write_schema(x, SOAP_NS_MESSAGES, SOAP_NS_TYPES, wsdl_messages);
    xml_out_end(x);
    messages(x, pool);
    port_type(x, pool);
    binding(x, pool);
    START(x, "service", "name", "ExchangeService");
    START(x, "port", "name", "ExchangePort", "binding",
          "m:ExchangeServiceBinding");
    EMPTY(x, "soap:address", "location", location);
    return x;
}
