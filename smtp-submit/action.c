/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The commands that change settings, know the password or use the network. */

#include "action.h"
#include "disk.h"
#include "grammar.h"
#include "ocs.h"
#include "runner.h"
#include "secret.h"
#include "terminal.h"
#include "trigger.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- settings ---- */

/* "password-stdin" becomes a password that was read. */
static int read_password(action_t *a, command_t *command)
{
    command_value_t *value;
    const char *line;

    if (!command_value(command, "password-stdin")) {
        return ACTION_OK;
    }
    line = terminal_line(STDIN_FILENO, a->pool);
    if (!line || !*line) {
        return action_says(ACTION_INPUT,
                           "% Error: no password on standard input");
    }
    value = apr_array_push(command->values);
    value->name = "PASSWORD";
    value->text = line;
    return ACTION_OK;
}

/* A password in clear is sealed before it gets near the file. */
static int seal_password(action_t *a, command_t *command)
{
    submit_config_t scratch = a->config;
    const char *why;
    int i;

    scratch.password = command_value(command, "PASSWORD");
    if (command->id != COMMAND_AUTHENTICATION || !scratch.password ||
        command_value(command, "8")) {
        return ACTION_OK;
    }
    if (secret_hide(&scratch, &why, a->pool) != APR_SUCCESS) {
        return action_says(ACTION_CONFIG, why);
    }
    for (i = 0; i < command->values->nelts; i++) {
        command_value_t *value =
            &APR_ARRAY_IDX(command->values, i, command_value_t);

        if (strcmp(value->name, "PASSWORD") == 0) {
            command_value_t eight = {"8", "8"};

            value->text = scratch.sealed;
            APR_ARRAY_PUSH(command->values, command_value_t) = eight;
            return ACTION_OK;
        }
    }
    return ACTION_OK;
}

static int do_setting(action_t *a, const command_t *command)
{
    command_t copy = *command;
    const char *why;
    int rv;

    copy.values = apr_array_copy(a->pool, command->values);
    if ((why = submit_config_refuses(&a->config, command)) != NULL) {
        return action_says(ACTION_CONFIG, why);
    }
    rv = read_password(a, &copy);
    rv = rv ? rv : seal_password(a, &copy);
    if (rv == ACTION_OK &&
        submit_config_change(&a->config, &copy, &why, a->pool) != APR_SUCCESS) {
        rv = action_says(ACTION_CONFIG, why);
    }
    return rv;
}

static int do_show_config(action_t *a, const command_t *command)
{
    submit_config_t shown = a->config;
    const char *why;

    (void)command;
    if (secret_hide(&shown, &why, a->pool) != APR_SUCCESS) {
        return action_says(ACTION_CONFIG, why);
    }
    fputs(submit_config_print(&shown, a->pool), stdout);
    return ACTION_OK;
}

static int do_load(action_t *a, const command_t *command)
{
    const char *file = command_value(command, "FILE"), *text, *why;
    submit_config_t config;
    int rv = disk_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file,
                       1024 * 1024, &text, NULL, a->pool);

    if (rv) {
        return action_says(
            ACTION_INPUT,
            apr_psprintf(a->pool, "%% Error: file %s: %s", file, strerror(rv)));
    }
    submit_config_init(&config, a->pool);
    config.path = a->config_path;
    if (submit_config_parse(&config, text, strlen(text), &why, a->pool) !=
            APR_SUCCESS ||
        secret_hide(&config, &why, a->pool) != APR_SUCCESS ||
        submit_config_replace(&config, &why, a->pool) != APR_SUCCESS) {
        return action_says(ACTION_CONFIG, why);
    }
    a->config = config;
    return ACTION_OK;
}

