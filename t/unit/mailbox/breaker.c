/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/breaker.h"
#include "t/unit/tap.h"

#define S(seconds) apr_time_from_sec(seconds)
#define MS(milliseconds) apr_time_from_msec(milliseconds)

int main(void)
{
    breaker_t breaker = {0};
    apr_time_t t = S(1000);

    ok(breaker_may_try(&breaker, t), "no trouble: everybody may try");
    ok(breaker_may_try(&breaker, t), "at the same time");
    breaker_tell(&breaker, t, t + MS(10), 0);
    ok(breaker_may_try(&breaker, t + MS(11)), "a quick failure costs nothing");
    breaker_tell(&breaker, t, t + S(3), 0);
    ok(!breaker_may_try(&breaker, t + S(3)), "a slow one: fail at once");
    ok(!breaker_may_try(&breaker, t + S(3) + MS(999)), "for a second");
    ok(breaker_may_try(&breaker, t + S(4)), "then one may try");
    ok(!breaker_may_try(&breaker, t + S(4)), "and only one");
    ok(!breaker_may_try(&breaker, t + S(7)), "while it tries");
    breaker_tell(&breaker, t + S(4), t + S(7), 0);
    ok(!breaker_may_try(&breaker, t + S(7)), "it failed: a second again");
    ok(breaker_may_try(&breaker, t + S(8)), "the next one");
    breaker_tell(&breaker, t + S(8), t + S(8) + MS(5), 1);
    ok(breaker_may_try(&breaker, t + S(8)), "it succeeded: everybody");
    ok(breaker_may_try(&breaker, t + S(8)), "may try again");
    breaker_tell(&breaker, t + S(8), t + S(20), 1);
    ok(breaker_may_try(&breaker, t + S(20)), "a slow success is a success");

    breaker_tell(&breaker, t + S(20), t + S(23), 0);
    ok(breaker_may_try(&breaker, t + S(24)), "silent, and then");
    breaker_tell(&breaker, t + S(24), t + S(24), 0);
    ok(breaker_may_try(&breaker, t + S(24)), "stopped: refusals cost nothing");

    breaker_tell(&breaker, t + S(24), t + S(27), 0);
    ok(breaker_may_try(&breaker, t + S(28)), "who tries and is never heard of");
    ok(!breaker_may_try(&breaker, t + S(57)), "blocks the others");
    ok(breaker_may_try(&breaker, t + S(58)), "for half a minute at most");
    return done_testing();
}
