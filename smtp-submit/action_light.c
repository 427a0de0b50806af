/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The commands that need neither network nor secret. */

#include "action.h"
#include "dsn.h"
#include "enqueue.h"
#include "show.h"
#include "terminal.h"

#include <apr_strings.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int action_says(int status, const char *why)
{
    fflush(stdout);
    terminal_paint(stderr, TERMINAL_RED, why ? why : "% Error");
    fputc('\n', stderr);
    return status;
}

/* "its owner root and its group smtpsubmit" */
static const char *people_of(const char *path, apr_pool_t *pool)
{
    struct passwd *user;
    struct group *group;
    struct stat st;

    if (stat(path, &st) != 0) {
        return "its owner";
    }
    user = getpwuid(st.st_uid);
    group = st.st_mode & S_IRGRP ? getgrgid(st.st_gid) : NULL;
    return apr_pstrcat(
        pool, "its owner ",
        user ? user->pw_name : apr_psprintf(pool, "%ld", (long)st.st_uid),
        group ? " and its group " : "", group ? group->gr_name : "", NULL);
}

static int for_others_only(action_t *a, const char *path, const char *what,
                           int status)
{
    return action_says(status,
                       apr_psprintf(a->pool, "%% Error: %s: %s is for %s", path,
                                    what, people_of(path, a->pool)));
}

/* The counters are everybody's (S47), the settings are not: who may not read
 * these is shown the counters of the queue where it usually is. */
int action_configure(action_t *a, const command_t *command)
{
    const char *why;
    apr_status_t rv =
        submit_config_read(&a->config, a->config_path, &why, a->pool);

    if (APR_STATUS_IS_EACCES(rv) && command &&
        command->id == COMMAND_SHOW_COUNTER &&
        access(SUBMIT_SPOOL_PATH "/new", F_OK) == 0) {
        return ACTION_OK;
    }
    if (APR_STATUS_IS_EACCES(rv)) {
        return for_others_only(a, a->config_path, "reading the settings",
                               ACTION_CONFIG);
    }
    return rv == APR_SUCCESS ? ACTION_OK : action_says(ACTION_CONFIG, why);
}

static int open_spool(action_t *a)
{
    const char *why;

    return spool_open(&a->spool, submit_config_spool(&a->config), 1, &why,
                      a->pool)
               ? action_says(ACTION_IO, why)
               : ACTION_OK;
}

/* ---- mail ---- */

/* Asks for what is missing when a person is there. */
static int ask(enqueue_request_t *r, const command_t *command, action_t *a)
{
    apr_array_header_t *to = command_values(command, "to", a->pool);
    int person = terminal_is_there() && !a->scripted;

    r->to = to;
    r->subject = command_value(command, "SUBJECT");
    if (to->nelts + r->cc->nelts + r->bcc->nelts == 0) {
        const char *line = person ? terminal_ask("To: ", a->pool) : NULL;

        if (!line || !*line) {
            return action_says(ACTION_USAGE,
                               "% Error: the mail has no recipient, use "
                               "\"to\"");
        }
        APR_ARRAY_PUSH(to, const char *) = line;
    }
    if (!r->subject && person && !command_value(command, "file")) {
        r->subject = terminal_ask("Subject: ", a->pool);
    }
    return ACTION_OK;
}

/* The text of the subject is fixed when the command is entered. */
static int open_body(enqueue_request_t *r, const command_t *command,
                     action_t *a)
{
    const char *file = command_value(command, "FILE"), *why;

    if (file && strcmp(file, "-") != 0) {
        r->body = enqueue_open_file(&a->config, file, &why, a->pool);
        return r->body < 0 ? action_says(ACTION_INPUT, why) : ACTION_OK;
    }
    if (a->scripted) {
        r->body = -1;
        return ACTION_OK;
    }
    if (terminal_is_there() && !file) {
        terminal_invite();
    }
    r->body = dup(STDIN_FILENO);
    return ACTION_OK;
}

static int do_mail(action_t *a, const command_t *command)
{
    enqueue_request_t r = {0};
    progress_t progress;
    const char *id, *why;
    int wait = command_value(command, "wait") != NULL, rv;
    int now =
        !command_value(command, "queue-only") && (wait || !a->config.by_runner);

    if (!a->config.from && !command_value(command, "FROM")) {
        return action_says(ACTION_CONFIG, "% Error: no sender is configured, "
                                          "use \"mail from\"");
    }
    r.config = &a->config;
    r.spool = &a->spool;
    r.from = command_value(command, "FROM");
    r.cc = command_values(command, "cc", a->pool);
    r.bcc = command_values(command, "bcc", a->pool);
    r.attach = command_values(command, "attach", a->pool);
    if (command_value(command, "NOTIFY")) {
        r.notify = dsn_notify(command_value(command, "NOTIFY"), a->pool);
    }
    if (command_value(command, "RETURN")) {
        r.returns = dsn_returns(command_value(command, "RETURN"));
    }
    rv = ask(&r, command, a);
    if (rv == ACTION_OK) {
        r.subject = enqueue_subject(&a->config, r.subject, a->pool);
        r.verbatim = 1;
        rv = open_body(&r, command, a);
    }
    if (rv != ACTION_OK) {
        return rv;
    }
    a->debug |= command_value(command, "debug") != NULL;
    if (now && a->get_ready) {
        a->get_ready(a, wait);
    }
    progress_begin(&progress);
    r.progress = &progress;
    rv = enqueue_mail(&r, &id, &why, a->pool);
    progress_end(&progress);
    if (rv != ENQUEUE_OK) {
        return action_says(rv, why);
    }
    printf("Sending %s...", id);
    fflush(stdout);
    if (!now) {
        terminal_paint(stdout, TERMINAL_YELLOW, " queued.");
        putchar('\n');
        return ACTION_OK;
    }
    return a->deliver(a, id, wait);
}

