/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/mobileconfig.h"

#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const discover_answer_t full = {
    .mailbox = {.mail = "alice@example.test",
                .display_name = "Alice & Co",
                .guid = "11111111-2222-3333-4444-555555555555"},
    .display_name = "Our <Mail>",
    .login_name = "alice",
    .imap = {"imap", 993, DISCOVER_SECURITY_SSL},
    .pop3 = {"pop", 995, DISCOVER_SECURITY_SSL},
    .smtp = {"smtp", 587, DISCOVER_SECURITY_STARTTLS},
    .caldav_url = "https://dav.test:8443/c/",
    .carddav_url = "https://dav.test/a/",
    .eas_url = "https://eas.test/x",
};

static const char *printed(const discover_answer_t *answer, apr_pool_t *pool)
{
    const char *bytes;
    apr_size_t len;

    return discover_mobileconfig_print(answer, &bytes, &len, pool) ==
                   APR_SUCCESS
               ? apr_pstrmemdup(pool, bytes, len)
               : NULL;
}

static const struct {
    const char *name, *part;
} parts[] = {
    {"a property list", "<plist version=\"1.0\"><dict><key>PayloadContent</key>"
                        "<array><dict>"},
    {"a mail account", "<key>EmailAccountType</key><string>EmailTypeIMAP"
                       "</string>"},
    {"its name", "<key>EmailAccountName</key><string>Alice &amp; Co</string>"},
    {"its server", "<key>IncomingMailServerHostName</key><string>imap</string>"
                   "<key>IncomingMailServerPortNumber</key>"
                   "<integer>993</integer>"
                   "<key>IncomingMailServerUseSSL</key><true/>"},
    {"its sender", "<key>OutgoingMailServerPortNumber</key>"
                   "<integer>587</integer>"
                   "<key>OutgoingMailServerUseSSL</key><true/>"},
    {"calendars", "<key>CalDAVHostName</key><string>dav.test</string>"
                  "<key>CalDAVPort</key><integer>8443</integer>"},
    {"contacts", "<key>CardDAVPort</key><integer>443</integer>"
                 "<key>CardDAVPrincipalURL</key>"
                 "<string>https://dav.test/a/</string>"},
    {"ActiveSync", "<key>Host</key><string>eas.test</string>"},
    {"the profile", "<key>PayloadType</key><string>Configuration</string>"},
    {"its organization", "<key>PayloadOrganization</key>"
                         "<string>Our &lt;Mail&gt;</string>"},
};

int main(void)
{
    apr_pool_t *pool;
    discover_answer_t other = full;
    const char *text;
    size_t i;

    apr_initialize();
    xml_init();
    apr_pool_create(&pool, NULL);
    text = printed(&full, pool);
    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        ok(text && strstr(text, parts[i].part) != NULL, "%s", parts[i].name);
    }
    is_str(printed(&full, pool), text, "the same each time");
    other.imap.host = NULL;
    text = printed(&other, pool);
    ok(text && strstr(text, "EmailTypePOP") != NULL, "POP3 without IMAP");
    other.pop3.host = NULL;
    text = printed(&other, pool);
    ok(text && !strstr(text, "com.apple.mail"), "no mail without both");
    ok(discover_mobileconfig_is_complete(&other), "but calendars");
    other.caldav_url = other.carddav_url = other.eas_url = NULL;
    ok(!discover_mobileconfig_is_complete(&other), "nothing left");
    other.caldav_url = "nonsense";
    ok(!printed(&other, pool), "no URL");
    apr_terminate();
    xmlCleanupParser();
    return done_testing();
}
