/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/timers.h"
#include "t/unit/tap.h"

#include <apr_errno.h>
#include <string.h>

static void test_one(void)
{
    timers_timer_t a, b;
    timers_t t;

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    timers_init(&t);
    is_int(timers_next(&t), 0, "none runs");
    ok(timers_take(&t, 1000) == NULL, "none is due");
    timers_set(&t, &a, 0);
    is_int(timers_next(&t), 0, "stopping what does not run");
    timers_set(&t, &a, 100);
    timers_set(&t, &b, 50);
    is_int(timers_next(&t), 50, "the earlier one");
    ok(timers_take(&t, 49) == NULL, "not yet");
    ok(timers_take(&t, 50) == &b, "now");
    ok(timers_take(&t, 99) == NULL, "not twice");
    timers_set(&t, &a, 200);
    ok(timers_take(&t, 150) == NULL, "moved later");
    ok(timers_next(&t) == 200, "found when it came to the top");
    timers_set(&t, &a, 120);
    is_int(timers_next(&t), 120, "moved earlier");
    timers_set(&t, &a, 0);
    ok(timers_take(&t, 1000) == NULL && t.count == 0, "stopped");
    timers_destroy(&t);
}

/* Against the obvious list, with numbers that repeat. */
#define MANY 300

static void test_many(void)
{
    static timers_timer_t timer[MANY];
    apr_time_t due[MANY] = {0}, now = 1;
    unsigned int seed = 12345;
    timers_t t;
    int round, failed = 0;

    timers_init(&t);
    for (round = 0; round < 20000; round++) {
        int i = (int)((seed = seed * 1103515245u + 12345u) >> 16) % MANY;
        apr_time_t at = (seed >> 8) % 4 == 0 ? 0 : now + (seed >> 5) % 500;
        timers_timer_t *taken;

        timers_set(&t, &timer[i], at);
        due[i] = at;
        now += (seed >> 12) % 3;
        while ((taken = timers_take(&t, now)) != NULL) {
            failed |= !due[taken - timer] || due[taken - timer] > now;
            due[taken - timer] = 0;
        }
        for (i = 0; i < MANY; i++) {
            failed |= due[i] && due[i] <= now;
            failed |= due[i] && timers_next(&t) > due[i];
        }
    }
    ok(!failed, "%d timers: each is taken once, in time", MANY);
    timers_destroy(&t);
}

int main(void)
{
    test_one();
    test_many();
    return done_testing();
}
