/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/storm.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_time_t at(int seconds)
{
    return apr_time_from_sec(1800000000 + seconds);
}

static void test_window(apr_pool_t *pool)
{
    storm_t s;
    int i;

    storm_init(&s, 60, 20, pool);
    is_int(storm_due(&s, at(0), 1), 0, "nothing came");
    is_int(storm_next(&s), 0, "nothing to wait for");
    storm_add(&s, at(0), "one");
    is_int(storm_due(&s, at(0), 0), 1, "the first message goes at once");
    storm_sent(&s, at(0));
    for (i = 0; i < 312; i++) {
        storm_add(&s, at(1), "one");
    }
    storm_add(&s, at(2), "two");
    is_int(storm_due(&s, at(59), 0), 0, "then the window is open");
    is_int(storm_due(&s, at(59), 1), 1, "the end does not wait");
    is_int(storm_next(&s), at(60), "when to look again");
    is_int(storm_due(&s, at(60), 0), 1, "the window closes");
    is_int(s.lines->nelts, 2, "two messages");
    is_int((long long)APR_ARRAY_IDX(s.lines, 0, storm_line_t).count, 312,
           "repeated 312 times");
    storm_sent(&s, at(60));
    is_int(storm_due(&s, at(300), 0), 0, "nothing new");
    storm_add(&s, at(300), "one");
    is_int(storm_due(&s, at(300), 0), 1, "a quiet time later, at once again");
}

static void test_limit(apr_pool_t *pool)
{
    storm_t s;
    int i;

    storm_init(&s, 1, 3, pool);
    for (i = 0; i < 3; i++) {
        storm_add(&s, at(i * 2), "x");
        is_int(storm_due(&s, at(i * 2), 0), 1, "within the limit");
        is_int(storm_silences(&s), i == 2, "the last one says so");
        storm_sent(&s, at(i * 2));
    }
    storm_add(&s, at(10), "x");
    is_int(storm_due(&s, at(10), 1), 0, "silenced");
    is_int(storm_next(&s), at(3600), "until the hour is over");
    is_int(storm_due(&s, at(3599), 0), 0, "still silenced");
    is_int(storm_due(&s, at(3600), 0), 1, "the next hour");
}

static void test_flood(apr_pool_t *pool)
{
    storm_t s;
    int i;

    storm_init(&s, 60, 20, pool);
    for (i = 0; i < 10000; i++) {
        storm_add(&s, at(0), apr_psprintf(pool, "message %d", i));
    }
    is_int(s.lines->nelts, STORM_LINES_MAX, "different messages are bounded");
    is_int((long long)s.more, 10000 - STORM_LINES_MAX, "the rest is counted");
}

static void test_clock(apr_pool_t *pool)
{
    storm_t s;

    storm_init(&s, 60, 1, pool);
    storm_add(&s, at(100000), "x");
    storm_sent(&s, at(100000));
    storm_add(&s, at(0), "x");
    is_int(storm_due(&s, at(0), 0), 1, "a clock set back does not silence");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_window(pool);
    test_limit(pool);
    test_flood(pool);
    test_clock(pool);
    apr_pool_destroy(pool);
    return done_testing();
}
