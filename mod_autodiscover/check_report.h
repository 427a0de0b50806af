/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_CHECK_REPORT_H
#define POSTERN_CHECK_REPORT_H

/* The report of the self-check, for people and for programs.  Pure. */

#include "check_run.h"

#include <stdio.h>

/* Prints for people; `verbose` adds trace and raw answers. */
void check_report_text(FILE *to, const check_report_t *report, int verbose);

/* Prints one JSON object with everything. */
void check_report_json(FILE *to, const check_report_t *report,
                       apr_pool_t *pool);

#endif
