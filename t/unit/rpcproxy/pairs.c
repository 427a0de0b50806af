/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/pairs.h"
#include "t/unit/tap.h"

#include <apr_errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static rts_cookie_t cookie_of(unsigned int n)
{
    rts_cookie_t cookie = {{0}};

    memcpy(cookie.bytes, &n, sizeof(n));
    return cookie;
}

static pairs_t *make_table(void)
{
    pairs_t *pairs = mmap(NULL, pairs_size(), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (pairs == MAP_FAILED || pairs_init(pairs) != APR_SUCCESS) {
        abort();
    }
    return pairs;
}

static void test_owners(void)
{
    pairs_t *pairs = make_table();
    int a = pairs_enter(pairs, 1001), b = pairs_enter(pairs, 1002);
    rts_cookie_t one = cookie_of(1), two = cookie_of(2);
    pid_t owner;

    ok(a >= 0 && b >= 0 && a != b, "two processes have two numbers");
    is_int(pairs_find(pairs, &one, a, 0, &owner), PAIRS_NONE, "unknown");
    is_int(pairs_find(pairs, &one, a, 1, &owner), PAIRS_MINE, "claimed");
    is_int(pairs_find(pairs, &one, a, 1, &owner), PAIRS_MINE, "and found");
    is_int(pairs_find(pairs, &one, b, 1, &owner), PAIRS_OTHER, "by others");
    is_int(owner, 1001, "with its owner");
    pairs_release(pairs, &one, b, 0);
    is_int(pairs_count(pairs), 1, "nobody else can release it");
    pairs_release(pairs, &one, a, 0);
    is_int(pairs_count(pairs), 0, "released");
    is_int(pairs_find(pairs, &one, b, 1, &owner), PAIRS_MINE, "next owner");
    pairs_release(pairs, &one, b, 1);
    is_int(pairs_find(pairs, &one, a, 1, &owner), PAIRS_GONE, "gone for good");
    is_int(pairs_find(pairs, &two, b, 1, &owner), PAIRS_MINE, "another");
    pairs_leave(pairs, 1002);
    pairs_leave(pairs, 1002);
    is_int(pairs_count(pairs), 0, "a dead process holds nothing");
    is_int(pairs_find(pairs, &two, a, 1, &owner), PAIRS_GONE, "and is told of");
    is_int(pairs_enter(pairs, 1003), b, "its number is used again");
    is_int(pairs_find(pairs, &two, a, 1, &owner), PAIRS_GONE,
           "what was there before is not the new one's");
    is_int(pairs_count(pairs), 0, "none of it");
    munmap(pairs, pairs_size());
}

static void test_full(void)
{
    pairs_t *pairs = make_table();
    int a = pairs_enter(pairs, 1001), b, last;
    unsigned int n, most = 2 * PAIRS_BUCKETS * PAIRS_WAYS, mine = 0, full = 0;
    pid_t owner;

    for (n = 0; n < most; n++) {
        rts_cookie_t cookie = cookie_of(n);
        pairs_result_e result = pairs_find(pairs, &cookie, a, 1, &owner);

        mine += result == PAIRS_MINE;
        full += result == PAIRS_FULL;
    }
    is_int(mine + full, most, "all are answered");
    is_int(mine, pairs_count(pairs), "those that got in are there");
    ok(mine > PAIRS_BUCKETS * PAIRS_WAYS / 2, "the table fills (%u)", mine);
    pairs_leave(pairs, 1001);
    b = pairs_enter(pairs, 1002);
    for (n = most; n < most + 1000; n++) {
        rts_cookie_t cookie = cookie_of(n);

        full += pairs_find(pairs, &cookie, b, 1, &owner) != PAIRS_MINE;
    }
    is_int(mine + full, most, "its rows are free when the process has died");
    for (n = 1, last = 0; n < PAIRS_MEMBERS && last >= 0; n++) {
        last = pairs_enter(pairs, (pid_t)(2000 + n));
    }
    ok(last >= 0, "so many processes");
    is_int(pairs_enter(pairs, 1), -1, "and no more");
    munmap(pairs, pairs_size());
}

/* Processes that die at any moment leave a table that works. */
static void test_deaths(void)
{
    pairs_t *pairs = make_table();
    rts_cookie_t cookie = cookie_of(7);
    int i, me, good = 0;
    pid_t owner;

    for (i = 0; i < 50; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            int member = pairs_enter(pairs, getpid());
            unsigned int n;

            for (n = 0;; n++) {
                rts_cookie_t mine = cookie_of(n % 100000);

                pairs_find(pairs, &mine, member, 1, &owner);
                pairs_release(pairs, &mine, member, 0);
            }
        }
        usleep(1000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        pairs_leave(pairs, pid);
        me = pairs_enter(pairs, getpid());
        good += pairs_find(pairs, &cookie, me, 1, &owner) != PAIRS_OTHER;
        pairs_leave(pairs, getpid());
    }
    is_int(good, 50, "the table outlives 50 processes killed at work");
    is_int(pairs_count(pairs), 0, "and holds nothing of theirs");
    munmap(pairs, pairs_size());
}

int main(void)
{
    test_owners();
    test_full();
    test_deaths();
    return done_testing();
}
