/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/relay.h"
#include "t/unit/tap.h"

#include <netinet/in.h>
#include <stdlib.h>

static unsigned char bytes[RELAY_HELLO_MAX];

static relay_hello_t make_hello(void)
{
    relay_hello_t h;

    memset(&h, 0, sizeof(h));
    h.hello.kind = HELLO_OUT;
    memset(h.hello.vconn.bytes, 7, sizeof(h.hello.vconn.bytes));
    h.hello.window = 65536;
    h.options.lifetime = 1 << 30;
    h.options.ping = apr_time_from_sec(60);
    h.out = 1;
    h.connect_by = 1234567;
    h.most[1] = 9;
    h.endpoints = 1;
    h.endpoint[0].address.four.sin_family = AF_INET;
    h.endpoint[0].address.four.sin_port = htons(1024);
    h.endpoint[0].size = sizeof(struct sockaddr_in);
    h.user = "alice";
    h.target = "mail.example.test:6001";
    h.client = "192.0.2.7";
    h.backend = "127.0.0.1:1024";
    h.server = "/etc/apache2/x.conf:3/mail.example.test:443";
    return h;
}

static void test_round_trip(void)
{
    relay_hello_t h = make_hello(), got;
    apr_size_t len = relay_hello_write(&h, bytes, sizeof(bytes));
    const char *why;

    ok(len > 0, "written");
    is_int(relay_hello_read(&got, bytes, len, &why), APR_SUCCESS, "read");
    is_str(got.user, h.user, "user");
    is_str(got.target, h.target, "target");
    is_str(got.client, h.client, "client");
    is_str(got.backend, h.backend, "back end");
    is_str(got.server, h.server, "virtual host");
    is_mem(&got.hello, sizeof(got.hello), &h.hello, sizeof(h.hello), "hello");
    is_mem(&got.options, sizeof(got.options), &h.options, sizeof(h.options),
           "options");
    is_mem(got.endpoint, sizeof(got.endpoint), h.endpoint, sizeof(h.endpoint),
           "endpoints");
    is_int(got.connect_by, 1234567, "time to connect");
    is_int(got.most[1], 9, "limits");
}

static void test_hostile(void)
{
    relay_hello_t h = make_hello(), got;
    apr_size_t len = relay_hello_write(&h, bytes, sizeof(bytes)), i;
    static char text[RELAY_HELLO_MAX];
    const char *why = NULL;
    int bad = 0;

    for (i = 0; i < len; i++) {
        unsigned char *cut = malloc(i ? i : 1); /* of exactly this size */

        memcpy(cut, bytes, i);
        bad += relay_hello_read(&got, cut, i, &why) == APR_EINVAL && why;
        free(cut);
    }
    is_int(bad, (int)len, "cut off at every byte");
    is_int(relay_hello_read(&got, bytes, len + 1, &why), APR_EINVAL,
           "more than all");
    bytes[4] ^= 1;
    is_int(relay_hello_read(&got, bytes, len, &why), APR_EINVAL,
           "another version");
    for (i = 0, bad = 0; i < len; i++) {
        bad += relay_hello_write(&h, bytes, i) == 0;
    }
    is_int(bad, (int)len, "no room");
    memset(text, 'x', sizeof(text) - 1);
    h.user = text;
    is_int(relay_hello_write(&h, bytes, sizeof(bytes)), 0, "a name too long");
    h = make_hello();
    h.endpoints = TARGET_ENDPOINTS_MAX + 1;
    len = relay_hello_write(&h, bytes, sizeof(bytes));
    is_int(relay_hello_read(&got, bytes, len, &why), APR_EINVAL,
           "too many endpoints");
    h.endpoints = 1;
    h.endpoint[0].size = sizeof(h.endpoint[0].address) + 1;
    len = relay_hello_write(&h, bytes, sizeof(bytes));
    is_int(relay_hello_read(&got, bytes, len, &why), APR_EINVAL,
           "an address too long");
    h = make_hello();
    h.hello.kind = (hello_kind_e)77;
    len = relay_hello_write(&h, bytes, sizeof(bytes));
    is_int(relay_hello_read(&got, bytes, len, &why), APR_EINVAL,
           "no kind of channel");
    h = make_hello();
    h.out = 0;
    len = relay_hello_write(&h, bytes, sizeof(bytes));
    is_int(relay_hello_read(&got, bytes, len, &why), APR_EINVAL,
           "an OUT channel that came as IN");
}

int main(void)
{
    test_round_trip();
    test_hostile();
    return done_testing();
}
