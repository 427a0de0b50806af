/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "watch.h"
#include "disk.h"
#include "probe.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCRIPT_SECONDS = 60 };

/* ---- counters ---- */

static int today(apr_time_t now)
{
    apr_time_exp_t t;

    apr_time_exp_lt(&t, now);
    return (t.tm_year + 1900) * 1000 + t.tm_yday;
}

/* Numbers in the order of the struct. */
static void parse_counts(trigger_counts_t *c, char *text)
{
    char *end;
    int i;

    c->activations = strtol(text, &end, 10);
    c->last = (int)strtol(end, &end, 10);
    c->day = (int)strtol(end, &end, 10);
    for (i = 0; i < TRIGGER_TYPES; i++) {
        c->today[i] = strtol(end, &end, 10);
    }
    if (c->day != today(apr_time_now())) {
        memset(c->today, 0, sizeof(c->today));
        c->day = today(apr_time_now());
    }
}

static const char *counts_path(const spool_t *spool, apr_pool_t *pool)
{
    return apr_pstrcat(pool, spool->dir, "/trigger-counts", NULL);
}

void watch_counts(trigger_counts_t *c, const spool_t *spool, apr_pool_t *pool)
{
    const char *text;

    memset(c, 0, sizeof(*c));
    if (disk_read(counts_path(spool, pool), 4096, &text, NULL, pool) == 0) {
        parse_counts(c, apr_pstrdup(pool, text));
    }
}

static void count(const watch_t *w, const trigger_t *t, apr_pool_t *pool)
{
    trigger_counts_t c;
    const char *text;
    int i;

    watch_counts(&c, w->spool, pool);
    c.day = today(apr_time_now());
    c.activations++;
    c.last = t->id;
    c.today[t->type]++;
    text = apr_psprintf(pool, "%ld %d %d", c.activations, c.last, c.day);
    for (i = 0; i < TRIGGER_TYPES; i++) {
        text = apr_psprintf(pool, "%s %ld", text, c.today[i]);
    }
    text = apr_pstrcat(pool, text, "\n", NULL);
    disk_replace(counts_path(w->spool, pool), text, strlen(text), 0644, pool);
}

/* ---- scripts ---- */

