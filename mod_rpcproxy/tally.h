/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_TALLY_H
#define POSTERN_TALLY_H

/* What several processes count, told as one: a row for each process in memory
 * that all of them share.  Nothing is locked, and a process that is killed at
 * any moment leaves nothing behind that counts. */

#include <apr.h>
#include <sys/types.h>

#define TALLY_ROWS 4096 /* processes, of all generations */
#define TALLY_LEVELS 8  /* columns that fall again; they end with the process */
#define TALLY_COLUMNS 32 /* the others only grow, and outlive it */

/* Its process alone writes to a row; made of zeroed memory, it stands for
 * itself as well. */
typedef struct tally_row_t {
    pid_t pid; /* 0: free */
    apr_int64_t column[TALLY_COLUMNS];
} tally_row_t;

typedef struct tally_t tally_t;

/* Bytes of a tally; zeroed memory is an empty one. */
apr_size_t tally_size(void);

/* A row for the process `pid`, or NULL when there are too many. */
tally_row_t *tally_open(tally_t *tally, pid_t pid);

/* The process has ended; may be said twice, or of one that had no row. */
void tally_close(tally_t *tally, pid_t pid);

/* Any thread of the row's process. */
void tally_add(tally_row_t *row, unsigned int column, apr_int64_t amount);

apr_int64_t tally_get(const tally_row_t *row, unsigned int column);

/* All rows together.  Returns how many processes have one. */
unsigned int tally_sum(const tally_t *tally, apr_int64_t sum[TALLY_COLUMNS]);

#endif