/* The mail settings of an ocsmanager.ini, added to ours. */
static int do_import(action_t *a, const command_t *command)
{
    const char *file = command_value(command, "FILE"), *text, *lines, *why;
    submit_config_t config = a->config;
    int rv = disk_read(file, 1024 * 1024, &text, NULL, a->pool);

    if (rv) {
        return action_says(
            ACTION_INPUT,
            apr_psprintf(a->pool, "%% Error: file %s: %s", file, strerror(rv)));
    }
    if (ocs_import(&lines, text, &why, a->pool) != APR_SUCCESS ||
        submit_config_parse(&config, lines, strlen(lines), &why, a->pool) !=
            APR_SUCCESS ||
        secret_hide(&config, &why, a->pool) != APR_SUCCESS ||
        submit_config_replace(&config, &why, a->pool) != APR_SUCCESS) {
        return action_says(ACTION_CONFIG, why);
    }
    return ACTION_OK;
}

/* A new key: the old one is kept under .old until the new blob is in place. */
static int do_rekey(action_t *a, const command_t *command)
{
    const char *path = secret_key_path(&a->config, a->pool), *why;
    const char *old = apr_pstrcat(a->pool, path, ".old", NULL);
    submit_config_t config = a->config;

    (void)command;
    if (!config.sealed) {
        return action_says(ACTION_CONFIG,
                           "% Error: no encrypted password is configured");
    }
    if (secret_password(&config.password, &a->config, &why, a->pool) !=
        APR_SUCCESS) {
        return action_says(ACTION_CONFIG, why);
    }
    if (rename(path, old) != 0) {
        return action_says(ACTION_IO, strerror(errno));
    }
    config.sealed = NULL;
    if (secret_hide(&config, &why, a->pool) != APR_SUCCESS ||
        submit_config_replace(&config, &why, a->pool) != APR_SUCCESS) {
        if (rename(old, path) != 0) {
            why = "% Error: the old key is in the file .old";
        }
        return action_says(ACTION_IO, why);
    }
    unlink(old);
    return ACTION_OK;
}

/* ---- delivery ---- */

static void prepare(action_t *a, runner_t *r, report_t *log)
{
    memset(r, 0, sizeof(*r));
    memset(log, 0, sizeof(*log));
    log->hostname = submit_config_hostname(&a->config, a->pool);
    log->trace = open(spool_debug_path(&a->spool, a->pool),
                      O_WRONLY | O_APPEND | O_CLOEXEC);
    log->debug = a->debug || spool_debug(&a->spool, a->pool);
    r->config = &a->config;
    r->spool = &a->spool;
    r->log = log;
    r->pool = a->pool;
    openlog("smtp-submit", LOG_PID, LOG_MAIL);
}

/* Lines of debugging and words of progress do not go together. */
static void watch_progress(runner_t *r, progress_t *progress)
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

static int deliver_here(action_t *a, const char *id, int wait)
{
    runner_t runner;
    report_t log;
    runner_result_t result;
    progress_t progress;
    size_t i;

    prepare(a, &runner, &log);
    watch_progress(&runner, &progress);
    result = runner_deliver(&runner, id);
    for (i = 0; endings[i].result != result; i++) {
    }
    progress_end(&progress);
    terminal_paint(stdout, endings[i].colour, endings[i].words);
    puts(result == RUNNER_FAILED ? runner.text : "");
    if (result != RUNNER_FAILED && *runner.text) {
        action_says(0, apr_pstrcat(a->pool, "% ", runner.text, NULL));
    }
    fflush(stdout);
    return wait ? endings[i].waited : endings[i].status;
}

/* Without an id in the command it comes on standard input; when none comes the
 * mail was not accepted, and whoever wrote it has said why. */
static int do_deliver(action_t *a, const command_t *command)
{
    const char *id = command_value(command, "ID");

    if (!id) {
        id = terminal_line(STDIN_FILENO, a->pool);
        if (!id || grammar_check(grammar_parameter("ID", 2), id)) {
            return ACTION_OK;
        }
    }
    return deliver_here(a, id, command_value(command, "wait") != NULL);
}

