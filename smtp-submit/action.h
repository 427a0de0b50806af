/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_ACTION_H
#define SUBMIT_ACTION_H

/* What commands do.  Two programs share this: smtp-submit itself starts fast
 * and touches neither network nor secret; everything else is done by
 * smtp-submit-runner (libcurl and libcrypto cost 5 ms to load). */

#include "command.h"
#include "config.h"
#include "spool.h"

#include <sys/types.h>

/* sysexits.h, as the man page lists them */
enum {
    ACTION_OK = 0,
    ACTION_ERROR = 1,
    ACTION_USAGE = 64,
    ACTION_DATA = 65,
    ACTION_INPUT = 66,
    ACTION_REFUSED = 69,
    ACTION_IO = 74,
    ACTION_QUEUED = 75,
    ACTION_AUTH = 77,
    ACTION_CONFIG = 78
};

typedef struct action_t action_t;
struct action_t {
    const char *config_path;
    submit_config_t config;
    spool_t spool;
    int debug;
    int scripted;    /* standard input is not the message */
    int configuring; /* after "configure terminal" */
    char block[24];  /* "trigger 1 " after such a line, else "" */
    /* Told, before the mail is written, that it is to be delivered; may be
     * NULL. */
    void (*get_ready)(action_t *action, int wait);
    pid_t runner;  /* a runner that waits for the id, or 0 */
    int runner_in; /* where it reads it */
    /* Delivers the mail that has just been queued; the exit status. */
    int (*deliver)(action_t *action, const char *id, int wait);
    /* The same without waiting for it; NULL: the mail waits for a runner. */
    int (*deliver_later)(action_t *action, const char *id);
    apr_pool_t *pool;
};

/* Reads the configuration for `command` (NULL: any); ACTION_CONFIG after saying
 * what is wrong. */
int action_configure(action_t *action, const command_t *command);

/* 1 when smtp-submit does this command itself. */
int action_is_light(const command_t *command);

/* Does a light command; the exit status. */
int action_light(action_t *action, const command_t *command);

/* Light commands that have a file of their own. */
int action_log_show(action_t *action, const command_t *command);
int action_log_test(action_t *action, const command_t *command);
int action_log_ingest(action_t *action, const command_t *command);
int action_log_follow(action_t *action, const command_t *command);
int action_trigger_show(action_t *action, const command_t *command);
int action_trigger_counts(action_t *action, const command_t *command);
int action_trigger_activate(action_t *action, const command_t *command);
int action_watch(action_t *action, const command_t *command);

struct watch_t;
struct report_t;

/* Fills in what firing a trigger needs. */
void action_prepare_watch(action_t *action, struct watch_t *watch,
                          struct report_t *log);

/* A heavy command that has a file of its own. */
int action_setup(action_t *action, const command_t *command);

/* Does any command (smtp-submit-runner). */
int action_any(action_t *action, const command_t *command);

/* Obeys the lines of a descriptor; the first bad exit status that comes.
 * `person`: someone types them, after prompts. */
int action_lines(action_t *action, int fd, int person, int echo);

/* Prints a sentence on standard error and yields `status`. */
int action_says(int status, const char *why);

#endif
