/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/known.h"
#include "t/unit/tap.h"

#define NOW 1000000

static target_endpoint_t numbered(int number)
{
    target_endpoint_t e;

    memset(&e, 0, sizeof(e));
    e.address.four.sin_family = AF_INET;
    e.size = sizeof(e.address.four);
    e.interface.minor = (apr_uint16_t)number;
    return e;
}

static void test_port(void)
{
    static known_t known;
    target_endpoint_t a = numbered(1), b = numbered(2);

    known_init(&known);
    is_int(known_port(&known, &a, NOW), 0, "nothing is known at first");
    known_set_port(&known, &a, 49152, NOW);
    is_int(known_port(&known, &a, NOW + 1), 49152, "a port that was told");
    is_int(known_port(&known, &b, NOW + 1), 0, "and no other");
    is_int(known_port(&known, &a, NOW + KNOWN_PORT_TIME - 1), 49152,
           "until its time is over");
    is_int(known_port(&known, &a, NOW + KNOWN_PORT_TIME), 0, "not longer");
    known_set_port(&known, &a, 49153, NOW);
    is_int(known_port(&known, &a, NOW + 1), 49153, "told anew");
    known_set_port(&known, &a, 0, NOW);
    is_int(known_port(&known, &a, NOW + 1), 0, "forgotten");
}

static void test_failed(void)
{
    static known_t known;
    target_endpoint_t a = numbered(1);

    known_init(&known);
    is_int(known_set_failed(&known, &a, 0, NOW), 0, "alive is no news");
    is_int(known_set_failed(&known, &a, 1, NOW), 1, "dead is");
    is_int(known_set_failed(&known, &a, 1, NOW + 1), 0, "once");
    is_int(known_set_failed(&known, &a, 0, NOW + 2), 1, "alive again is");
    is_int(known_set_failed(&known, &a, 1, NOW + 3), 1, "and dead again");
    is_int(known_set_failed(&known, &a, 1, NOW + 3 + KNOWN_FAILED_TIME), 1,
           "and after a while");
}

static void test_order(void)
{
    static known_t known;
    target_endpoint_t list[4], before[4];
    int i, order = 0;

    known_init(&known);
    for (i = 0; i < 4; i++) {
        list[i] = before[i] = numbered(i);
    }
    known_order(&known, list, 4, NOW);
    is_mem(list, sizeof(list), before, sizeof(before), "as it was");
    known_set_failed(&known, &before[0], 1, NOW);
    known_set_failed(&known, &before[2], 1, NOW);
    known_order(&known, list, 4, NOW + 1);
    for (i = 0; i < 4; i++) {
        order = order * 10 + list[i].interface.minor;
    }
    is_int(order, 1302, "the dead ones last, each part in its order");
    known_set_failed(&known, &before[1], 1, NOW);
    known_set_failed(&known, &before[3], 1, NOW);
    memcpy(list, before, sizeof(list));
    known_order(&known, list, 4, NOW + 1);
    is_mem(list, sizeof(list), before, sizeof(before), "all dead: as it was");
    known_set_failed(&known, &before[1], 0, NOW);
    known_order(&known, list, 4, NOW + 1);
    is_int(list[0].interface.minor, 1, "the one that came back is the first");
    known_order(&known, list, 0, NOW);
}

static void test_full(void)
{
    static known_t known;
    int i, kept = 0;

    known_init(&known);
    for (i = 0; i < KNOWN_ROWS; i++) {
        target_endpoint_t e = numbered(i);

        known_set_port(&known, &e, 1000 + i, NOW + i);
    }
    for (i = 0; i < KNOWN_ROWS; i++) {
        target_endpoint_t e = numbered(i);

        kept += known_port(&known, &e, NOW + 100 + i) == 1000 + i;
    }
    is_int(kept, KNOWN_ROWS, "a full table");
    for (i = 0; i < 3; i++) {
        target_endpoint_t first = numbered(0), more = numbered(1000 + i);

        known_port(&known, &first, NOW + 900 + i);
        known_set_port(&known, &more, 7, NOW + 900 + i);
    }
    for (i = 0, kept = 0; i < KNOWN_ROWS; i++) {
        target_endpoint_t e = numbered(i);
        int there = known_port(&known, &e, NOW + 2000 + i) != 0;

        kept += there == (i < 1 || i > 3);
    }
    is_int(kept, KNOWN_ROWS, "those used longest ago make room");
}

int main(void)
{
    test_port();
    test_failed();
    test_order();
    test_full();
    return done_testing();
}
