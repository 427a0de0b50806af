/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "delay.h"

#include <apr_lib.h>
#include <apr_sha1.h>
#include <string.h>

#define SETS 4096 /* a power of two: the key chooses */
#define WAYS 4
#define FIRST apr_time_from_sec(1)     /* the first wait */
#define FORGET apr_time_from_sec(3600) /* after the last failure's wait */
#define TRUST apr_time_from_sec(86400) /* after the last good login */
#define REFRESH apr_time_from_sec(600) /* of the time of a good login */

typedef struct entry_t {
    apr_uint64_t key;      /* 0: empty */
    apr_uint64_t password; /* the last wrong one; 0: not known */
    apr_time_t last;       /* failure */
    apr_time_t until;      /* the end of the wait */
    apr_time_t good;       /* last good login, 0: none */
    apr_uint32_t failures;
    apr_uint32_t is_address;
} entry_t;

struct delay_table_t {
    unsigned char secret[DELAY_SECRET];
    apr_uint64_t failed, repeated, held;
    entry_t sets[SETS][WAYS];
};

apr_size_t delay_size(void)
{
    return sizeof(delay_table_t);
}

delay_table_t *delay_init(void *memory,
                          const unsigned char secret[DELAY_SECRET])
{
    delay_table_t *table = memory;

    memset(table, 0, sizeof(*table));
    memcpy(table->secret, secret, DELAY_SECRET);
    return table;
}

/* --- who --- */

static apr_uint64_t finish(apr_sha1_ctx_t *sha1)
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    apr_uint64_t key;

    apr_sha1_final(digest, sha1);
    memcpy(&key, digest, sizeof(key));
    return key ? key : 1;
}

static void begin(const delay_table_t *table, apr_sha1_ctx_t *sha1,
                  unsigned char kind)
{
    apr_sha1_init(sha1);
    apr_sha1_update_binary(sha1, table->secret, DELAY_SECRET);
    apr_sha1_update_binary(sha1, &kind, 1);
}

/* A name in one spelling: directories do not count case, nor blanks around a
 * name, nor how many there are in a row (RFC 4518 2.6.1). */
static void take_user(apr_sha1_ctx_t *sha1, const char *user)
{
    unsigned char c;

    for (user += strspn(user, " "); *user; user++) {
        if (*user == ' ' && (user[1] == ' ' || !user[1])) {
            continue;
        }
        c = (unsigned char)apr_tolower(*user);
        apr_sha1_update_binary(sha1, &c, 1);
    }
}

/* The part of an address that is one customer's. */
static void fold_address(const unsigned char **address, apr_size_t *len)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0,    0,
                                             0, 0, 0, 0, 0xff, 0xff};

    if (*len == 16 && memcmp(*address, mapped, sizeof(mapped)) == 0) {
        *address += sizeof(mapped);
        *len = 4;
    }
    else if (*len == 16) {
        *len = 8;
    }
}

void delay_who(const delay_table_t *table, delay_who_t *who, const char *user,
               const unsigned char *address, apr_size_t len)
{
    apr_sha1_ctx_t sha1;

    fold_address(&address, &len);
    begin(table, &sha1, 'A');
    apr_sha1_update_binary(&sha1, address, (unsigned int)len);
    who->address = finish(&sha1);
    who->user = 0;
    if (user) {
        begin(table, &sha1, 'U');
        apr_sha1_update_binary(&sha1, (const unsigned char *)&who->address,
                               sizeof(who->address));
        take_user(&sha1, user);
        who->user = finish(&sha1);
    }
}

static apr_uint64_t digest_password(const delay_table_t *table,
                                    const delay_who_t *who,
                                    const char *password)
{
    apr_sha1_ctx_t sha1;

    begin(table, &sha1, 'P');
    apr_sha1_update_binary(&sha1, (const unsigned char *)&who->user,
                           sizeof(who->user));
    apr_sha1_update_binary(&sha1, (const unsigned char *)password,
                           (unsigned int)strlen(password));
    return finish(&sha1);
}

/* --- entries --- */

static entry_t *set_of(delay_table_t *table, apr_uint64_t key)
{
    return table->sets[key % SETS];
}

/* 1 when the failures of `entry` count for nothing any more. */
static int is_forgotten(const entry_t *entry, apr_time_t now)
{
    return entry->failures == 0 || now >= entry->until + FORGET ||
           now + FIRST < entry->last; /* the clock was set back */
}

static entry_t *find(delay_table_t *table, apr_uint64_t key, apr_time_t now)
{
    entry_t *set = set_of(table, key);
    int i;

    for (i = 0; key && i < WAYS; i++) {
        if (set[i].key == key) {
            if (is_forgotten(&set[i], now)) {
                set[i].failures = 0;
                set[i].until = 0;
                set[i].password = 0;
            }
            return &set[i];
        }
    }
    return NULL;
}

/* Who gives way first: what is empty, then what holds no failures, then whose
 * wait ends first, addresses after the users at them. */
