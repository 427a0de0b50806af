/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/hostaddr.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <poll.h>
#include <unistd.h>

#define S(seconds) apr_time_from_sec(seconds)
#define LIMIT apr_time_from_msec(2000)

/* A resolver that does what the test says. */
static const char *answer; /* NULL: no such name */
static int asked;
static int hold[2]; /* a pipe: it waits for a byte when `silent` */
static int silent;

static apr_status_t resolver(hostaddr_list_t *list, const char *host,
                             apr_pool_t *pool)
{
    char byte;

    (void)pool;
    __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&silent, __ATOMIC_SEQ_CST) &&
        read(hold[0], &byte, 1) != 1) {
        return APR_EGENERAL;
    }
    if (!answer || strcmp(host, "dc.example.test") != 0) {
        return APR_NOTFOUND;
    }
    list->count = 1;
    apr_cpystrn(list->text[0], answer, sizeof(list->text[0]));
    return APR_SUCCESS;
}

static void set_silent(int on)
{
    __atomic_store_n(&silent, on, __ATOMIC_SEQ_CST);
}

/* Asks at the time `now`: the address, or what went wrong. */
static const char *get(hostaddr_t *addr, apr_time_t now)
{
    static hostaddr_list_t list;
    apr_status_t rv = hostaddr_get(addr, &list, now, LIMIT);

    if (rv == APR_SUCCESS) {
        return list.count > 0 ? list.text[0] : "nothing";
    }
    return rv == APR_TIMEUP     ? "no answer"
           : rv == APR_NOTFOUND ? "no such name"
                                : "error";
}

static void test_addresses(apr_pool_t *pool)
{
    static const char *const rows[] = {"192.0.2.1", "2001:db8::1", "::1",
                                       "127.0.0.1"};
    hostaddr_t *addr;
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        hostaddr_create(&addr, rows[i], pool);
        addr->resolve = resolver;
        is_str(get(addr, S(1)), rows[i], "an address");
    }
    is_int(asked, 0, "no resolver is asked for addresses");
}

/* The steps of one name's life; `now` in seconds. */
static const struct {
    int now;
    const char *answer;
    const char *expected;
    int asked; /* so often since the step before */
    const char *name;
} steps[] = {
    {1000, NULL, "no such name", 1, "a name that is unknown"},
    {1001, NULL, "no such name", 1, "is asked for each time"},
    {1002, "192.0.2.1", "192.0.2.1", 1, "known now"},
    {1003, "192.0.2.2", "192.0.2.1", 0, "which is believed"},
    {1061, "192.0.2.2", "192.0.2.1", 0, "for a minute"},
    {1062, "192.0.2.2", "192.0.2.2", 1, "then it is asked for"},
    {1122, NULL, "192.0.2.2", 1, "unknown again: the old address stays"},
    {1123, NULL, "192.0.2.2", 0, "and not everybody asks"},
    {1127, "192.0.2.3", "192.0.2.3", 1, "but one every five seconds"},
};

static void test_steps(hostaddr_t *addr)
{
    apr_size_t i;

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int before = asked;

        answer = steps[i].answer;
        is_str(get(addr, S(steps[i].now)), steps[i].expected, steps[i].name);
        is_int(asked - before, steps[i].asked, "asked so often");
    }
}

static void test_silence(hostaddr_t *known, hostaddr_t *unknown)
{
    apr_time_t began = apr_time_now();
    int i;

    set_silent(1);
    is_str(get(known, S(2000)), "192.0.2.3", "silent: the old address");
    ok(apr_time_now() - began < LIMIT, "without waiting for the limit");
    is_str(get(known, S(2001)), "192.0.2.3", "and again");
    is_str(get(known, S(2006)), "192.0.2.3", "the next who would ask");
    is_str(get(unknown, S(2000)), "no answer", "silent, and nothing known");
    began = apr_time_now();
    is_str(get(unknown, S(2001)), "no answer", "the next one");
    ok(apr_time_now() - began < LIMIT / 2, "is told at once");
    set_silent(0);
    answer = "192.0.2.4";
    ok(write(hold[1], "xx", 2) == 2, "the resolver speaks");
    for (i = 0; strcmp(get(unknown, S(2002 + i)), "192.0.2.4") != 0 && i < 2000;
         i++) {
        poll(NULL, 0, 5);
    }
    is_str(get(unknown, S(2002 + i)), "192.0.2.4", "and is heard");
    is_str(get(known, S(9000)), "192.0.2.4", "by the other one too");
}

int main(void)
{
    hostaddr_t *known, *unknown;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(pipe(hold) == 0, "a pipe");
    test_addresses(pool);
    hostaddr_create(&known, "dc.example.test", pool);
    known->resolve = resolver;
    test_steps(known);
    hostaddr_create(&unknown, "dc.example.test", pool);
    unknown->resolve = resolver;
    test_silence(known, unknown);
    hostaddr_create(&known, "localhost", pool);
    ok(hostaddr_get(known, &(hostaddr_list_t){0}, S(1), S(20)) == APR_SUCCESS,
       "the system's resolver knows localhost");
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