static int do_run(action_t *a, const command_t *command)
{
    int daemon = command_value(command, "daemon") != NULL, rv;
    runner_t runner;
    report_t log;
    progress_t progress;
    const char *why;

    prepare(a, &runner, &log);
    runner.now = command->id == COMMAND_FLUSH;
    log.stderr_too = daemon;
    watch_progress(&runner, &progress);
    rv = daemon ? runner_daemon(&runner, &why) : runner_pass(&runner, &why);
    progress_end(&progress);
    if (rv || (!daemon && runner.trouble)) {
        return action_says(ACTION_IO, rv ? why : runner.trouble_text);
    }
    if (!daemon && command->id == COMMAND_FLUSH) {
        printf("%d sent, %d waiting, %d failed\n", runner.sent, runner.later,
               runner.failed);
    }
    if (runner.later && *runner.text && !daemon) {
        action_says(0, apr_pstrcat(a->pool, "% ", runner.text, NULL));
    }
    return ACTION_OK;
}

static int do_retry(action_t *a, const command_t *command)
{
    const char *id = command_value(command, "ID"), *why;

    if (spool_retry(&a->spool, id, &why, a->pool) != 0) {
        return action_says(ACTION_ERROR, why);
    }
    printf("Sending %s...", id);
    return deliver_here(a, id, 1);
}

static int do_test(action_t *a, const command_t *command)
{
    runner_t runner;
    report_t log;
    runner_result_t result;
    const char *text;
    size_t i;

    (void)command;
    prepare(a, &runner, &log);
    result = runner_test(&runner, &text);
    if (result == RUNNER_SENT) {
        fputs(text, stdout);
        return ACTION_OK;
    }
    fputs(text, stderr);
    for (i = 0; endings[i].result != result; i++) {
    }
    return endings[i].waited;
}

/* ---- scripts and the prompt ---- */

static int do_script(action_t *a, const command_t *command)
{
    const char *name = command_value(command, "SCRIPT");
    int fd = open(name, O_RDONLY | O_CLOEXEC), rv;

    if (fd < 0) {
        return action_says(ACTION_INPUT,
                           apr_psprintf(a->pool, "%% Error: file %s: %s", name,
                                        strerror(errno)));
    }
    a->scripted++;
    rv = action_lines(a, fd, 0, command_value(command, "echo") != NULL);
    a->scripted--;
    close(fd);
    return rv;
}

/* Help for a line that ends with "?"; 1 when it does. */
static int help_wanted(const char *line, apr_pool_t *pool)
{
    apr_size_t len = strlen(line);
    apr_array_header_t *words;
    const char *why, *prefix = NULL;

    if (len == 0 || line[len - 1] != '?' ||
        command_split(&words, line, len - 1, &why, pool) != APR_SUCCESS) {
        return 0;
    }
    if (words->nelts > 0 && len > 1 && line[len - 2] != ' ') {
        command_word_t *last = apr_array_pop(words);

        prefix = last->text;
    }
    fputs(command_help(words, prefix, pool), stdout);
    return 1;
}

/* Inside a block a line is first taken for one of the block. */
static apr_status_t parse_in_block(action_t *a, command_t *command,
                                   const char *line, const char **why)
{
    const char *whole = apr_pstrcat(a->pool, a->block, line, NULL);

    if (a->block[0] &&
        command_parse_line(command, whole, strlen(whole), why, a->pool) ==
            APR_SUCCESS &&
        command->id != COMMAND_TRIGGER) {
        return APR_SUCCESS;
    }
    return command_parse_line(command, line, strlen(line), why, a->pool);
}

/* "trigger 1" opens a block; whatever is no line of it closes it. */
static void follow_block(action_t *a, const command_t *command)
{
    if (command->id == COMMAND_TRIGGER && !command->no) {
        apr_snprintf(a->block, sizeof(a->block), "trigger %s ",
                     command_value(command, "TRIGGER"));
    }
    else if (!trigger_is(command->id) && command->id != COMMAND_NONE) {
        a->block[0] = '\0';
    }
}

