/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/delay.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <stdlib.h>

#define S(seconds) apr_time_from_sec(seconds)

static const delay_rules_t rules = {3, 10, S(60)};
static const unsigned char secret[DELAY_SECRET] = "nineteen characters";
static delay_table_t *table;

static delay_who_t at(const char *user, const char *address, apr_size_t len)
{
    delay_who_t who;

    delay_who(table, &who, user, (const unsigned char *)address, len);
    return who;
}

#define HOME(user) at(user, "\xc0\0\2\1", 4)
#define AWAY(user) at(user, "\xc0\0\2\2", 4)

static long fail(delay_who_t who, const char *password, apr_time_t now)
{
    return (long)apr_time_sec(delay_failed(table, &who, password, &rules, now));
}

static long ask(delay_who_t who, apr_time_t now)
{
    return (long)apr_time_sec(delay_ask(table, &who, now) + S(1) - 1);
}

static void succeed(delay_who_t who, apr_time_t now)
{
    delay_succeeded(table, &who, now);
}

static void empty(void)
{
    delay_init(table, secret);
}

static void slows_down(void)
{
    static const int waits[] = {0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60};
    apr_time_t t = S(1000000);
    char password[] = "a";
    size_t i;

    empty();
    for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        is_int(ask(HOME("alice"), t), 0, "may try");
        is_int(fail(HOME("alice"), password, t), waits[i], "waits after it");
        is_int(ask(HOME("alice"), t), waits[i], "is told so");
        is_int(ask(AWAY("alice"), t), 0, "elsewhere she may try");
        password[0]++;
        t += S(waits[i]);
    }
    is_int(ask(HOME("alice"), t + S(3599)), 0, "an hour later");
    is_int(fail(HOME("alice"), "x", t + S(3599)), 60, "it is remembered");
    t += S(3599) + S(60);
    is_int(fail(HOME("alice"), "y", t + S(3600)), 0, "then forgotten");
}

static void success_ends_it(void)
{
    apr_time_t t = S(1000000);
    int i;

    empty();
    for (i = 0; i < 4; i++) {
        fail(HOME("alice"), NULL, t);
    }
    is_int(ask(HOME("alice"), t), 1, "held");
    succeed(HOME("alice"), t + S(1));
    is_int(fail(HOME("alice"), NULL, t + S(2)), 0, "counted anew");
    is_int(ask(HOME("alice"), t + S(2)), 0, "may try");
}

static int known(delay_who_t who, apr_time_t now)
{
    return delay_is_known(table, &who, now);
}

static void known_without_asking(void)
{
    apr_time_t t = S(1000000);

    empty();
    is_int(known(HOME("alice"), t), 0, "a stranger is not known");
    succeed(HOME("alice"), t);
    is_int(known(HOME("alice"), t), 1, "who logged in is");
    is_int(known(AWAY("alice"), t), 0, "only there");
    is_int(known(HOME(NULL), t), 0, "and only with her name");
    is_int(known(HOME("alice"), t + S(601)), 0, "and only for a while");
    fail(HOME("alice"), "x", t);
    is_int(known(HOME("alice"), t), 0, "not after a failure");
    succeed(HOME("alice"), t);
    is_int(known(HOME("alice"), t), 1, "until the next success");
}

static void same_password(void)
{
    apr_time_t t = S(1000000);
    delay_counters_t counters;
    int i;

    empty();
    for (i = 0; i < 1000; i++) {
        fail(HOME("alice"), "last year's", t + S(i));
    }
    is_int(ask(HOME("alice"), t + S(1000)), 0,
           "a program with an old password harms nobody");
    is_int(ask(HOME("bob"), t + S(1000)), 0, "nor others there");
    delay_count(table, &counters, t);
    is_int((long long)counters.repeated, 999, "told as repeated");
    is_int((long long)counters.failed, 1000, "and as failed");
    empty();
    for (i = 0; i < 4; i++) {
        fail(HOME("alice"), NULL, t);
    }
    is_int(ask(HOME("alice"), t), 1, "unknown passwords are not the same");
}