static int is_worth_less(const entry_t *a, const entry_t *b, apr_time_t now)
{
    int a_fails = !is_forgotten(a, now), b_fails = !is_forgotten(b, now);

    if (!a->key || !b->key) {
        return !a->key;
    }
    if (a_fails != b_fails) {
        return b_fails;
    }
    if (!a_fails) {
        return a->good < b->good;
    }
    return a->is_address != b->is_address ? b->is_address : a->until < b->until;
}

/* The entry of `key`, made when there is none. */
static entry_t *get(delay_table_t *table, apr_uint64_t key, int is_address,
                    apr_time_t now)
{
    entry_t *set = set_of(table, key), *entry = find(table, key, now);
    int i;

    if (entry) {
        return entry;
    }
    entry = set;
    for (i = 1; i < WAYS; i++) {
        if (is_worth_less(&set[i], entry, now)) {
            entry = &set[i];
        }
    }
    memset(entry, 0, sizeof(*entry));
    entry->key = key;
    entry->is_address = (apr_uint32_t)is_address;
    return entry;
}

static apr_interval_time_t wait_of(const entry_t *entry, apr_time_t now)
{
    return entry && entry->until > now ? entry->until - now : 0;
}

/* The wait that the count of an entry asks for. */
static apr_interval_time_t penalty(apr_uint32_t failures, int free,
                                   apr_interval_time_t longest)
{
    apr_uint32_t over = failures - (apr_uint32_t)free;
    apr_interval_time_t wait;

    if (failures <= (apr_uint32_t)free) {
        return 0;
    }
    wait = FIRST << (over > 30 ? 30 : over - 1);
    return wait < longest ? wait : longest;
}

static apr_interval_time_t add_failure(entry_t *entry, int free,
                                       apr_interval_time_t longest,
                                       apr_time_t now)
{
    apr_interval_time_t wait;

    if (entry->failures < APR_INT32_MAX) {
        entry->failures++;
    }
    wait = penalty(entry->failures, free, longest);
    entry->last = now;
    if (entry->until < now + wait) {
        entry->until = now + wait;
    }
    return wait;
}

/* --- the questions --- */

apr_interval_time_t delay_ask(delay_table_t *table, const delay_who_t *who,
                              apr_time_t now)
{
    const entry_t *user = find(table, who->user, now);
    apr_interval_time_t wait = wait_of(user, now), of_address;

    if (!user || !user->good || now - user->good > TRUST) {
        of_address = wait_of(find(table, who->address, now), now);
        wait = of_address > wait ? of_address : wait;
    }
    table->held += wait > 0;
    return wait;
}

#define LOAD(member) __atomic_load_n(&(member), __ATOMIC_ACQUIRE)

int delay_is_known(const delay_table_t *table, const delay_who_t *who,
                   apr_time_t now)
{
    const entry_t *set = table->sets[who->user % SETS];
    int i;

    for (i = 0; who->user && i < WAYS; i++) {
        if (LOAD(set[i].key) == who->user) {
            return LOAD(set[i].failures) == 0 &&
                   now - LOAD(set[i].good) < REFRESH &&
                   LOAD(set[i].key) == who->user;
        }
    }
    return 0;
}

apr_interval_time_t delay_failed(delay_table_t *table, const delay_who_t *who,
                                 const char *password,
                                 const delay_rules_t *rules, apr_time_t now)
{
    apr_uint64_t digest = password ? digest_password(table, who, password) : 0;
    apr_interval_time_t wait = 0, of_address;
    entry_t *entry;

    table->failed++;
    if (who->user) {
        entry = get(table, who->user, 0, now);
        if (digest && entry->failures && entry->password == digest) {
            table->repeated++;
            return wait_of(entry, now);
        }
        entry->password = digest;
        wait = add_failure(entry, rules->free_of_user, rules->longest, now);
    }
    entry = get(table, who->address, 1, now);
    of_address =
        add_failure(entry, rules->free_of_address, rules->longest, now);
    return of_address > wait ? of_address : wait;
}

void delay_succeeded(delay_table_t *table, const delay_who_t *who,
                     apr_time_t now)
{
    entry_t *entry;

    if (!who->user || delay_is_known(table, who, now)) {
        return;
    }
    entry = get(table, who->user, 0, now);
    entry->failures = 0;
    entry->until = 0;
    entry->password = 0;
    entry->good = now;
}

static void count_entry(const entry_t *entry, delay_counters_t *counters,
                        apr_time_t now)
{
    int fails = !is_forgotten(entry, now), waits = entry->until > now;

    counters->entries += entry->key != 0;
    if (entry->is_address) {
        counters->addresses += fails;
        counters->held_addresses += waits;
    }
    else {
        counters->users += fails;
        counters->held_users += waits;
    }
}

void delay_count(const delay_table_t *table, delay_counters_t *counters,
                 apr_time_t now)
{
    int set, way;

    memset(counters, 0, sizeof(*counters));
    counters->failed = table->failed;
    counters->repeated = table->repeated;
    counters->held = table->held;
    counters->capacity = SETS * WAYS;
    for (set = 0; set < SETS; set++) {
        for (way = 0; way < WAYS; way++) {
            count_entry(&table->sets[set][way], counters, now);
        }
    }
}