/* ---- queue ---- */

static apr_array_header_t *load_all(action_t *a, const char *folder, int *rv)
{
    apr_array_header_t *ids,
        *mails = apr_array_make(a->pool, 8, sizeof(spool_mail_t));
    const char *why;
    int i;

    *rv = *rv ? *rv : spool_list(&a->spool, folder, &ids, &why, a->pool);
    for (i = 0; !*rv && i < ids->nelts; i++) {
        spool_mail_t mail;

        /* One that has just been sent is no error. */
        if (spool_load(&mail, &a->spool, folder,
                       APR_ARRAY_IDX(ids, i, const char *), &why,
                       a->pool) == 0) {
            APR_ARRAY_PUSH(mails, spool_mail_t) = mail;
        }
    }
    return mails;
}

static int do_show_mail(action_t *a, const command_t *command)
{
    int rv = 0;
    apr_array_header_t *waiting = load_all(a, "new", &rv);
    apr_array_header_t *failed = load_all(a, "failed", &rv);
    int debug = spool_debug(&a->spool, a->pool);
    int alive = !a->config.by_runner || spool_has_runner(&a->spool, a->pool);

    if (rv == EACCES) {
        return for_others_only(a,
                               apr_pstrcat(a->pool, a->spool.dir, "/new", NULL),
                               "the list of mails", ACTION_IO);
    }
    if (rv) {
        return action_says(ACTION_IO,
                           apr_psprintf(a->pool, "%% Error: mail queue %s: %s",
                                        a->spool.dir, strerror(rv)));
    }
    fputs(
        command_value(command, "json")
            ? show_mail_json(&a->config, debug, alive, waiting, failed, a->pool)
            : show_mail(&a->config, debug, alive, waiting, failed, a->pool),
        stdout);
    return ACTION_OK;
}

static int do_counters(action_t *a, const command_t *command)
{
    spool_counters_t counters;

    spool_counters(&a->spool, &counters, a->pool);
    fputs(command_value(command, "json")
              ? show_counters_json(&counters, a->pool)
              : show_counters(&counters, a->pool),
          stdout);
    return ACTION_OK;
}

static int do_delete(action_t *a, const command_t *command)
{
    const char *why;

    return spool_delete(&a->spool, command_value(command, "ID"), &why, a->pool)
               ? action_says(ACTION_ERROR, why)
               : ACTION_OK;
}

static int delete_folder(action_t *a, const char *folder)
{
    apr_array_header_t *ids;
    const char *why;
    int i, status = ACTION_OK;

    if (spool_list(&a->spool, folder, &ids, &why, a->pool) != 0) {
        return action_says(ACTION_IO, why);
    }
    for (i = 0; i < ids->nelts; i++) {
        int rv = spool_delete(&a->spool, APR_ARRAY_IDX(ids, i, const char *),
                              &why, a->pool);

        if (rv && rv != ENOENT) {
            status = action_says(ACTION_ERROR, why);
        }
    }
    return status;
}

static int do_delete_all(action_t *a, const command_t *command)
{
    int one = delete_folder(a, "new"), two = delete_folder(a, "failed");

    (void)command;
    return one ? one : two;
}

static int do_debug(action_t *a, const command_t *command)
{
    const char *why;

    return spool_set_debug(&a->spool, !command->no, &why, a->pool)
               ? action_says(ACTION_IO, why)
               : ACTION_OK;
}

static int do_help(action_t *a, const command_t *command)
{
    (void)command;
    fputs(command_syntax(a->pool), stdout);
    return ACTION_OK;
}

static const struct {
    command_id_t id;
    int (*act)(action_t *, const command_t *);
    int needs_spool;
} light[] = {
    {COMMAND_MAIL, do_mail, 1},
    {COMMAND_SHOW_MAIL, do_show_mail, 1},
    {COMMAND_SHOW_COUNTER, do_counters, 1},
    {COMMAND_DELETE, do_delete, 1},
    {COMMAND_DELETE_ALL, do_delete_all, 1},
    {COMMAND_DEBUG, do_debug, 1},
    {COMMAND_LOG_SHOW, action_log_show, 1},
    {COMMAND_LOG_TEST, action_log_test, 0},
    {COMMAND_LOG_INGEST, action_log_ingest, 1},
    {COMMAND_LOG_FOLLOW, action_log_follow, 1},
    {COMMAND_TRIGGER_SHOW, action_trigger_show, 0},
    {COMMAND_TRIGGER_COUNTS, action_trigger_counts, 1},
    {COMMAND_TRIGGER_ACTIVATE, action_trigger_activate, 1},
    {COMMAND_WATCH, action_watch, 1},
    {COMMAND_HELP, do_help, 0},
    {COMMAND_ENABLE, NULL, 0},
    {COMMAND_CONFIGURE, NULL, 0},
    {COMMAND_EXIT, NULL, 0},
    {COMMAND_NONE, NULL, 0},
};

int action_is_light(const command_t *command)
{
    size_t i;

    for (i = 0; i < sizeof(light) / sizeof(light[0]); i++) {
        if (light[i].id == command->id) {
            return 1;
        }
    }
    return 0;
}

int action_light(action_t *a, const command_t *command)
{
    size_t i;
    int rv = ACTION_OK;

    for (i = 0; light[i].id != command->id; i++) {
    }
    if (light[i].needs_spool) {
        rv = open_spool(a);
    }
    return rv == ACTION_OK && light[i].act ? light[i].act(a, command) : rv;
}
