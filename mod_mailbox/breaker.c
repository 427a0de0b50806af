/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "breaker.h"

#define SLOW apr_time_from_msec(500) /* a failure that held a thread */
#define PAUSE apr_time_from_sec(1)   /* in which all fail at once */
#define PROBE apr_time_from_sec(30)  /* longer than any attempt takes */

static apr_uint64_t load(const breaker_t *breaker)
{
    return __atomic_load_n(&breaker->retry_at, __ATOMIC_ACQUIRE);
}

static void store(breaker_t *breaker, apr_uint64_t value)
{
    __atomic_store_n(&breaker->retry_at, value, __ATOMIC_RELEASE);
}

int breaker_may_try(breaker_t *breaker, apr_time_t now)
{
    apr_uint64_t retry_at = load(breaker);

    if (retry_at == 0) {
        return 1;
    }
    if ((apr_uint64_t)now < retry_at) {
        return 0;
    }
    /* One thread wins the right to try. */
    return __atomic_compare_exchange_n(&breaker->retry_at, &retry_at,
                                       (apr_uint64_t)(now + PROBE), 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void breaker_tell(breaker_t *breaker, apr_time_t began, apr_time_t now,
                  int succeeded)
{
    if (succeeded) {
        if (load(breaker)) {
            store(breaker, 0);
        }
    }
    else if (now - began >= SLOW) {
        store(breaker, (apr_uint64_t)(now + PAUSE));
    }
    else if (load(breaker)) {
        store(breaker, 0); /* refused at once now: trying costs nothing */
    }
}
