/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_TAP_H
#define POSTERN_TAP_H

/* Test Anything Protocol for unit programs: each test file includes this once,
 * calls ok/is_int/is_str/is_mem and ends with `return done_testing();`. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

/* How many times slower than usual this program may be: valgrind's share, from
 * the environment variable POSTERN_SLOWER. */
static inline int tap_slower(void)
{
    const char *text = getenv("POSTERN_SLOWER");
    long times = text ? strtol(text, NULL, 10) : 1;

    return times > 1 && times < 1000 ? (int)times : 1;
}

__attribute__((format(printf, 2, 3))) static inline int
ok(int passed, const char *format, ...)
{
    va_list args;

    printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    tap_failed += !passed;
    return passed;
}

static inline int is_int(long long got, long long expected, const char *name)
{
    if (!ok(got == expected, "%s", name)) {
        printf("#      got: %lld\n# expected: %lld\n", got, expected);
        return 0;
    }
    return 1;
}

static inline int is_str(const char *got, const char *expected,
                         const char *name)
{
    int same = got && expected ? strcmp(got, expected) == 0 : got == expected;

    if (!ok(same, "%s", name)) {
        printf("#      got: %s\n# expected: %s\n", got ? got : "(null)",
               expected ? expected : "(null)");
    }
    return same;
}

static inline int is_mem(const void *got, size_t got_len, const void *expected,
                         size_t expected_len, const char *name)
{
    int same = got_len == expected_len && memcmp(got, expected, got_len) == 0;

    if (!ok(same, "%s", name)) {
        printf("#      got: %zu bytes\n# expected: %zu bytes\n", got_len,
               expected_len);
    }
    return same;
}

static inline int done_testing(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed ? 1 : 0;
}

#endif
