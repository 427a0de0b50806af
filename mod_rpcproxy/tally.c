/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "tally.h"

#include <string.h>

struct tally_t {
    apr_uint32_t used; /* rows that were ever in use */
    tally_row_t row[TALLY_ROWS];
};

apr_size_t tally_size(void)
{
    return sizeof(tally_t);
}

static void raise_used(tally_t *tally, apr_uint32_t to)
{
    apr_uint32_t used = __atomic_load_n(&tally->used, __ATOMIC_RELAXED);

    while (used < to &&
           !__atomic_compare_exchange_n(&tally->used, &used, to, 0,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
}

tally_row_t *tally_open(tally_t *tally, pid_t pid)
{
    apr_uint32_t i;

    for (i = 0; i < TALLY_ROWS; i++) {
        pid_t nobody = 0;

        if (__atomic_compare_exchange_n(&tally->row[i].pid, &nobody, pid, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            raise_used(tally, i + 1);
            return &tally->row[i];
        }
    }
    return NULL;
}

void tally_close(tally_t *tally, pid_t pid)
{
    apr_uint32_t i, used = __atomic_load_n(&tally->used, __ATOMIC_ACQUIRE);
    int column;

    for (i = 0; i < used; i++) {
        tally_row_t *row = &tally->row[i];

        if (__atomic_load_n(&row->pid, __ATOMIC_ACQUIRE) != pid) {
            continue;
        }
        for (column = 0; column < TALLY_LEVELS; column++) {
            __atomic_store_n(&row->column[column], 0, __ATOMIC_RELAXED);
        }
        __atomic_store_n(&row->pid, 0, __ATOMIC_RELEASE);
    }
}

void tally_add(tally_row_t *row, unsigned int column, apr_int64_t amount)
{
    __atomic_fetch_add(&row->column[column], amount, __ATOMIC_RELAXED);
}

apr_int64_t tally_get(const tally_row_t *row, unsigned int column)
{
    return __atomic_load_n(&row->column[column], __ATOMIC_RELAXED);
}

unsigned int tally_sum(const tally_t *tally, apr_int64_t sum[TALLY_COLUMNS])
{
    apr_uint32_t i, used = __atomic_load_n(&tally->used, __ATOMIC_ACQUIRE);
    unsigned int column, processes = 0;

    memset(sum, 0, TALLY_COLUMNS * sizeof(*sum));
    for (i = 0; i < used; i++) {
        const tally_row_t *row = &tally->row[i];

        processes += __atomic_load_n(&row->pid, __ATOMIC_ACQUIRE) != 0;
        for (column = 0; column < TALLY_COLUMNS; column++) {
            sum[column] += tally_get(row, column);
        }
    }
    return processes;
}
