/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The commands about log messages. */

#include "action.h"
#include "log_ingest.h"
#include "tail.h"
#include "watch.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int action_log_show(action_t *a, const command_t *command)
{
    log_statistics_t statistics;

    (void)command;
    log_statistics_read(&statistics, &a->spool, a->pool);
    fputs(log_config_show(a->config.targets, &statistics, a->pool), stdout);
    return ACTION_OK;
}

/* Says which filter of each target takes a line. */
int action_log_test(action_t *a, const command_t *command)
{
    const char *line = command_value(command, "LINE");
    log_record_t record;
    int i, number;

    log_parse(&record, line, strlen(line), a->pool);
    printf("Level %s, facility %s, program %s, text \"%s\"\n",
           log_level_name(record.level), log_facility_name(record.facility),
           *record.program ? record.program : "-", record.text);
    for (i = 0; i < a->config.targets->nelts; i++) {
        const log_target_t *target =
            &APR_ARRAY_IDX(a->config.targets, i, log_target_t);

        number = log_target_takes(target, &record);
        if (number == 0) {
            printf("Email %s: no filter takes it\n", target->address);
        }
        else {
            printf("Email %s: filter %d %s it\n", target->address, abs(number),
                   number > 0 ? "sends" : "excludes");
        }
    }
    return ACTION_OK;
}

/* Makes the socket that programs write log lines to. */
static int open_socket(const char *path, const char **why, apr_pool_t *pool)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
    }
    else if (fd >= 0) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        unlink(path);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
            return fd;
        }
    }
    *why = apr_psprintf(pool, "%% Error: socket %s: %s", path, strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static void queued(void *baton, const char *id)
{
    action_t *a = baton;

    if (a->deliver_later && !a->config.by_runner) {
        a->deliver_later(a, id);
    }
}

static void failed(void *baton, const char *address, const char *why)
{
    action_t *a = baton;
    report_t log = {.hostname = submit_config_hostname(&a->config, a->pool),
                    .stderr_too = 1};

    report(&log, LOG_ERR, PN(15026) "no mail to %s: %s", address,
           why ? why : "the queue cannot be written");
}

/* The script runs beside us: whoever writes the log must not wait for it. */
static void triggered(void *baton, const trigger_t *trigger, const char *text)
{
    action_t *a = baton;
    report_t log;
    watch_t w;

    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0) {
        signal(SIGCHLD, SIG_DFL);
        action_prepare_watch(a, &w, &log);
        watch_fire(&w, trigger, text);
        _exit(0);
    }
}

/* What "debug mail" writes, as it comes. */
int action_log_follow(action_t *a, const command_t *command)
{
    int rv;

    (void)command;
    fflush(stdout);
    rv = tail_copy(spool_debug_path(&a->spool, a->pool), STDOUT_FILENO);
    return action_says(ACTION_IO, strerror(rv));
}

int action_log_ingest(action_t *a, const command_t *command)
{
    const char *copy = command_value(command, "FILE");
    const char *path = command_value(command, "SOCKET");
    const char *follow = command_value(command, "LOG"), *why = NULL;
    log_ingest_t in = {0};

    in.config = &a->config;
    in.spool = &a->spool;
    in.copy =
        copy ? open(copy, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640) : -1;
    if (copy && in.copy < 0) {
        return action_says(ACTION_INPUT,
                           apr_psprintf(a->pool, "%% Error: file %s: %s", copy,
                                        strerror(errno)));
    }
    in.datagram = path != NULL;
    in.source = path     ? open_socket(path, &why, a->pool)
                : follow ? tail_open(follow)
                         : STDIN_FILENO;
    in.queued = queued;
    in.failed = failed;
    in.triggered = triggered;
    in.baton = a;
    in.pool = a->pool;
    return in.source < 0 || log_ingest(&in, &why) ? action_says(ACTION_IO, why)
                                                  : ACTION_OK;
}
