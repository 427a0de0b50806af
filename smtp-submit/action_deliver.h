/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_ACTION_DELIVER_H
#define SUBMIT_ACTION_DELIVER_H

/* Delivery by a command, and what is said about it. */

#include "action.h"
#include "runner.h"

/* Makes a runner for the action's queue. */
void action_prepare_runner(action_t *action, const transport_way_t *way,
                           runner_t *runner, report_t *log);

/* Lets the runner say how far it is, where a person looks on. */
void action_watch_progress(runner_t *runner, progress_t *progress);

/* Delivers one mail and prints what became of it; the exit status. */
int action_deliver(action_t *action, const transport_way_t *way, const char *id,
                   int wait);

/* The exit status of a command that waited for this. */
int action_waited(runner_result_t result);

#endif
