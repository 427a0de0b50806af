/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/autoconfig.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const discover_answer_t full = {
    .mailbox = {.domain = "example.test"},
    .display_name = "A & B",
    .login_name = DISCOVER_AUTOCONFIG_MAIL,
    .imap = {"imap", 993, DISCOVER_SECURITY_SSL},
    .pop3 = {"pop", 110, DISCOVER_SECURITY_PLAIN},
    .smtp = {"smtp", 587, DISCOVER_SECURITY_STARTTLS},
};

static const char expected[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<clientConfig version=\"1.1\"><emailProvider id=\"example.test\">"
    "<domain>example.test</domain><displayName>A &amp; B</displayName>"
    "<displayShortName>A &amp; B</displayShortName>"
    "<incomingServer type=\"imap\"><hostname>imap</hostname><port>993</port>"
    "<socketType>SSL</socketType><username>%EMAILADDRESS%</username>"
    "<authentication>password-cleartext</authentication></incomingServer>"
    "<incomingServer type=\"pop3\"><hostname>pop</hostname><port>110</port>"
    "<socketType>plain</socketType><username>%EMAILADDRESS%</username>"
    "<authentication>password-cleartext</authentication></incomingServer>"
    "<outgoingServer type=\"smtp\"><hostname>smtp</hostname><port>587</port>"
    "<socketType>STARTTLS</socketType><username>%EMAILADDRESS%</username>"
    "<authentication>password-cleartext</authentication></outgoingServer>"
    "</emailProvider></clientConfig>\n";

int main(void)
{
    discover_answer_t answer = full;
    const char *bytes;
    apr_size_t len;
    apr_pool_t *pool;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    is_int(discover_autoconfig_print(&full, &bytes, &len, pool), APR_SUCCESS,
           "prints");
    is_str(apr_pstrmemdup(pool, bytes, len), expected, "everything");
    ok(discover_autoconfig_is_complete(&answer), "complete");
    answer.imap.host = NULL;
    ok(discover_autoconfig_is_complete(&answer), "POP3 alone will do");
    answer.pop3.host = NULL;
    ok(!discover_autoconfig_is_complete(&answer), "nothing to read from");
    answer = full;
    answer.smtp.host = NULL;
    ok(!discover_autoconfig_is_complete(&answer), "nothing to send by");
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
