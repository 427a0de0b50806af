/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/tally.h"
#include "t/unit/tap.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEVEL 0
#define SUM TALLY_LEVELS

static tally_t *make_tally(void)
{
    void *memory = mmap(NULL, tally_size(), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        abort();
    }
    return memory;
}

static apr_int64_t sum_of(const tally_t *tally, unsigned int column)
{
    apr_int64_t sum[TALLY_COLUMNS];

    tally_sum(tally, sum);
    return sum[column];
}

static void test_rows(void)
{
    tally_t *tally = make_tally();
    apr_int64_t sum[TALLY_COLUMNS];
    tally_row_t *a, *b;

    is_int(tally_sum(tally, sum), 0, "nobody yet");
    a = tally_open(tally, 1001);
    b = tally_open(tally, 1002);
    ok(a && b && a != b, "a row each");
    tally_add(a, LEVEL, 3);
    tally_add(a, LEVEL, -1);
    tally_add(a, SUM, 10);
    tally_add(b, LEVEL, 5);
    tally_add(b, SUM, 20);
    is_int(tally_get(a, LEVEL), 2, "one's own");
    is_int(tally_sum(tally, sum), 2, "two processes");
    is_int(sum[LEVEL], 7, "levels of both");
    is_int(sum[SUM], 30, "sums of both");
    tally_close(tally, 1001);
    tally_close(tally, 1001);
    tally_close(tally, 7);
    is_int(tally_sum(tally, sum), 1, "one has ended");
    is_int(sum[LEVEL], 5, "its levels with it");
    is_int(sum[SUM], 30, "its sums stay");
    b = tally_open(tally, 1003);
    is_int(tally_get(b, LEVEL), 0, "the next one starts at no level");
    tally_add(b, SUM, 1);
    is_int(sum_of(tally, SUM), 31, "and adds to the sums");
    munmap(tally, tally_size());
}

static void test_full(void)
{
    tally_t *tally = make_tally();
    int n, rows = 0;

    for (n = 0; n < TALLY_ROWS + 10; n++) {
        rows += tally_open(tally, (pid_t)(1000 + n)) != NULL;
    }
    is_int(rows, TALLY_ROWS, "so many processes and no more");
    tally_close(tally, 1000);
    ok(tally_open(tally, 9) != NULL, "room for one again");
    munmap(tally, tally_size());
}

static void *count(void *row)
{
    int n;

    for (n = 0; n < 100000; n++) {
        tally_add(row, SUM, 1);
        tally_add(row, LEVEL, n % 2 ? -1 : 1);
    }
    return NULL;
}

static void test_threads(void)
{
    tally_t *tally = make_tally();
    tally_row_t *row = tally_open(tally, getpid());
    pthread_t thread[4];
    int i;

    for (i = 0; i < 4; i++) {
        pthread_create(&thread[i], NULL, count, row);
    }
    for (i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
    }
    is_int(sum_of(tally, SUM), 400000, "four threads, nothing lost");
    is_int(sum_of(tally, LEVEL), 0, "and all levels down");
    munmap(tally, tally_size());
}

/* Processes that are killed while they count. */
static void test_deaths(void)
{
    tally_t *tally = make_tally();
    apr_int64_t before = 0, sum[TALLY_COLUMNS];
    int i, grown = 0;

    for (i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            tally_row_t *row = tally_open(tally, getpid());

            while (1) {
                tally_add(row, LEVEL, 1);
                tally_add(row, SUM, 1);
            }
        }
        while (sum_of(tally, LEVEL) < 10) {
            usleep(100);
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        tally_close(tally, pid);
        grown += sum_of(tally, SUM) >= before + 9;
        before = sum_of(tally, SUM);
    }
    is_int(grown, 20, "what 20 killed processes had counted stays");
    is_int(tally_sum(tally, sum), 0, "none of them is there");
    is_int(sum[LEVEL], 0, "and no level of theirs");
    munmap(tally, tally_size());
}

int main(void)
{
    test_rows();
    test_full();
    test_threads();
    test_deaths();
    return done_testing();
}
