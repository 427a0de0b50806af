/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "busy.h"

#include <stdlib.h>
#include <string.h>

busy_set_t *busy_create(busy_window_t window, apr_pool_t *pool)
{
    busy_set_t *set = apr_pcalloc(pool, sizeof(*set));

    set->window = window;
    set->periods = apr_array_make(pool, 16, sizeof(busy_period_t));
    return set;
}

apr_status_t busy_add(busy_set_t *set, const busy_period_t *period)
{
    if (period->start >= period->end || period->start >= set->window.end ||
        period->end <= set->window.start) {
        return APR_SUCCESS;
    }
    if (set->periods->nelts >= BUSY_PERIODS_MAX) {
        return APR_ENOSPC;
    }
    APR_ARRAY_PUSH(set->periods, busy_period_t) = *period;
    return APR_SUCCESS;
}

static int by_window_start(const void *a, const void *b)
{
    const busy_window_t *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

void busy_add_uncovered(busy_set_t *set, apr_array_header_t *covered)
{
    busy_period_t gap = {.type = BUSY_NO_DATA, .start = set->window.start};
    int i;

    if (covered->nelts) {
        qsort(covered->elts, (size_t)covered->nelts, sizeof(busy_window_t),
              by_window_start);
    }
    for (i = 0; i < covered->nelts; i++) {
        const busy_window_t *w = &APR_ARRAY_IDX(covered, i, busy_window_t);

        gap.end = w->start < set->window.end ? w->start : set->window.end;
        busy_add(set, &gap);
        if (w->end > gap.start) {
            gap.start = w->end;
        }
    }
    gap.end = set->window.end;
    busy_add(set, &gap);
}

static int by_start(const void *a, const void *b)
{
    const busy_period_t *x = a, *y = b;

    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    return (x->end > y->end) - (x->end < y->end);
}

void busy_sort(busy_set_t *set)
{
    if (set->periods->nelts) {
        qsort(set->periods->elts, (size_t)set->periods->nelts,
              sizeof(busy_period_t), by_start);
    }
}

apr_size_t busy_slots(busy_window_t window, int interval)
{
    apr_int64_t length = window.end - window.start, slot = interval * 60;

    return (apr_size_t)((length + slot - 1) / slot);
}

char *busy_merge(const busy_set_t *set, int interval, apr_pool_t *pool)
{
    apr_size_t count = busy_slots(set->window, interval);
    apr_int64_t slot = interval * 60, at = set->window.start;
    char *digits = apr_palloc(pool, count + 1);
    int i;

    memset(digits, '0', count);
    digits[count] = '\0';
    for (i = 0; i < set->periods->nelts; i++) {
        const busy_period_t *p = &APR_ARRAY_IDX(set->periods, i, busy_period_t);
        char digit = p->type == BUSY_ELSEWHERE ? '0' : (char)('0' + p->type);
        apr_int64_t first = p->start > at ? (p->start - at) / slot : 0;
        apr_int64_t last = (p->end - at - 1) / slot;

        for (; first <= last && first < (apr_int64_t)count; first++) {
            if (digits[first] < digit) {
                digits[first] = digit;
            }
        }
    }
    return digits;
}
