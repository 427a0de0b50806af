/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/flow.h"
#include "t/unit/tap.h"

static void test_sender(void)
{
    flow_sender_t s;
    const char *why = NULL;

    /* The worked example: window 1000; 250 sent; the acknowledgement of those
     * arrives after 500 more. */
    flow_sender_init(&s, 1000);
    ok(flow_sender_room(&s, 1000), "the whole window");
    ok(flow_sender_room(&s, 1001), "one PDU of any size may start");
    flow_sender_sent(&s, 250);
    is_int(s.available, 750, "750 left");
    ok(flow_sender_room(&s, 750) && !flow_sender_room(&s, 751),
       "a PDU goes when all of it fits");
    flow_sender_sent(&s, 500);
    is_int(flow_sender_ack(&s, 250, 850, &why), APR_SUCCESS, "ack(250, 850)");
    is_int(s.available, 350, "850 less the 500 on the way");
    is_int(flow_sender_ack(&s, 751, 1000, &why), APR_EINVAL,
           "more than was sent");
    ok(why != NULL, "why: %s", why);
    is_int(flow_sender_ack(&s, 249, 1000, &why), APR_EINVAL, "going back");
    is_int(flow_sender_ack(&s, 750, 1001, &why), APR_EINVAL,
           "more than the advertised window");
    is_int(s.available, 350, "which all change nothing");
    is_int(flow_sender_ack(&s, 750, 1000, &why), APR_SUCCESS, "everything");
    is_int(s.available, 1000, "the whole window again");
    is_int(flow_sender_ack(&s, 750, 0, &why), APR_SUCCESS,
           "closed by the peer");
    flow_sender_sent(&s, 10);
    ok(!flow_sender_room(&s, 1), "nothing goes");
}

static void test_silent_peer(void)
{
    flow_sender_t s;
    const char *why = NULL;

    flow_sender_init(&s, 1000);
    flow_sender_sent(&s, 1000);
    ok(!flow_sender_room(&s, 1), "full");
    flow_sender_lift(&s);
    ok(flow_sender_room(&s, 100000), "lifted");
    flow_sender_sent(&s, 5000);
    is_int(flow_sender_ack(&s, 2000, 1000, &why), APR_SUCCESS,
           "an acknowledgement after all");
    is_int(s.available, -3000, "counts what is on the way");
    ok(!flow_sender_room(&s, 1), "and is honoured from then on");
    is_int(flow_sender_ack(&s, 6000, 1000, &why), APR_SUCCESS, "caught up");
    ok(flow_sender_room(&s, 1000) && s.available == 1000, "the window");
}

static void test_receiver(void)
{
    flow_receiver_t r;

    flow_receiver_init(&r, 1000);
    flow_receiver_received(&r, 400);
    ok(!flow_receiver_ack_due(&r), "above half");
    flow_receiver_received(&r, 200);
    ok(!flow_receiver_ack_due(&r), "below half, but nothing was forwarded");
    flow_receiver_forwarded(&r, 600);
    ok(flow_receiver_ack_due(&r), "due");
    is_int(flow_receiver_ack(&r), 1000, "all of the window");
    is_int(r.received, 600, "bytes received");
    ok(!flow_receiver_ack_due(&r), "not twice");
    flow_receiver_received(&r, 600);
    flow_receiver_forwarded(&r, 100);
    ok(flow_receiver_ack_due(&r), "half is still held");
    is_int(flow_receiver_ack(&r), 500, "and not offered");
    is_int(r.received, 1200, "bytes received");
    flow_receiver_received(&r, 5000);
    is_int(r.advertised, 0, "over-run is no error");
    ok(!flow_receiver_ack_due(&r), "but offers nothing");
    flow_receiver_forwarded(&r, 10000);
    is_int(flow_receiver_ack(&r), 1000, "never more than the window");
}

/* Sender and receiver against each other: never more on the way than the
 * window, and no standstill. */
static void test_together(void)
{
    apr_uint32_t window;
    int failed = 0;

    for (window = 100; window <= 4096; window += 333) {
        apr_uint32_t total = 0, size = 1;
        flow_receiver_t r;
        flow_sender_t s;
        int i;

        flow_sender_init(&s, window);
        flow_receiver_init(&r, window);
        for (i = 0; i < 10000; i++) {
            const char *why = NULL;

            size = (size * 7 + 13) % window + 1;
            if (flow_sender_room(&s, size)) {
                flow_sender_sent(&s, size);
                flow_receiver_received(&r, size);
                failed |= r.held > window;
                total++;
            }
            else {
                flow_receiver_forwarded(&r, r.held);
            }
            if (flow_receiver_ack_due(&r)) {
                apr_uint32_t opened = flow_receiver_ack(&r);

                failed |= flow_sender_ack(&s, r.received, opened, &why) != 0;
            }
        }
        failed |= total < 3000;
    }
    ok(!failed, "sender and receiver agree for every window");
}

static void test_lifetime(void)
{
    flow_lifetime_t l;

    flow_lifetime_init(&l, 131072);
    ok(!flow_lifetime_near_end(&l), "new");
    flow_lifetime_spend(&l, 131072 - 8193);
    ok(!flow_lifetime_near_end(&l), "8193 bytes before the end");
    flow_lifetime_spend(&l, 1);
    ok(flow_lifetime_near_end(&l), "8192 bytes before the end");
    ok(flow_lifetime_room(&l, 8192 - 512), "room up to the reserve");
    ok(!flow_lifetime_room(&l, 8192 - 511), "not beyond");
    flow_lifetime_spend(&l, 8192);
    ok(!flow_lifetime_room(&l, 1) && flow_lifetime_near_end(&l), "used up");
    flow_lifetime_spend(&l, 100);
    ok(!flow_lifetime_room(&l, 0) && flow_lifetime_near_end(&l), "over-drawn");
    flow_lifetime_init(&l, 2000);
    flow_lifetime_spend(&l, 999);
    ok(!flow_lifetime_near_end(&l), "a short one, first half");
    flow_lifetime_spend(&l, 1);
    ok(flow_lifetime_near_end(&l), "recycles half way");
    flow_lifetime_init(&l, 2147483648u);
    flow_lifetime_spend(&l, 2147483000u);
    ok(flow_lifetime_near_end(&l) && flow_lifetime_room(&l, 100),
       "2 GiB do not overflow");
}

int main(void)
{
    test_sender();
    test_silent_peer();
    test_receiver();
    test_together();
    test_lifetime();
    return done_testing();
}