/* The guide's modes: "exit" leaves the innermost one, "end" all of them; 0 when
 * there is none left. */
static int leave(action_t *a, const command_t *command, int inside)
{
    if (!inside && !a->configuring) {
        return 0;
    }
    if (!inside || command_value(command, "end")) {
        a->configuring = 0;
    }
    return 1;
}

/* 0 when the line ends the session. */
static int one_line(action_t *a, const char *line, int person, int *status)
{
    command_t command;
    const char *why;
    int inside = a->block[0] != '\0';

    if (help_wanted(apr_pstrcat(a->pool, a->block, line, NULL), a->pool)) {
        return 1;
    }
    if (parse_in_block(a, &command, line, &why) != APR_SUCCESS) {
        *status = action_says(ACTION_USAGE, why);
        return 1;
    }
    *status = action_any(a, &command);
    follow_block(a, &command);
    if (command.id == COMMAND_CONFIGURE) {
        a->configuring = 1;
        fputs(person ? "Enter configuration commands, one per line. End with "
                       "CNTL/Z.\n"
                     : "",
              stdout);
    }
    return command.id != COMMAND_EXIT || leave(a, &command, inside);
}

static const char *prompt_of(const action_t *a)
{
    return a->block[0]      ? "smtp-submit(config-trigger)# "
           : a->configuring ? "smtp-submit(config)# "
                            : "smtp-submit# ";
}

int action_lines(action_t *a, int fd, int person, int echo)
{
    apr_pool_t *all = a->pool;
    int first = ACTION_OK, go_on = 1;

    while (go_on) {
        const char *line;
        int status = ACTION_OK;

        apr_pool_create(&a->pool, all);
        line = person ? terminal_ask(prompt_of(a), a->pool)
                      : terminal_line(fd, a->pool);
        if (line && echo) {
            puts(line);
        }
        /* Settings live as long as their line: read them for each one. */
        status = line ? action_configure(a, NULL) : ACTION_OK;
        go_on =
            line && status == ACTION_OK && one_line(a, line, person, &status);
        first = first ? first : status;
        apr_pool_destroy(a->pool);
    }
    a->pool = all;
    a->configuring = 0;
    a->block[0] = '\0';
    return person ? ACTION_OK : first;
}

static const struct {
    command_id_t id;
    int (*act)(action_t *, const command_t *);
    int needs_spool;
} heavy[] = {
    {COMMAND_SHOW_CONFIG, do_show_config, 0},
    {COMMAND_CONFIG_LOAD, do_load, 0},
    {COMMAND_CONFIG_IMPORT, do_import, 0},
    {COMMAND_REKEY, do_rekey, 0},
    {COMMAND_SETUP, action_setup, 0},
    {COMMAND_DELIVER, do_deliver, 1},
    {COMMAND_RUN, do_run, 1},
    {COMMAND_FLUSH, do_run, 1},
    {COMMAND_RETRY, do_retry, 1},
    {COMMAND_TEST, do_test, 1},
    {COMMAND_SCRIPT, do_script, 0},
};

int action_any(action_t *a, const command_t *command)
{
    const char *why;
    size_t i;

    a->deliver = deliver_here;
    a->debug |= command_value(command, "debug") != NULL;
    if (action_is_light(command)) {
        return action_light(a, command);
    }
    for (i = 0; i < sizeof(heavy) / sizeof(heavy[0]); i++) {
        if (heavy[i].id == command->id) {
            if (heavy[i].needs_spool &&
                spool_open(&a->spool, submit_config_spool(&a->config), 1, &why,
                           a->pool) != 0) {
                return action_says(ACTION_IO, why);
            }
            return heavy[i].act(a, command);
        }
    }
    return do_setting(a, command);
}
