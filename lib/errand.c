/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "errand.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

typedef enum state_t {
    IDLE,
    GIVEN,   /* to the thread, whose sender waits */
    DONE,    /* its sender is about to see it */
    FORSAKEN /* given, and its sender waits no more */
} state_t;

/* Not in a pool: the thread may still be on its errand when the process's
 * pools go. */
struct errand_runner_t {
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t given;  /* the thread waits for it */
    pthread_cond_t moved;  /* senders wait for it */
    int started;
    state_t state;
    struct timespec late; /* when the sender of this errand stops waiting */
    void (*call)(void *job);
    void *job;
    apr_pool_t *pool;
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
    pthread_condattr_t attributes;

    if (!runner) {
        return NULL;
    }
    pthread_mutex_init(&runner->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&runner->given, &attributes);
    pthread_cond_init(&runner->moved, &attributes);
    pthread_condattr_destroy(&attributes);
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

static void *run(void *data)
{
    struct errand_runner_t *runner = data;

    pthread_mutex_lock(&runner->mutex);
    for (;;) {
        while (runner->state == IDLE || runner->state == DONE) {
            pthread_cond_wait(&runner->given, &runner->mutex);
        }
        if (runner->state == GIVEN) {
            pthread_mutex_unlock(&runner->mutex);
            runner->call(runner->job);
            pthread_mutex_lock(&runner->mutex);
        }
        if (runner->state == FORSAKEN) {
            apr_pool_destroy(runner->pool);
            runner->state = IDLE;
        }
        else {
            runner->state = DONE;
        }
        pthread_cond_broadcast(&runner->moved);
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

/* Waits until the thread is free for the caller's errand.  With the mutex. */
static int wait_for_turn(struct errand_runner_t *runner,
                         const struct timespec *deadline)
{
    while (runner->state != IDLE) {
        if (is_past(&runner->late) ||
            pthread_cond_timedwait(&runner->moved, &runner->mutex, deadline) !=
                0) {
            return runner->state == IDLE;
        }
    }
    return 1;
}

/* Hands the errand over and waits for its end.  With the mutex. */
static apr_status_t hand_over(struct errand_runner_t *runner,
                              const struct timespec *deadline)
{
    int error = 0;

    runner->state = GIVEN;
    runner->late = *deadline;
    pthread_cond_signal(&runner->given);
    while (runner->state != DONE && error == 0) {
        error =
            pthread_cond_timedwait(&runner->moved, &runner->mutex, deadline);
    }
    if (runner->state != DONE) {
        runner->state = FORSAKEN;
        return APR_TIMEUP;
    }
    runner->state = IDLE;
    pthread_cond_broadcast(&runner->moved);
    return APR_SUCCESS;
}

apr_status_t errand_run(errand_t *errand, void (*call)(void *job), void *job,
                        apr_pool_t *pool, apr_interval_time_t limit)
{
    struct timespec deadline = from_now(limit);
    struct errand_runner_t *runner = runner_of(errand);
    apr_status_t rv = APR_ENOMEM;

    if (runner) {
        pthread_mutex_lock(&runner->mutex);
        rv = start(runner);
        if (rv == APR_SUCCESS) {
            rv = APR_EBUSY;
            if (wait_for_turn(runner, &deadline)) {
                runner->call = call;
                runner->job = job;
                runner->pool = pool;
                rv = hand_over(runner, &deadline);
            }
        }
        pthread_mutex_unlock(&runner->mutex);
    }
    if (rv != APR_SUCCESS && rv != APR_TIMEUP) {
        apr_pool_destroy(pool);
    }
    return rv;
}
