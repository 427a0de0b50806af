/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "errand.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

typedef enum state_t {
    WAITING, /* in the queue */
    RUNNING,
    DONE,
    FORSAKEN /* running, and its sender waits no more */
} state_t;

/* One errand, in its own pool. */
typedef struct entry_t {
    struct entry_t *next;
    state_t state;
    pthread_cond_t done;  /* its sender waits for it */
    struct timespec late; /* and until then */
    void (*call)(void *job);
    void *job;
    apr_pool_t *pool;
} entry_t;

/* Not in a pool: the thread may still be on its errand when the process's
 * pools go. */
struct errand_runner_t {
    pthread_mutex_t mutex; /* guards the rest, and the entries */
    pthread_cond_t given;  /* the thread waits for it */
    int started;
    entry_t *running;       /* or NULL */
    entry_t *first, **last; /* those that wait */
};

apr_status_t errand_pool(apr_pool_t **pool)
{
    apr_status_t rv = apr_pool_create_unmanaged_ex(pool, NULL, NULL);

    if (rv == APR_SUCCESS) {
        apr_pool_tag(*pool, "errand");
    }
    return rv;
}

static struct errand_runner_t *make_runner(void)
{
    struct errand_runner_t *runner = calloc(1, sizeof(*runner));

    if (runner) {
        pthread_mutex_init(&runner->mutex, NULL);
        pthread_cond_init(&runner->given, NULL);
        runner->last = &runner->first;
    }
    return runner;
}

/* The runner of this process, made by whoever comes first. */
static struct errand_runner_t *runner_of(errand_t *errand)
{
    struct errand_runner_t *runner =
        __atomic_load_n(&errand->runner, __ATOMIC_ACQUIRE);
    struct errand_runner_t *mine;

    if (runner || !(mine = make_runner())) {
        return runner;
    }
    if (__atomic_compare_exchange_n(&errand->runner, &runner, mine, 0,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        return mine;
    }
    free(mine);
    return runner;
}

/* Takes `entry` out of the queue. */
static void unlink_entry(struct errand_runner_t *runner, entry_t *entry)
{
    entry_t **at = &runner->first;

    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    if (!*at) {
        runner->last = at;
    }
}

/* Calls with the mutex released. */
static void run_entry(struct errand_runner_t *runner, entry_t *entry)
{
    entry->state = RUNNING;
    runner->running = entry;
    pthread_mutex_unlock(&runner->mutex);
    entry->call(entry->job);
    pthread_mutex_lock(&runner->mutex);
    runner->running = NULL;
    if (entry->state == FORSAKEN) {
        apr_pool_destroy(entry->pool);
    }
    else {
        entry->state = DONE;
        pthread_cond_signal(&entry->done);
    }
}

static void *run(void *data)
{
    struct errand_runner_t *runner = data;
    entry_t *entry;

    pthread_mutex_lock(&runner->mutex);
    for (;;) {
        while (!(entry = runner->first)) {
            pthread_cond_wait(&runner->given, &runner->mutex);
        }
        unlink_entry(runner, entry);
        run_entry(runner, entry);
    }
    return NULL;
}

/* With the mutex held. */
static int start(struct errand_runner_t *runner)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;

    if (runner->started) {
        return 0;
    }
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits it */
    int error = pthread_create(&thread, &attributes, run, runner);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    runner->started = error == 0;
    return error;
}

static struct timespec from_now(apr_interval_time_t limit)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)apr_time_sec(limit);
    t.tv_nsec += (long)apr_time_usec(limit) * 1000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static int is_past(const struct timespec *t)
{
    struct timespec now = from_now(0);

    return now.tv_sec > t->tv_sec ||
           (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

static entry_t *make_entry(void (*call)(void *job), void *job, apr_pool_t *pool,
                           apr_interval_time_t limit)
{
    entry_t *entry = apr_pcalloc(pool, sizeof(*entry));
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&entry->done, &attributes);
    pthread_condattr_destroy(&attributes);
    entry->late = from_now(limit);
    entry->call = call;
    entry->job = job;
    entry->pool = pool;
    return entry;
}

/* Hands the errand over and waits for its end.  With the mutex. */
static apr_status_t hand_over(struct errand_runner_t *runner, entry_t *entry)
{
    int error = 0;

    if (runner->running && is_past(&runner->running->late)) {
        return APR_EBUSY;
    }
    *runner->last = entry;
    runner->last = &entry->next;
    pthread_cond_signal(&runner->given);
    while (entry->state != DONE && error == 0) {
        error =
            pthread_cond_timedwait(&entry->done, &runner->mutex, &entry->late);
    }
    switch (entry->state) {
    case DONE:
        return APR_SUCCESS;
    case WAITING:
        unlink_entry(runner, entry);
        return APR_EBUSY;
    default:
        entry->state = FORSAKEN;
        return APR_TIMEUP;
    }
}

apr_status_t errand_run(errand_t *errand, void (*call)(void *job), void *job,
                        apr_pool_t *pool, apr_interval_time_t limit)
{
    entry_t *entry = make_entry(call, job, pool, limit);
    struct errand_runner_t *runner = runner_of(errand);
    apr_status_t rv = APR_ENOMEM;

    if (runner) {
        pthread_mutex_lock(&runner->mutex);
        rv = start(runner);
        if (rv == APR_SUCCESS) {
            rv = hand_over(runner, entry);
        }
        pthread_mutex_unlock(&runner->mutex);
    }
    if (rv != APR_SUCCESS && rv != APR_TIMEUP) {
        apr_pool_destroy(pool);
    }
    return rv;
}
