/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/errand.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_thread_proc.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define MS(milliseconds) apr_time_from_msec(milliseconds)
#define SENDERS 8
#define ERRANDS_EACH 500

static errand_t errand;

/* --- what the thread does --- */

typedef struct job_t {
    int number, square;
    int fd; /* reads a byte from here, which may take for ever */
    int signals_blocked;
} job_t;

static void work(void *data)
{
    job_t *job = data;
    sigset_t set;
    char byte;

    if (job->fd >= 0 && read(job->fd, &byte, 1) != 1) {
        return;
    }
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    job->signals_blocked = sigismember(&set, SIGTERM) == 1;
    job->square = job->number * job->number;
}

/* An errand of `number`; the square, or 0 and the status in *rv. */
static int square(int number, int fd, apr_interval_time_t limit,
                  apr_status_t *rv)
{
    apr_pool_t *pool;
    job_t *job;
    int result = 0;

    *rv = errand_pool(&pool);
    if (*rv != APR_SUCCESS) {
        return 0;
    }
    job = apr_pcalloc(pool, sizeof(*job));
    job->number = number;
    job->fd = fd;
    *rv = errand_run(&errand, work, job, pool, limit);
    if (*rv == APR_SUCCESS) {
        result = job->signals_blocked ? job->square : -1;
        apr_pool_destroy(pool);
    }
    return result;
}

/* --- many senders --- */

static void *APR_THREAD_FUNC send_many(apr_thread_t *thread, void *data)
{
    int *wrong = data, i;
    apr_status_t rv;

    (void)thread;
    for (i = 1; i <= ERRANDS_EACH; i++) {
        if (square(i, -1, MS(20000), &rv) != i * i || rv != APR_SUCCESS) {
            (*wrong)++;
        }
    }
    return NULL;
}

static void test_many(apr_pool_t *pool)
{
    apr_thread_t *threads[SENDERS];
    int wrong[SENDERS] = {0}, all = 0, i;
    apr_status_t rv;

    for (i = 0; i < SENDERS; i++) {
        apr_thread_create(&threads[i], NULL, send_many, &wrong[i], pool);
    }
    for (i = 0; i < SENDERS; i++) {
        apr_thread_join(&rv, threads[i]);
        all += wrong[i];
    }
    is_int(all, 0, "many senders, each gets its own answer");
}

/* --- a call that hangs --- */

static void test_hang(void)
{
    int pipes[2], tries;
    apr_status_t rv;
    apr_time_t began;

    ok(pipe(pipes) == 0, "a pipe that nobody writes to");
    began = apr_time_now();
    square(3, pipes[0], MS(100), &rv);
    ok(rv == APR_TIMEUP, "a call that hangs");
    ok(apr_time_now() - began >= MS(99), "has its time");
    ok(apr_time_now() - began < MS(2000), "and no more");
    began = apr_time_now();
    square(4, -1, MS(5000), &rv);
    ok(rv == APR_EBUSY, "the next one is refused");
    ok(apr_time_now() - began < MS(2000), "at once");
    ok(write(pipes[1], "x", 1) == 1, "the call returns at last");
    for (tries = 0; square(5, -1, MS(1000), &rv) != 25 && tries < 2000;
         tries++) {
        poll(NULL, 0, 5);
    }
    is_int(rv, APR_SUCCESS, "and all is as before");
    close(pipes[0]);
    close(pipes[1]);
}

/* Whose time is over before the thread has seen the errand. */
static void test_no_time(void)
{
    apr_status_t rv;
    int i, bad = 0;

    for (i = 0; i < 200; i++) {
        square(6, -1, 0, &rv);
        bad += rv != APR_TIMEUP && rv != APR_EBUSY && rv != APR_SUCCESS;
    }
    is_int(bad, 0, "no time at all");
    for (i = 0; square(7, -1, MS(1000), &rv) != 49 && i < 2000; i++) {
        poll(NULL, 0, 5);
    }
    is_int(rv, APR_SUCCESS, "and some again");
}

int main(void)
{
    apr_pool_t *pool;
    apr_status_t rv;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    is_int(square(2, -1, MS(20000), &rv), 4, "an errand");
    test_many(pool);
    test_hang();
    test_no_time();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
