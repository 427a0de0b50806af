/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "pairs.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* A number is used again by a later process, in another generation. */
typedef struct member_t {
    pid_t pid; /* 0: free */
    apr_uint32_t generation;
} member_t;

#define NOBODY 0xffffffffu

typedef struct entry_t {
    rts_cookie_t cookie;
    apr_uint32_t holder; /* member + 1; 0: free; NOBODY: gone */
    apr_uint32_t generation;
} entry_t;

struct pairs_t {
    pthread_mutex_t mutex;
    member_t member[PAIRS_MEMBERS];
    entry_t entry[PAIRS_BUCKETS][PAIRS_WAYS];
};

apr_size_t pairs_size(void)
{
    return sizeof(pairs_t);
}

apr_status_t pairs_init(pairs_t *pairs)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error) {
        return error;
    }
    error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (!error) {
        error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    }
    if (!error) {
        error = pthread_mutex_init(&pairs->mutex, &attributes);
    }
    pthread_mutexattr_destroy(&attributes);
    return error;
}

/* Every state of the table between two stores is a good one. */
static void lock(pairs_t *pairs)
{
    if (pthread_mutex_lock(&pairs->mutex) == EOWNERDEAD) {
        pthread_mutex_consistent(&pairs->mutex);
    }
}

static void unlock(pairs_t *pairs)
{
    pthread_mutex_unlock(&pairs->mutex);
}

static pid_t pid_of(const member_t *member)
{
    return __atomic_load_n(&member->pid, __ATOMIC_ACQUIRE);
}

int pairs_enter(pairs_t *pairs, pid_t pid)
{
    int i;

    lock(pairs);
    for (i = 0; i < PAIRS_MEMBERS && pid_of(&pairs->member[i]); i++) {
    }
    if (i < PAIRS_MEMBERS) {
        pairs->member[i].generation++;
        __atomic_store_n(&pairs->member[i].pid, pid, __ATOMIC_RELEASE);
    }
    unlock(pairs);
    return i < PAIRS_MEMBERS ? i : -1;
}

void pairs_leave(pairs_t *pairs, pid_t pid)
{
    int i;

    for (i = 0; i < PAIRS_MEMBERS; i++) {
        pid_t expected = pid;

        __atomic_compare_exchange_n(&pairs->member[i].pid, &expected, 0, 0,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    }
}

/* The process that holds `entry`, or 0. */
static pid_t holder_of(const pairs_t *pairs, const entry_t *entry)
{
    const member_t *member;

    if (!entry->holder || entry->holder > PAIRS_MEMBERS) {
        return 0;
    }
    member = &pairs->member[entry->holder - 1];
    return member->generation == entry->generation ? pid_of(member) : 0;
}

static entry_t *bucket_of(pairs_t *pairs, const rts_cookie_t *cookie)
{
    apr_uint32_t hash = 2166136261u;
    int i;

    for (i = 0; i < RTS_COOKIE_SIZE; i++) {
        hash = (hash ^ cookie->bytes[i]) * 16777619u;
    }
    return pairs->entry[(hash ^ hash >> 16) % PAIRS_BUCKETS];
}

static void claim_entry(pairs_t *pairs, entry_t *entry,
                        const rts_cookie_t *cookie, int member)
{
    entry->holder = 0;
    entry->cookie = *cookie;
    entry->generation = pairs->member[member].generation;
    entry->holder = (apr_uint32_t)member + 1;
}

pairs_result_e pairs_find(pairs_t *pairs, const rts_cookie_t *cookie,
                          int member, int claim, pid_t *owner)
{
    entry_t *entry = bucket_of(pairs, cookie), *end = entry + PAIRS_WAYS;
    entry_t *room = NULL;
    pairs_result_e result = PAIRS_NONE;

    *owner = 0;
    lock(pairs);
    for (; entry < end && !*owner; entry++) {
        pid_t holder = holder_of(pairs, entry);

        room = holder || room ? room : entry;
        if (!entry->holder ||
            memcmp(&entry->cookie, cookie, sizeof(*cookie)) != 0) {
            continue;
        }
        *owner = holder;
        result = !holder                                     ? PAIRS_GONE
                 : entry->holder == (apr_uint32_t)member + 1 ? PAIRS_MINE
                                                             : PAIRS_OTHER;
    }
    if (result == PAIRS_NONE && claim) {
        result = room ? PAIRS_MINE : PAIRS_FULL;
        if (room) {
            claim_entry(pairs, room, cookie, member);
        }
    }
    unlock(pairs);
    return result;
}

void pairs_release(pairs_t *pairs, const rts_cookie_t *cookie, int member,
                   int gone)
{
    entry_t *entry = bucket_of(pairs, cookie), *end = entry + PAIRS_WAYS;

    lock(pairs);
    for (; entry < end; entry++) {
        if (entry->holder == (apr_uint32_t)member + 1 &&
            entry->generation == pairs->member[member].generation &&
            memcmp(&entry->cookie, cookie, sizeof(*cookie)) == 0) {
            entry->holder = gone ? NOBODY : 0;
        }
    }
    unlock(pairs);
}

unsigned int pairs_count(pairs_t *pairs)
{
    unsigned int count = 0;
    int i, k;

    lock(pairs);
    for (i = 0; i < PAIRS_BUCKETS; i++) {
        for (k = 0; k < PAIRS_WAYS; k++) {
            count += holder_of(pairs, &pairs->entry[i][k]) != 0;
        }
    }
    unlock(pairs);
    return count;
}
