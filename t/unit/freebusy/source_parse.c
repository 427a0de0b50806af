/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/source.h"
#include "t/unit/tap.h"

#include <apr_general.h>

static const struct {
    const char *text;
    int good, secret, private_;
} rows[] = {
    {"file:/srv/%{user}.ics", 1, 1, 1},
    {"file:srv/%{user}.ics", 0, 0, 0},
    {"https://dav.example.com/%{user}", 1, 1, 0},
    {"http://dav.example.com/%{user}", 1, 0, 0},
    {"http://127.0.0.1:5232/%{user}", 1, 1, 1},
    {"http://127.8.9.1:5232/%{user}", 1, 0, 1},
    {"http://127.0.0.1.example.com/%{user}", 1, 0, 0},
    {"http://localhost/%{user}", 1, 1, 1},
    {"http://localhost.example.com/%{user}", 1, 0, 0},
    {"http://[::1]:80/%{user}", 1, 1, 1},
    {"http://[::2]:80/%{user}", 1, 0, 0},
    {"http://[fd00::1]/%{user}", 1, 0, 1},
    {"http://[fe80::1]/%{user}", 1, 0, 1},
    {"http://[2001:db8::1]/%{user}", 1, 0, 0},
    {"http://10.1.2.3/%{user}", 1, 0, 1},
    {"http://11.1.2.3/%{user}", 1, 0, 0},
    {"http://172.15.255.255/%{user}", 1, 0, 0},
    {"http://172.16.0.1:20000/%{user}", 1, 0, 1},
    {"http://172.31.255.255/%{user}", 1, 0, 1},
    {"http://172.32.0.1/%{user}", 1, 0, 0},
    {"http://192.168.1.1/%{user}", 1, 0, 1},
    {"http://192.169.1.1/%{user}", 1, 0, 0},
    {"http://169.254.1.1/%{user}", 1, 0, 1},
    {"http://0x7f000001/%{user}", 1, 0, 0},
    {"http://2130706433/%{user}", 1, 0, 0},
    {"http://10.1.2/%{user}", 1, 0, 0},
    {"outbox:https://dav.example.com/%{user}/outbox/", 1, 1, 0},
    {"outbox:http://dav.example.com/%{user}/outbox/", 1, 0, 0},
    {"report:http://10.0.0.1/%{user}/calendar/", 1, 0, 1},
    {"report:/srv/%{user}", 0, 0, 0},
    {"report:outbox:http://10.0.0.1/%{user}/", 0, 0, 0},
    {"outbox:file:/srv/%{user}", 0, 0, 0},
    {"outbox:https://%{domain}/%{user}", 0, 0, 0},
    {"https://dav.example.com/", 0, 0, 0},
    {"https://", 0, 0, 0},
    {"", 0, 0, 0},
};

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        source_t source = {.where = NULL};
        const char *why = source_parse(&source, rows[i].text, pool);

        ok((why == NULL) == rows[i].good, "%s", rows[i].text);
        if (!why) {
            is_int(source_is_secret(&source), rows[i].secret, "  secret");
            is_int(source_is_private(&source, pool), rows[i].private_,
                   "  private");
        }
    }
    apr_terminate();
    return done_testing();
}
