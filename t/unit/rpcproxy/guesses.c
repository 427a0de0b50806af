/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/guesses.h"
#include "t/unit/tap.h"

static void guess(guesses_t *g, const char *user, apr_time_t now, int count)
{
    while (count-- > 0) {
        guesses_wrong(g, user, now);
    }
}

static void test_one(void)
{
    guesses_t g = {0};
    apr_time_t now = apr_time_from_sec(1000);

    ok(guesses_allowed(&g, "alice", now), "nobody has guessed");
    guess(&g, "alice", now, GUESSES_MOST - 1);
    ok(guesses_allowed(&g, "alice", now), "once more");
    guess(&g, "alice", now, 1);
    ok(!guesses_allowed(&g, "alice", now), "enough");
    ok(guesses_allowed(&g, "bob", now), "somebody else may");
    ok(!guesses_allowed(&g, "alice", now + GUESSES_TIME - 1), "for a while");
    ok(guesses_allowed(&g, "alice", now + GUESSES_TIME), "and no longer");
    guess(&g, "alice", now + GUESSES_TIME, 1);
    ok(guesses_allowed(&g, "alice", now + GUESSES_TIME), "counted anew");
}

/* More users than rows: those who guess most are remembered. */
static void test_many(void)
{
    guesses_t g = {0};
    apr_time_t now = 1;
    char name[16];
    int i;

    guess(&g, "mallory", now, GUESSES_MOST);
    for (i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "user%d", i);
        guess(&g, name, now, 1);
    }
    ok(!guesses_allowed(&g, "mallory", now), "among 10,000 others");
}

int main(void)
{
    test_one();
    test_many();
    return done_testing();
}
