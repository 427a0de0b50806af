/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_DELAY_H
#define POSTERN_DELAY_H

/* How long somebody who gave wrong passwords waits before his next try counts.
 *
 * Failures are counted twice: for a user at an address, and for the address
 * whatever the user.  When a count has used up what is free, each further
 * failure doubles the wait.  So a guesser slows down, and the user whose
 * password is being guessed logs in from any other address as if nothing had
 * happened.  A pair of user and address that was right within the last day is
 * not held for what others did at that address.  The same wrong password again
 * is no new guess: a program that keeps an old one does not lock its owner
 * out.
 *
 * The table lies in memory of a fixed size, which processes may share; it has
 * no pointers.  The caller sees to it that one thread at a time is in here.
 * Names and passwords are kept as keyed digests only.  Pure. */

#include <apr_time.h>

#define DELAY_SECRET 20      /* bytes of the key of the digests */
#define DELAY_ADDRESS_MAX 16 /* bytes of an address */

typedef struct delay_table_t delay_table_t;

/* What a location allows. */
typedef struct delay_rules_t {
    int free_of_user;    /* failures of a user at an address without a wait */
    int free_of_address; /* failures of an address without a wait */
    apr_interval_time_t longest;
} delay_rules_t;

/* Who tries to log in. */
typedef struct delay_who_t {
    apr_uint64_t user;    /* at this address; 0: not known */
    apr_uint64_t address; /* alone */
} delay_who_t;

/* What has happened since the table was made, and what is in it. */
typedef struct delay_counters_t {
    apr_uint64_t failed;            /* wrong passwords */
    apr_uint64_t repeated;          /* of these: the same one again */
    apr_uint64_t held;              /* tries that were told to wait */
    int users, addresses;           /* with failures that are not forgotten */
    int held_users, held_addresses; /* that have to wait now */
    int entries, capacity;
} delay_counters_t;

/* Bytes that a table needs. */
apr_size_t delay_size(void);

/* An empty table in `memory`, which has delay_size() bytes. */
delay_table_t *delay_init(void *memory,
                          const unsigned char secret[DELAY_SECRET]);

/* Fills in `who`.  `user` is NULL when unknown; upper and lower case of ASCII
 * letters and blanks where no name has them do not matter.  `address` are the
 * bytes of an IPv4 (4) or IPv6 (16) address; of the latter, the first 64 bits
 * count, since one customer has them all, and ::ffff:a.b.c.d is a.b.c.d. */
void delay_who(const delay_table_t *table, delay_who_t *who, const char *user,
               const unsigned char *address, apr_size_t len);

/* 0 when `who` may try, or how long he has to wait; that try is counted. */
apr_interval_time_t delay_ask(delay_table_t *table, const delay_who_t *who,
                              apr_time_t now);

/* 1 when `who` logged in here a moment ago and has not failed since: then there
 * is nothing to ask, and nothing to tell after another success.  The one
 * function that needs no lock; at worst it misses what happens meanwhile. */
int delay_is_known(const delay_table_t *table, const delay_who_t *who,
                   apr_time_t now);

/* Counts a failure; `password` is NULL where it is not known.  Returns the
 * wait that begins now, 0 for none. */
apr_interval_time_t delay_failed(delay_table_t *table, const delay_who_t *who,
                                 const char *password,
                                 const delay_rules_t *rules, apr_time_t now);

/* Forgets the failures of the user at the address, not those of the address. */
void delay_succeeded(delay_table_t *table, const delay_who_t *who,
                     apr_time_t now);

void delay_count(const delay_table_t *table, delay_counters_t *counters,
                 apr_time_t now);

#endif
