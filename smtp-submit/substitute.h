/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_SUBSTITUTE_H
#define SUBMIT_SUBSTITUTE_H

/* %N %S %T %D %L %U in a subject.  Pure; any thread. */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct substitute_facts_t {
    const char *hostname; /* %N */
    const char *serial;   /* %S */
    apr_time_t now;       /* %T %D %L local, %U UTC */
} substitute_facts_t;

/* `text` with everything replaced; other percent signs stay.  What a fact
 * holds of control characters becomes a blank. */
const char *substitute_subject(const char *text,
                               const substitute_facts_t *facts,
                               apr_pool_t *pool);

/* The serial number of this machine: of its board, else its machine id. */
const char *substitute_serial(apr_pool_t *pool);

#endif
