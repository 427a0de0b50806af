/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_auth_ntlm/verifier.h"

#include <apr_general.h>
#include <string.h>

#include "t/unit/tap.h"

static const struct {
    const char *text;
    const char *name; /* NULL: refused */
} servers[] = {
    {"192.0.2.1", "192.0.2.1:135"},
    {"192.0.2.1:49152", "192.0.2.1:49152"},
    {"dc1.example.test:135", "dc1.example.test:135"},
    {"[2001:db8::1]:135", "2001:db8::1:135"},
    {"", NULL},
    {":135", NULL},
    {"135", NULL},
    {"dc1:0", NULL},
    {"dc1:65536", NULL},
    {"dc1:x", NULL},
    {"dc1:", NULL},
    {"2001:db8::1", NULL},
    {"[fe80::1%eth0]:135", NULL},
};

/* Nothing listens on port 1 of this address: each server is tried, and the
 * last one's reason is given. */
static void test_nobody_there(apr_pool_t *pool)
{
    apr_array_header_t *list =
        apr_array_make(pool, 2, sizeof(verifier_server_t *));
    static const unsigned char type1[32] = {1};
    const unsigned char *type2 = NULL;
    apr_size_t len = 0;
    verifier_t *verifier;
    verifier_server_t *server[2];
    int i;

    for (i = 0; i < 2; i++) {
        verifier_parse(&server[i], i ? "127.255.0.1:1" : "127.255.0.2:1", pool);
        APR_ARRAY_PUSH(list, verifier_server_t *) = server[i];
    }
    is_int(verifier_negotiate(&verifier, &type2, &len, list, type1,
                              sizeof(type1), apr_time_from_sec(2), pool),
           VERIFIER_DOWN, "nobody listens");
    ok(strstr(verifier_why(verifier), "127.255.0.1:1: cannot connect") != NULL,
       "the reason names the server");
    ok(server[0]->avoid_until && server[1]->avoid_until, "both were tried");
    is_int(verifier_authenticate(verifier, type1, sizeof(type1),
                                 apr_time_from_sec(2)),
           VERIFIER_DOWN, "and a second leg leads nowhere");
}

int main(void)
{
    apr_pool_t *pool;
    verifier_server_t *server;
    apr_size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        apr_status_t rv = verifier_parse(&server, servers[i].text, pool);

        if (servers[i].name) {
            is_str(rv == APR_SUCCESS ? server->name : NULL, servers[i].name,
                   "a server");
        }
        else {
            ok(rv == APR_EINVAL, "no server: %s", servers[i].text);
        }
    }
    test_nobody_there(pool);
    apr_pool_destroy(pool);
    return done_testing();
}
