/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Accepting a mail. */

#include "disk.h"
#include "spool.h"
#include "spool_format.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IDS_TRIED = 100000 };

static const char *const folders[] = {"", "/tmp", "/new", "/failed"};

static int failed(const char *what, int rv, const char **why, apr_pool_t *pool)
{
    *why =
        apr_psprintf(pool, "%% Error: mail queue %s: %s", what, strerror(rv));
    return rv;
}

int spool_open(spool_t *spool, const char *dir, int make, const char **why,
               apr_pool_t *pool)
{
    struct stat st;
    apr_size_t i;

    spool->dir = apr_pstrdup(pool, dir);
    if (stat(apr_pstrcat(pool, dir, "/new", NULL), &st) == 0) {
        return 0;
    }
    if (!make) {
        return failed(dir, errno, why, pool);
    }
    for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *path = apr_pstrcat(pool, dir, folders[i], NULL);

        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return failed(path, errno, why, pool);
        }
    }
    return 0;
}

static apr_status_t drop(void *data)
{
    spool_writer_t *w = data;

    if (w->fd >= 0) {
        close(w->fd);
        unlink(w->path);
    }
    return APR_SUCCESS;
}

static int exists(const spool_writer_t *w, const char *folder)
{
    return access(apr_pstrcat(w->pool, w->spool->dir, folder, w->id, NULL),
                  F_OK) == 0;
}

/* Whoever holds tmp/ID alone may make new/ID; so, with tmp/ID made, nobody else
 * makes an ID that is not there now. */
static int take_id(spool_writer_t *w, const char *id)
{
    apr_cpystrn(w->id, id, sizeof(w->id));
    w->path = apr_pstrcat(w->pool, w->spool->dir, "/tmp/", w->id, NULL);
    w->fd = open(w->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
    if (w->fd < 0) {
        return errno;
    }
    /* The runner, of our group in a shared queue, has to write, too. */
    (void)fchmod(w->fd, 0660);
    if (exists(w, "/new/") || exists(w, "/failed/")) {
        close(w->fd);
        w->fd = -1;
        unlink(w->path);
        return EEXIST;
    }
    return 0;
}

int spool_new(spool_writer_t **writer, const spool_t *spool, const char **why,
              apr_pool_t *pool)
{
    spool_writer_t *w = apr_palloc(pool, sizeof(*w));
    apr_time_exp_t t;
    const char *id;
    int i, rv;

    w->spool = spool;
    w->pool = pool;
    w->fd = -1;
    w->buffered = 0;
    w->message_len = 0;
    /* In UTC, so that no hour comes twice a year. */
    apr_time_exp_gmt(&t, apr_time_now());
    id = apr_psprintf(pool, "%04d%02d%02d%02d%02d%02d.%ld", t.tm_year + 1900,
                      t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
                      (long)getpid());
    rv = take_id(w, id);
    for (i = 0; rv == EEXIST && i < IDS_TRIED; i++) {
        rv = take_id(w, apr_psprintf(pool, "%s%d", id, i));
    }
    if (rv) {
        return failed(w->path, rv, why, pool);
    }
    apr_pool_cleanup_register(pool, w, drop, apr_pool_cleanup_null);
    *writer = w;
    return 0;
}

int spool_begin(spool_writer_t *w, const spool_envelope_t *envelope,
                const char **why)
{
    const char *text = spool_format_envelope(envelope, w->pool);
    char blank[SPOOL_HEAD_LEN];
    int rv;

    memset(blank, ' ', sizeof(blank));
    w->envelope_len = strlen(text);
    apr_sha1_init(&w->sha1);
    apr_sha1_update(&w->sha1, text, (unsigned)w->envelope_len);
    rv = w->envelope_len > SPOOL_ENVELOPE_MAX ? E2BIG : 0;
    rv = rv ? rv : disk_write(w->fd, blank, sizeof(blank));
    rv = rv ? rv : disk_write(w->fd, text, w->envelope_len);
    return rv ? failed(w->path, rv, why, w->pool) : 0;
}

static int flush(spool_writer_t *w)
{
    int rv = disk_write(w->fd, w->buffer, w->buffered);

    apr_sha1_update(&w->sha1, w->buffer, (unsigned)w->buffered);
    w->message_len += (apr_off_t)w->buffered;
    w->buffered = 0;
    return rv;
}

int spool_write(void *writer, const char *data, apr_size_t len)
{
    spool_writer_t *w = writer;

    while (len > 0) {
        apr_size_t room = sizeof(w->buffer) - w->buffered;
        apr_size_t n = len < room ? len : room;
        int rv;

        memcpy(w->buffer + w->buffered, data, n);
        w->buffered += n;
        data += n;
        len -= n;
        if (w->buffered == sizeof(w->buffer) && (rv = flush(w)) != 0) {
            return rv;
        }
    }
    return 0;
}

static int write_head(spool_writer_t *w)
{
    spool_head_t head = {w->envelope_len, w->message_len, {0}};
    char text[SPOOL_HEAD_LEN + 1];

    apr_sha1_final(head.sha1, &w->sha1);
    spool_format_head(text, &head);
    if (pwrite(w->fd, text, SPOOL_HEAD_LEN, 0) != SPOOL_HEAD_LEN) {
        return errno;
    }
    return fsync(w->fd) != 0 ? errno : 0;
}

int spool_commit(spool_writer_t *w, const char **why)
{
    const char *path =
        apr_pstrcat(w->pool, w->spool->dir, "/new/", w->id, NULL);
    int rv = flush(w);

    rv = rv ? rv : write_head(w);
    if (!rv && rename(w->path, path) != 0) {
        rv = errno;
    }
    if (rv) {
        return failed(w->path, rv, why, w->pool);
    }
    w->path = path;
    rv = disk_sync_name(w->fd, path, w->pool);
    if (rv) {
        return failed(path, rv, why, w->pool);
    }
    close(w->fd);
    w->fd = -1;
    return 0;
}
