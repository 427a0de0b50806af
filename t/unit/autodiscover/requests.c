/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What the self-check asks is what the service understands. */

#include "mod_autodiscover/requests.h"
#include "mod_autodiscover/soap_question.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>

static const char *const addresses[] = {
    "alice@example.test", "a+b%41@example.test", "o'neil&co@example.test",
    "zo\xc3\xab@n\xc3\xbcrnberg.test"};

static void test_pox(const char *address, discover_schema_e schema,
                     apr_pool_t *pool)
{
    const char *bytes = requests_pox(address, schema, pool), *why = NULL;
    discover_question_t question;

    is_int(discover_question_parse(&question, bytes, strlen(bytes), &why, pool),
           DISCOVER_OK, "plain XML is understood");
    is_str(question.address, address, "with its address");
    is_int(question.schema, schema, "and its schema");
}

static void test_soap(const char *address, apr_pool_t *pool)
{
    const char *bytes = requests_soap(address, pool), *why = NULL;
    discover_soap_question_t question;

    is_int(discover_soap_question_parse(&question, bytes, strlen(bytes), &why,
                                        pool),
           APR_SUCCESS, "SOAP is understood");
    is_int(question.operation, DISCOVER_GET_USER_SETTINGS, "it is about users");
    is_int(question.subjects->nelts, 1, "about one");
    is_str(APR_ARRAY_IDX(question.subjects, 0, const char *), address,
           "with this address");
    is_int(question.settings->nelts, 7, "and what the EWS libraries want");
}

static void test_percent(apr_pool_t *pool)
{
    is_str(requests_percent("Az09-._~@", pool), "Az09-._~@", "what stays");
    is_str(requests_percent("a+b%&=/?#\" \xc3\xbc", pool),
           "a%2Bb%25%26%3D%2F%3F%23%22%20%C3%BC", "what does not");
    is_str(requests_percent("", pool), "", "nothing");
}

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        test_pox(addresses[i], DISCOVER_SCHEMA_OUTLOOK, pool);
        test_pox(addresses[i], DISCOVER_SCHEMA_MOBILESYNC, pool);
        test_soap(addresses[i], pool);
    }
    ok(requests_pox("\xff<", DISCOVER_SCHEMA_OUTLOOK, pool) &&
           requests_soap("\xff<", pool),
       "what is no text is asked about nevertheless");
    test_percent(pool);
    apr_terminate();
    return done_testing();
}