static void whole_address(void)
{
    apr_time_t t = S(1000000);
    char user[] = "user0";
    int i;

    empty();
    succeed(HOME("alice"), t);
    for (i = 0; i < 11; i++) {
        user[4] = (char)('a' + i);
        is_int(ask(HOME(user), t), 0, "may try");
        is_int(fail(HOME(user), "guess", t), i < 10 ? 0 : 1, user);
    }
    is_int(ask(HOME("somebody"), t), 1, "everybody there waits");
    is_int(ask(HOME(NULL), t), 1, "whatever the name");
    is_int(ask(HOME("alice"), t), 0, "but who was right there before");
    is_int(ask(AWAY("somebody"), t), 0, "and who is elsewhere");
    is_int(fail(HOME(NULL), NULL, t + S(1)), 2, "without a name too");
    t += S(86401);
    for (i = 0; i < 11; i++) {
        user[4] = (char)('a' + i);
        fail(HOME(user), "guess", t);
    }
    is_int(ask(HOME("alice"), t), 1, "that lasts a day");
}

static void spellings(void)
{
    static const struct {
        const char *one, *other;
        int same;
    } rows[] = {{"alice", "ALICE", 1},
                {"alice", " alice", 1},
                {"alice", "alice  ", 1},
                {"al ice", "al   ice", 1},
                {"al ice", "alice", 0},
                {"alice", "alicf", 0},
                {"", " ", 1},
                {"EX\\alice", "alice", 0},
                {"\xc3\xa4", "\xc3\xa4", 1},
                {"\xc3\xa4", "\xc3\x84", 0}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        delay_who_t one = HOME(rows[i].one), other = HOME(rows[i].other);

        is_int(one.user == other.user, rows[i].same, rows[i].other);
    }
}

#define ZEROS "\0\0\0\0\0\0\0\0"

static void addresses(void)
{
    static const struct {
        const char *what, *one, *other;
        apr_size_t one_len, other_len;
        int same;
    } rows[] = {
        {"IPv4", "\1\2\3\4", "\1\2\3\5", 4, 4, 0},
        {"IPv4 in IPv6", "\1\2\3\4", ZEROS "\0\0\xff\xff\1\2\3\4", 4, 16, 1},
        {"another one", "\1\2\3\5", ZEROS "\0\0\xff\xff\1\2\3\4", 4, 16, 0},
        {"one /64", "\x20\1\r\xb8\0\0\0\1" ZEROS,
         "\x20\1\r\xb8\0\0\0\1abcdefgh", 16, 16, 1},
        {"two of them", "\x20\1\r\xb8\0\0\0\1" ZEROS,
         "\x20\1\r\xb8\0\0\0\2" ZEROS, 16, 16, 0}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        delay_who_t one = at("u", rows[i].one, rows[i].one_len);
        delay_who_t other = at("u", rows[i].other, rows[i].other_len);

        is_int(one.address == other.address, rows[i].same, rows[i].what);
        is_int(one.user == other.user, rows[i].same, "and the user there");
    }
}

/* More people than there is room for: who guesses stays, and the addresses
 * that guess longest of all. */
static void flood(void)
{
    apr_time_t t = S(1000000);
    delay_counters_t counters;
    unsigned char address[4] = {10, 0, 0, 0};
    int i, held = 0;

    empty();
    for (i = 0; i < 20; i++) {
        fail(HOME("alice"), NULL, t);
    }
    for (i = 0; i < 50000; i++) {
        delay_who_t who;

        address[1] = (unsigned char)(i >> 16);
        address[2] = (unsigned char)(i >> 8);
        address[3] = (unsigned char)i;
        delay_who(table, &who, "bob", address, sizeof(address));
        delay_succeeded(table, &who, t);
        if (i % 2) {
            delay_failed(table, &who, NULL, &rules, t);
        }
    }
    delay_count(table, &counters, t);
    ok(counters.entries <= counters.capacity, "the table keeps its size");
    ok(counters.entries > counters.capacity * 9 / 10, "and uses it");
    held = ask(HOME("bob"), t) > 0 && ask(HOME("alice"), t) > 0;
    ok(held, "a guessing address is still held");
    is_int(counters.held_addresses, 1, "and counted");
}

static void clock_set_back(void)
{
    apr_time_t t = S(1000000);
    int i;

    empty();
    for (i = 0; i < 20; i++) {
        fail(HOME("alice"), NULL, t);
    }
    is_int(ask(HOME("alice"), t - S(500000)), 0, "nobody waits for days");
}

int main(void)
{
    apr_initialize();
    table = malloc(delay_size());
    slows_down();
    success_ends_it();
    known_without_asking();
    same_password();
    whole_address();
    spellings();
    addresses();
    flood();
    clock_set_back();
    free(table);
    apr_terminate();
    return done_testing();
}
