/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* smtp-submit: queues mail and shows the queue; hands everything else to
 * smtp-submit-runner. */

#include "action.h"
#include "arguments.h"
#include "disk.h"
#include "sendmail.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The runner lies beside this program in a build, and in the library folder
 * beside its folder when installed.  Never found by PATH or environment. */
static const char *runner_path(apr_pool_t *pool)
{
    char self[4096], *slash;
    const char *path;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n <= 0) {
        return NULL;
    }
    self[n] = '\0';
    slash = strrchr(self, '/');
    *slash = '\0';
    path = apr_pstrcat(pool, self, "/smtp-submit-runner", NULL);
    if (access(path, X_OK) == 0) {
        return path;
    }
    slash = strrchr(self, '/');
    if (slash) {
        *slash = '\0';
    }
    return apr_pstrcat(pool, self, "/lib/postern/smtp-submit-runner", NULL);
}

static int become(const char *const *argv, apr_pool_t *pool)
{
    const char *path = runner_path(pool);

    fflush(stdout);
    if (path) {
        execv(path, (char *const *)argv);
    }
    return action_says(ACTION_ERROR,
                       apr_psprintf(pool, "%% Error: %s: %s",
                                    path ? path : "smtp-submit-runner",
                                    strerror(errno)));
}

enum { DELIVER_WORDS = 9 };

static void deliver_words(const char *argv[DELIVER_WORDS], const action_t *a,
                          const char *id, int wait)
{
    int n = 0;

    argv[n++] = "smtp-submit-runner";
    argv[n++] = "-c";
    argv[n++] = a->config_path;
    if (a->debug) {
        argv[n++] = "--debug";
    }
    argv[n++] = "deliver";
    argv[n++] = id;
    if (wait) {
        argv[n++] = "wait";
    }
    argv[n] = NULL;
}

/* Loading the runner's libraries takes longer than writing a mail, so it begins
 * at once.  The runner waits for the id on its standard input, and ends when
 * that ends without one. */
static void start_runner(action_t *a, int wait)
{
    const char *argv[DELIVER_WORDS], *path = runner_path(a->pool);
    posix_spawn_file_actions_t actions;
    int ends[2];

    if (!path || pipe2(ends, O_CLOEXEC) != 0) {
        return;
    }
    deliver_words(argv, a, "from-stdin", wait);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    if (posix_spawn(&a->runner, path, &actions, NULL, (char *const *)argv,
                    environ) == 0) {
        a->runner_in = ends[1];
    }
    else {
        a->runner = 0;
        close(ends[1]);
    }
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
}

/* Gives the id to the runner that waits for it; its exit status. */
static int hand_over(action_t *a, const char *id)
{
    const char *line = apr_pstrcat(a->pool, id, "\n", NULL);
    int status = 0;

    signal(SIGPIPE, SIG_IGN);
    (void)disk_write(a->runner_in, line, strlen(line));
    close(a->runner_in);
    while (waitpid(a->runner, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int deliver_by_runner(action_t *a, const char *id, int wait)
{
    const char *argv[DELIVER_WORDS];

    if (a->runner) {
        return hand_over(a, id);
    }
    deliver_words(argv, a, id, wait);
    return become(argv, a->pool);
}

/* Sends output to nowhere: sendmail says nothing. */
static void be_silent(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        dup2(fd, STDIN_FILENO);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
}

/* Delivers without making the caller wait; the mail is safe in the queue. */
static int deliver_in_background(action_t *a, const char *id)
{
    signal(SIGCHLD, SIG_IGN);
    if (fork() != 0) {
        return ACTION_OK;
    }
    signal(SIGCHLD, SIG_DFL);
    setsid();
    be_silent();
    _exit(deliver_by_runner(a, id, 0));
}

static int take_letter(action_t *a, const sendmail_t *options)
{
    const char *id, *why;
    int rv = action_configure(a, NULL);

    if (rv == ACTION_OK &&
        spool_open(&a->spool, submit_config_spool(&a->config), 1, &why,
                   a->pool) != 0) {
        rv = action_says(ACTION_IO, why);
    }
    if (rv != ACTION_OK) {
        return rv;
    }
    rv = sendmail_enqueue(options, &a->config, &a->spool, STDIN_FILENO, &id,
                          &why, a->pool);
    if (rv != ACTION_OK) {
        return action_says(rv, why);
    }
    if (options->when == 'q' || (options->when == 'b' && a->config.by_runner)) {
        return ACTION_OK;
    }
    if (options->when == 'i') {
        be_silent();
        return deliver_by_runner(a, id, 1);
    }
    return deliver_in_background(a, id);
}

static int be_sendmail(action_t *a, int argc, const char *const *argv)
{
    const char *flush[] = {"smtp-submit-runner", "-c", NULL, "run", NULL};
    command_t show = {COMMAND_SHOW_MAIL, 0, 0, NULL};
    sendmail_t options;
    const char *why;

    if (sendmail_options(&options, argc, argv, &why, a->pool) != APR_SUCCESS) {
        return action_says(ACTION_USAGE, why);
    }
    a->config_path = options.config_path;
    switch (options.mode) {
    case SENDMAIL_QUEUE:
        show.values = apr_array_make(a->pool, 1, sizeof(command_value_t));
        return action_configure(a, &show) == ACTION_OK ? action_light(a, &show)
                                                       : ACTION_CONFIG;
    case SENDMAIL_FLUSH:
        flush[2] = options.config_path;
        return become(flush, a->pool);
    case SENDMAIL_NOTHING:
        return ACTION_OK;
    case SENDMAIL_DELIVER:
        break;
    }
    return take_letter(a, &options);
}

int main(int argc, const char *const argv[])
{
    arguments_t arguments;
    action_t action = {0};
    int status;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&action.pool, NULL) != APR_SUCCESS) {
        return ACTION_ERROR;
    }
    if (sendmail_is_name(argv[0])) {
        status = be_sendmail(&action, argc, argv);
        apr_pool_destroy(action.pool);
        return fflush(stdout) == 0 ? status : ACTION_IO;
    }
    arguments_parse(&arguments, argc, argv, action.pool);
    if (arguments.finished) {
        return arguments.status;
    }
    if (arguments.none || !action_is_light(&arguments.command)) {
        return become(argv, action.pool);
    }
    action.config_path = arguments.config_path;
    action.debug = arguments.debug;
    action.get_ready = start_runner;
    action.deliver = deliver_by_runner;
    action.deliver_later = deliver_in_background;
    status = action_configure(&action, &arguments.command);
    if (status == ACTION_OK) {
        status = action_light(&action, &arguments.command);
    }
    /* The pool takes back what was begun and not finished. */
    apr_pool_destroy(action.pool);
    return fflush(stdout) == 0 ? status : ACTION_IO;
}
