/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A runner that stays: woken by the queue's folder, by the time of the next
 * mail, and once a minute when a server was down.  It follows changes of the
 * settings. */

#include "runner.h"

#include <apr_strings.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IDLE_SECONDS = 60 };

static int watch(const char *dir, int *folder, int *signals, apr_pool_t *pool)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *signals = signalfd(-1, &set, SFD_CLOEXEC);
    *folder = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return *signals < 0 || *folder < 0 ||
                   inotify_add_watch(*folder,
                                     apr_pstrcat(pool, dir, "/new", NULL),
                                     IN_MOVED_TO | IN_ATTRIB) < 0
               ? errno
               : 0;
}

/* The settings in force, and the file they were read from. */
typedef struct settings_t {
    submit_config_t config;
    struct stat file;
    apr_pool_t *pool; /* NULL: those that the runner started with */
} settings_t;

static int is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Reads the file again when it is another one; one that is wrong changes
 * nothing. */
static void follow_settings(runner_t *r, settings_t *old, apr_pool_t *all)
{
    settings_t now = {0};
    const char *why;

    if (stat(r->config->path, &now.file) != 0 ||
        is_same(&now.file, &old->file)) {
        return;
    }
    apr_pool_create(&now.pool, all);
    apr_pool_tag(now.pool, "smtp-settings");
    if (submit_config_read(&now.config, r->config->path, &why, now.pool) !=
        APR_SUCCESS) {
        report(r->log, LOG_ERR, PN(15024) "settings are not read again: %s",
               why);
        apr_pool_destroy(now.pool);
        old->file = now.file;
        return;
    }
    if (old->pool) {
        apr_pool_destroy(old->pool);
    }
    *old = now;
    r->config = &old->config;
    report(r->log, LOG_INFO, PN(15025) "settings are read again");
}

static int milliseconds_until(const runner_t *r)
{
    apr_time_t left = r->next - apr_time_now();

    if (r->next == 0 || left > apr_time_from_sec(IDLE_SECONDS)) {
        return IDLE_SECONDS * 1000;
    }
    return left > 0 ? (int)apr_time_as_msec(left) + 1 : 0;
}

/* 0 when a signal asks to end. */
static int wait_for_work(const runner_t *r, int folder, int signals)
{
    struct pollfd fds[2] = {{folder, POLLIN, 0}, {signals, POLLIN, 0}};
    char events[4096];

    if (poll(fds, 2, milliseconds_until(r)) > 0 && fds[1].revents) {
        return 0;
    }
    while (read(folder, events, sizeof(events)) > 0) {
        /* One look at the folder serves them all. */
    }
    return 1;
}

int runner_daemon(runner_t *r, const char **why)
{
    apr_pool_t *all = r->pool;
    int folder, signals, rv = watch(r->spool->dir, &folder, &signals, all);
    settings_t settings = {0};

    if (rv) {
        *why = apr_psprintf(all, "%% Error: cannot watch the queue: %s",
                            strerror(rv));
        return rv;
    }
    (void)spool_runner_stays(r->spool, all);
    (void)stat(r->config->path, &settings.file);
    report(r->log, LOG_INFO, PN(15010) "runner started on %s", r->spool->dir);
    do {
        follow_settings(r, &settings, all);
        apr_pool_create(&r->pool, all);
        rv = runner_pass(r, why);
        apr_pool_destroy(r->pool);
        r->pool = all;
    } while (rv == 0 && wait_for_work(r, folder, signals));
    close(folder);
    close(signals);
    report(r->log, LOG_INFO, PN(15011) "runner ended");
    return rv;
}
