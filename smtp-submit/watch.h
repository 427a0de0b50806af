/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_WATCH_H
#define SUBMIT_WATCH_H

/* Looks at what the triggers watch, and runs their scripts. */

#include "config.h"
#include "report.h"
#include "spool.h"
#include "trigger.h"

typedef struct watch_t {
    const submit_config_t *config;
    const spool_t *spool;
    const report_t *log;
    const char *program; /* runs script files that are no programs */
    int seconds;         /* between two looks */
    apr_pool_t *pool;
} watch_t;

/* Watches until SIGTERM or SIGINT; 0, or an errno value with a sentence. */
int watch_run(watch_t *watch, const char **why);

/* Fires a trigger: counts, logs, runs its scripts. */
void watch_fire(const watch_t *watch, const trigger_t *trigger,
                const char *value);

void watch_counts(trigger_counts_t *counts, const spool_t *spool,
                  apr_pool_t *pool);

#endif
