/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/mobilesync.h"
#include "mod_autodiscover/response.h"

#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

int main(void)
{
    const discover_answer_t answer = {
        .mailbox = {.mail = "alice@example.test", .display_name = "A & B"},
        .eas_url = "https://h/Microsoft-Server-ActiveSync",
    };
    const char *bytes;
    apr_size_t len;
    apr_pool_t *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    is_int(discover_mobilesync_print(&answer, &bytes, &len, pool), APR_SUCCESS,
           "prints");
    is_str(apr_pstrmemdup(pool, bytes, len),
           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<Autodiscover xmlns=\"" DISCOVER_NS_BASE "\">"
           "<Response xmlns=\"" DISCOVER_NS_MOBILESYNC "\">"
           "<Culture>en:us</Culture>"
           "<User><DisplayName>A &amp; B</DisplayName>"
           "<EMailAddress>alice@example.test</EMailAddress></User>"
           "<Action><Settings><Server><Type>MobileSync</Type>"
           "<Url>https://h/Microsoft-Server-ActiveSync</Url>"
           "<Name>https://h/Microsoft-Server-ActiveSync</Name>"
           "</Server></Settings></Action></Response></Autodiscover>\n",
           "in the documented order");
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
