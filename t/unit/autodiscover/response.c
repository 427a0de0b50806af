/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/response.h"

#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static void test_error(apr_pool_t *pool)
{
    const char *bytes, *again;
    apr_size_t len;
    apr_time_t when = apr_time_make(1000000000, 1234); /* 01:46:40 UTC */

    is_int(discover_response_error(DISCOVER_UNKNOWN_ADDRESS,
                                   DISCOVER_SCHEMA_OUTLOOK, "a", when, &bytes,
                                   &len, pool),
           APR_SUCCESS, "an error");
    is_str(apr_pstrmemdup(pool, bytes, len),
           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<Autodiscover xmlns=\"" DISCOVER_NS_BASE "\">"
           "<Response xmlns=\"" DISCOVER_NS_BASE "\">"
           "<Error Time=\"01:46:40.0012340\" Id=\"3826002220\">"
           "<ErrorCode>500</ErrorCode>"
           "<Message>The email address can't be found.</Message>"
           "<DebugData></DebugData></Error></Response></Autodiscover>\n",
           "in the base namespace");
    discover_response_error(DISCOVER_MALFORMED, DISCOVER_SCHEMA_MOBILESYNC, "a",
                            when, &again, &len, pool);
    ok(strstr(again, "<Response xmlns=\"" DISCOVER_NS_MOBILESYNC "\">") != NULL,
       "in the name space of mobilesync");
    discover_response_error(DISCOVER_UNKNOWN_ADDRESS, DISCOVER_SCHEMA_OUTLOOK,
                            "b", when, &again, &len, pool);
    ok(strstr(again, "3826002220") == NULL, "another server, another Id");
}

static void test_messages(void)
{
    static const discover_error_e errors[] = {500, 501, 600, 601, 602, 603};
    size_t i;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        ok(*discover_errors_message(errors[i]), "%d has a message", errors[i]);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    test_error(pool);
    test_messages();
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