/* In the child: becomes the script, or smtp-submit that obeys it. */
static void become_script(const watch_t *w, const char *script)
{
    const char *argv[] = {script, NULL, NULL, NULL, NULL, NULL};
    int fd = open("/dev/null", O_RDONLY);
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (fd >= 0) {
        dup2(fd, STDIN_FILENO);
    }
    setsid();
    alarm(SCRIPT_SECONDS);
    if (access(script, X_OK) != 0) {
        argv[0] = w->program;
        argv[1] = "-c";
        argv[2] = w->config->path;
        argv[3] = "run";
        argv[4] = script;
    }
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

static void run_script(const watch_t *w, const trigger_t *t, const char *script,
                       const char *value)
{
    int status = 0;
    pid_t pid;

    report(w->log, LOG_NOTICE, PN(15020) "Executing %s", script);
    pid = fork();
    if (pid == 0) {
        char id[12];

        apr_snprintf(id, sizeof(id), "%d", t->id);
        setenv("TRIGGER_ID", id, 1);
        setenv("TRIGGER_TYPE", trigger_type_name(t->type), 1);
        setenv("TRIGGER_VALUE", value, 1);
        become_script(w, script);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (pid < 0 || status != 0) {
        report(w->log, LOG_WARNING, PN(15021) "script %s failed (%s %d)",
               script, WIFSIGNALED(status) ? "signal" : "exit status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
}

void watch_fire(const watch_t *w, const trigger_t *t, const char *value)
{
    apr_pool_t *pool;
    int i;

    apr_pool_create(&pool, w->pool);
    report(w->log, LOG_NOTICE, PN(15022) "Trigger %d activated%s", t->id,
           t->test ? " (test mode: no script runs)" : "");
    count(w, t, pool);
    for (i = 0; !t->test && i < TRIGGER_SCRIPTS; i++) {
        if (t->scripts[i]) {
            run_script(w, t, t->scripts[i], value);
        }
    }
    apr_pool_destroy(pool);
}

/* ---- the loop ---- */

typedef struct look_t {
    watch_t *w;
    trigger_state_t *states;
    probe_t probe;
    apr_time_t before; /* when we looked last */
    apr_time_t start;
} look_t;

static int minute_of_day(apr_time_t now)
{
    apr_time_exp_t t;

    apr_time_exp_lt(&t, now);
    return t.tm_hour * 60 + t.tm_min;
}

/* 1 when a whole number of periods has passed since the start between the last
 * look and this one. */
static int period_passed(const look_t *l, apr_time_t now, int minutes)
{
    apr_time_t period = apr_time_from_sec(60 * (apr_time_t)minutes);

    return (now - l->start) / period > (l->before - l->start) / period;
}

/* 1 when the trigger happens now; *value is what its script is told. */
static int happens(look_t *l, const trigger_t *t, trigger_state_t *state,
                   apr_time_t now, int *value)
{
    *value = t->number;
    switch (t->type) {
    case TRIGGER_PERIODIC:
        return period_passed(l, now, t->number);
    case TRIGGER_TIME:
        return minute_of_day(now) == t->number &&
               minute_of_day(l->before) != t->number;
    case TRIGGER_REBOOT:
        return l->probe.rebooted && !state->fired;
    case TRIGGER_MEMORY:
        *value = l->probe.memory;
        break;
    case TRIGGER_CPU:
        *value = l->probe.cpu;
        break;
    case TRIGGER_INTERFACE:
        *value = probe_interface(t->name);
        break;
    case TRIGGER_PING:
        *value = probe_tcp(t->name, t->number);
        break;
    default:
        return 0;
    }
    return *value >= 0 && trigger_crosses(t, state, *value);
}

static void look(look_t *l)
{
    const apr_array_header_t *triggers = l->w->config->triggers;
    apr_time_t now = apr_time_now();
    apr_time_exp_t local;
    int i, value;

    apr_time_exp_lt(&local, now);
    probe_machine(&l->probe);
    for (i = 0; i < triggers->nelts; i++) {
        const trigger_t *t = &APR_ARRAY_IDX(triggers, i, trigger_t);

        if (happens(l, t, &l->states[i], now, &value) &&
            trigger_may_fire(t, &l->states[i], local.tm_wday)) {
            char text[12];

            l->states[i].fired++;
            apr_snprintf(text, sizeof(text), "%d", value);
            watch_fire(l->w, t, text);
        }
    }
    l->before = now;
}

/* The kernel tells of devices: fires what waits for one. */
static void look_at_devices(look_t *l, int fd)
{
    const apr_array_header_t *triggers = l->w->config->triggers;
    char message[8192];
    apr_time_exp_t local;
    ssize_t n;

    apr_time_exp_lt(&local, apr_time_now());
    while ((n = recv(fd, message, sizeof(message), 0)) > 0) {
        int i, came = probe_usb(message, (apr_size_t)n);

        for (i = 0; came && i < triggers->nelts; i++) {
            const trigger_t *t = &APR_ARRAY_IDX(triggers, i, trigger_t);

            if (t->type == TRIGGER_USB &&
                t->direction != (came > 0 ? TRIGGER_DOWN : TRIGGER_UP) &&
                trigger_may_fire(t, &l->states[i], local.tm_wday)) {
                l->states[i].fired++;
                watch_fire(l->w, t, came > 0 ? "in" : "out");
            }
        }
    }
}

/* 1 when the machine was started since a watch last ran on this queue. */
static int rebooted(const watch_t *w)
{
    const char *path = apr_pstrcat(w->pool, w->spool->dir, "/boot-id", NULL);
    const char *now, *then = "";

    if (disk_read("/proc/sys/kernel/random/boot_id", 64, &now, NULL, w->pool)) {
        return 0;
    }
    (void)disk_read(path, 64, &then, NULL, w->pool);
    if (strcmp(now, then) == 0) {
        return 0;
    }
    disk_replace(path, now, strlen(now), 0644, w->pool);
    return 1;
}

static int signal_fd(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int watch_run(watch_t *w, const char **why)
{
    struct pollfd fds[2] = {{signal_fd(), POLLIN, 0},
                            {probe_devices(), POLLIN, 0}};
    look_t l = {0};

    if (fds[0].fd < 0) {
        *why = "% Error: signals cannot be waited for";
        return errno;
    }
    l.w = w;
    l.start = l.before = apr_time_now();
    l.probe.rebooted = rebooted(w);
    l.states =
        apr_pcalloc(w->pool, sizeof(trigger_state_t) * (TRIGGER_MAX + 1));
    report(w->log, LOG_INFO, PN(15023) "watching %d triggers",
           w->config->triggers->nelts);
    do {
        if (fds[1].revents) {
            look_at_devices(&l, fds[1].fd);
        }
        look(&l);
    } while (poll(fds, 2, w->seconds * 1000) <= 0 || !fds[0].revents);
    close(fds[0].fd);
    close(fds[1].fd);
    return 0;
}
