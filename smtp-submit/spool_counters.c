/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "disk.h"
#include "spool.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What tells one run of the machine from the next. */
static const char *boot_id(apr_pool_t *pool)
{
    const char *text;

    if (disk_read("/proc/sys/kernel/random/boot_id", 64, &text, NULL, pool)) {
        return "-";
    }
    return apr_pstrmemdup(pool, text, strcspn(text, "\r\n "));
}

/* Four numbers and the boot they began in. */
static void parse(spool_counters_t *c, const char *text, const char *boot,
                  apr_pool_t *pool)
{
    apr_uint64_t *numbers[4] = {&c->sent, &c->failed, &c->sent_total,
                                &c->failed_total};
    char *state, *word, *copy = apr_pstrdup(pool, text);
    int i = 0;

    for (word = apr_strtok(copy, " \n", &state); word && i < 4;
         word = apr_strtok(NULL, " \n", &state)) {
        *numbers[i++] = (apr_uint64_t)apr_atoi64(word);
    }
    if (!word || strcmp(word, boot) != 0) {
        c->sent = c->failed = 0;
    }
}

void spool_counters(const spool_t *spool, spool_counters_t *counters,
                    apr_pool_t *pool)
{
    const char *text;

    memset(counters, 0, sizeof(*counters));
    if (disk_read(apr_pstrcat(pool, spool->dir, "/counters", NULL), 256, &text,
                  NULL, pool) == 0) {
        parse(counters, text, boot_id(pool), pool);
    }
}

void spool_count(const spool_t *spool, int sent, int failed, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, spool->dir, "/counters", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    spool_counters_t c = {0, 0, 0, 0};
    char old[257];
    const char *text, *boot;
    ssize_t n;

    /* Everybody may read them, whatever the umask says. */
    if (fd >= 0) {
        (void)fchmod(fd, 0644);
    }
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    n = read(fd, old, sizeof(old) - 1);
    old[n > 0 ? n : 0] = '\0';
    boot = boot_id(pool);
    parse(&c, old, boot, pool);
    text = apr_psprintf(pool,
                        "%" APR_UINT64_T_FMT " %" APR_UINT64_T_FMT
                        " %" APR_UINT64_T_FMT " %" APR_UINT64_T_FMT " %s\n",
                        c.sent + (apr_uint64_t)sent,
                        c.failed + (apr_uint64_t)failed,
                        c.sent_total + (apr_uint64_t)sent,
                        c.failed_total + (apr_uint64_t)failed, boot);
    /* Statistics: not worth a flush, and never shorter than before. */
    if (pwrite(fd, text, strlen(text), 0) < 0) {
        /* The next mail counts again. */
    }
    close(fd);
}

static const char *runner_path(const spool_t *spool, apr_pool_t *pool)
{
    return apr_pstrcat(pool, spool->dir, "/runner", NULL);
}

int spool_runner_stays(const spool_t *spool, apr_pool_t *pool)
{
    int fd =
        open(runner_path(spool, pool), O_RDONLY | O_CREAT | O_CLOEXEC, 0644);

    return fd < 0 || flock(fd, LOCK_SH) != 0 ? errno : 0;
}

int spool_has_runner(const spool_t *spool, apr_pool_t *pool)
{
    int fd = open(runner_path(spool, pool), O_RDONLY | O_CLOEXEC), held;

    if (fd < 0) {
        return 0;
    }
    held = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return held;
}

const char *spool_debug_path(const spool_t *spool, apr_pool_t *pool)
{
    return apr_pstrcat(pool, spool->dir, "/debug", NULL);
}

int spool_debug(const spool_t *spool, apr_pool_t *pool)
{
    return access(spool_debug_path(spool, pool), F_OK) == 0;
}

int spool_set_debug(const spool_t *spool, int on, const char **why,
                    apr_pool_t *pool)
{
    const char *path = spool_debug_path(spool, pool);
    int rv = 0, fd;

    if (on) {
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0660);
        rv = fd < 0 ? errno : 0;
        if (fd >= 0) {
            (void)fchmod(fd, 0660); /* the runner's, in a shared queue */
            close(fd);
        }
    }
    else if (unlink(path) != 0 && errno != ENOENT) {
        rv = errno;
    }
    if (rv) {
        *why = apr_psprintf(pool, "%% Error: %s: %s", path, strerror(rv));
    }
    return rv;
}
