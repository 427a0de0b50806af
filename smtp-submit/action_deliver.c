/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Delivery of the mail that has just been queued, and what is said about it. */

#include "action_deliver.h"
#include "terminal.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void action_prepare_runner(action_t *a, const transport_way_t *way, runner_t *r,
                           report_t *log)
{
    memset(r, 0, sizeof(*r));
    memset(log, 0, sizeof(*log));
    log->hostname = submit_config_hostname(&a->config, a->pool);
    log->trace = open(spool_debug_path(&a->spool, a->pool),
                      O_WRONLY | O_APPEND | O_CLOEXEC);
    log->debug = a->debug || spool_debug(&a->spool, a->pool);
    r->way = way;
    r->config = &a->config;
    r->spool = &a->spool;
    r->log = log;
    r->pool = a->pool;
    srandom((unsigned)(time(NULL) ^ getpid()));
    openlog("smtp-submit", LOG_PID, LOG_MAIL);
}

/* Lines of debugging and words of progress do not go together. */
void action_watch_progress(runner_t *r, progress_t *progress)
{
    progress_begin(progress);
    r->progress = r->log->debug || r->log->stderr_too ? NULL : progress;
}

/* What is printed behind "Sending ID..." and what the program ends with when it
 * was told to wait. */
static const struct {
    runner_result_t result;
    const char *words;
    terminal_colour_t colour;
    int status, waited;
} endings[] = {
    {RUNNER_NOTHING, " ok.", TERMINAL_GREEN, ACTION_OK, ACTION_OK},
    {RUNNER_SENT, " ok.", TERMINAL_GREEN, ACTION_OK, ACTION_OK},
    {RUNNER_LATER, " queued.", TERMINAL_YELLOW, ACTION_OK, ACTION_QUEUED},
    {RUNNER_DOUBT, " in doubt.", TERMINAL_YELLOW, ACTION_OK, ACTION_QUEUED},
    {RUNNER_FAILED, " failed: ", TERMINAL_RED, ACTION_REFUSED, ACTION_REFUSED},
    {RUNNER_AUTH, " queued.", TERMINAL_YELLOW, ACTION_OK, ACTION_AUTH},
    {RUNNER_CONFIG, " queued.", TERMINAL_YELLOW, ACTION_OK, ACTION_CONFIG},
};

static size_t ending_of(runner_result_t result)
{
    size_t i;

    for (i = 0; endings[i].result != result; i++) {
    }
    return i;
}

int action_waited(runner_result_t result)
{
    return endings[ending_of(result)].waited;
}

int action_deliver(action_t *a, const transport_way_t *way, const char *id,
                   int wait)
{
    runner_t runner;
    report_t log;
    runner_result_t result;
    progress_t progress;
    size_t i;

    action_prepare_runner(a, way, &runner, &log);
    action_watch_progress(&runner, &progress);
    result = runner_deliver(&runner, id);
    i = ending_of(result);
    progress_end(&progress);
    terminal_paint(stdout, endings[i].colour, endings[i].words);
    puts(result == RUNNER_FAILED ? runner.text : "");
    if (result != RUNNER_FAILED && *runner.text) {
        action_says(0, apr_pstrcat(a->pool, "% ", runner.text, NULL));
    }
    fflush(stdout);
    return wait ? endings[i].waited : endings[i].status;
}
