/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The commands about triggers. */

#include "action.h"
#include "watch.h"

#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_SECONDS = 5 };

int action_trigger_show(action_t *a, const command_t *command)
{
    (void)command;
    fputs(trigger_show(a->config.triggers, a->pool), stdout);
    return ACTION_OK;
}

int action_trigger_counts(action_t *a, const command_t *command)
{
    trigger_counts_t counts;

    (void)command;
    watch_counts(&counts, &a->spool, a->pool);
    fputs(trigger_show_counts(&counts, a->pool), stdout);
    return ACTION_OK;
}

void action_prepare_watch(action_t *a, watch_t *w, report_t *log)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    memset(w, 0, sizeof(*w));
    memset(log, 0, sizeof(*log));
    log->hostname = submit_config_hostname(&a->config, a->pool);
    log->stderr_too = 1;
    w->config = &a->config;
    w->spool = &a->spool;
    w->log = log;
    w->program = n > 0 ? apr_pstrmemdup(a->pool, self, (apr_size_t)n)
                       : "/usr/local/bin/smtp-submit";
    w->seconds = LOOK_SECONDS;
    w->pool = a->pool;
    openlog("smtp-submit", LOG_PID, LOG_MAIL);
}

/* Runs the scripts of a trigger as if it had happened. */
int action_trigger_activate(action_t *a, const command_t *command)
{
    int i, id = submit_config_seconds(command_value(command, "TRIGGER"), 0);
    report_t log;
    watch_t w;

    action_prepare_watch(a, &w, &log);
    for (i = 0; i < a->config.triggers->nelts; i++) {
        const trigger_t *t = &APR_ARRAY_IDX(a->config.triggers, i, trigger_t);

        if (t->id == id) {
            watch_fire(&w, t, "");
            return ACTION_OK;
        }
    }
    return action_says(ACTION_ERROR, "% Error: there is no such trigger");
}

int action_watch(action_t *a, const command_t *command)
{
    report_t log;
    watch_t w;
    const char *why;

    action_prepare_watch(a, &w, &log);
    w.seconds =
        submit_config_seconds(command_value(command, "SECONDS"), LOOK_SECONDS);
    return watch_run(&w, &why) ? action_says(ACTION_IO, why) : ACTION_OK;
}
