/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What is in the queue, and what becomes of it. */

#include "disk.h"
#include "spool.h"
#include "spool_format.h"

#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_SECONDS = 36 * 3600 };

static int failed(const char *what, int rv, const char **why, apr_pool_t *pool)
{
    *why = apr_psprintf(pool, "%% Error: mail %s: %s", what, strerror(rv));
    return rv;
}

/* ---- listing ---- */

/* By time, then by the number behind the dot. */
static int by_id(const void *a, const void *b)
{
    const char *one = *(const char *const *)a, *two = *(const char *const *)b;
    int order = strncmp(one, two, 15);

    if (order == 0 && strlen(one) != strlen(two)) {
        order = strlen(one) < strlen(two) ? -1 : 1;
    }
    return order ? order : strcmp(one, two);
}

static int is_id(const char *name)
{
    apr_size_t len = strlen(name);

    return len > 15 && len <= SPOOL_ID_MAX && name[14] == '.' &&
           strspn(name, "0123456789.") == len;
}

int spool_list(const spool_t *spool, const char *folder,
               apr_array_header_t **ids, const char **why, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, spool->dir, "/", folder, NULL);
    DIR *dir = opendir(path);
    struct dirent *entry;

    *ids = apr_array_make(pool, 16, sizeof(const char *));
    if (!dir) {
        return failed(path, errno, why, pool);
    }
    while ((entry = readdir(dir)) != NULL) {
        if (is_id(entry->d_name)) {
            APR_ARRAY_PUSH(*ids, const char *) =
                apr_pstrdup(pool, entry->d_name);
        }
    }
    closedir(dir);
    qsort((*ids)->elts, (size_t)(*ids)->nelts, sizeof(const char *), by_id);
    return 0;
}

/* ---- one mail ---- */

static int read_at(int fd, apr_off_t at, char *room, apr_size_t len)
{
    while (len > 0) {
        ssize_t n = pread(fd, room, len, at);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : EBADMSG;
        }
        room += n;
        at += n;
        len -= (apr_size_t)n;
    }
    return 0;
}

static int read_text(int fd, apr_off_t at, apr_size_t len, char **text,
                     apr_pool_t *pool)
{
    *text = apr_palloc(pool, len + 1);
    (*text)[len] = '\0';
    return read_at(fd, at, *text, len);
}

static int read_mail(spool_mail_t *mail, int fd, spool_head_t *head)
{
    char line[SPOOL_HEAD_LEN], *text;
    apr_off_t journal;
    struct stat st;
    int rv = read_at(fd, 0, line, sizeof(line));

    if (!rv && !spool_parse_head(head, line)) {
        rv = EBADMSG;
    }
    if (!rv && fstat(fd, &st) != 0) {
        rv = errno;
    }
    if (rv) {
        return rv;
    }
    mail->message_at = SPOOL_HEAD_LEN + (apr_off_t)head->envelope_len;
    mail->message_len = head->message_len;
    journal = mail->message_at + mail->message_len;
    if (st.st_size < journal || st.st_size - journal > SPOOL_JOURNAL_MAX) {
        return EBADMSG;
    }
    rv = read_text(fd, SPOOL_HEAD_LEN, head->envelope_len, &text, mail->pool);
    if (!rv && !spool_parse_envelope(mail, text, mail->pool)) {
        rv = EBADMSG;
    }
    if (!rv) {
        rv = read_text(fd, journal, (apr_size_t)(st.st_size - journal), &text,
                       mail->pool);
    }
    if (!rv) {
        spool_parse_journal(mail, text, mail->pool);
    }
    return rv;
}

static int verify(const spool_mail_t *mail, int fd, const spool_head_t *head)
{
    unsigned char sum[APR_SHA1_DIGESTSIZE];
    apr_off_t at = SPOOL_HEAD_LEN, end = mail->message_at + mail->message_len;
    apr_sha1_ctx_t sha1;
    char piece[32768];

    apr_sha1_init(&sha1);
    while (at < end) {
        apr_size_t n = end - at < (apr_off_t)sizeof(piece)
                           ? (apr_size_t)(end - at)
                           : sizeof(piece);
        int rv = read_at(fd, at, piece, n);

        if (rv) {
            return rv;
        }
        apr_sha1_update(&sha1, piece, (unsigned)n);
        at += (apr_off_t)n;
    }
    apr_sha1_final(sum, &sha1);
    return memcmp(sum, head->sha1, sizeof(sum)) == 0 ? 0 : EBADMSG;
}

static void prepare(spool_mail_t *mail, const spool_t *spool,
                    const char *folder, const char *id, apr_pool_t *pool)
{
    memset(mail, 0, sizeof(*mail));
    mail->spool = spool;
    mail->id = apr_pstrdup(pool, id);
    mail->path = apr_pstrcat(pool, spool->dir, "/", folder, "/", id, NULL);
    mail->fd = -1;
    mail->pool = pool;
}

int spool_load(spool_mail_t *mail, const spool_t *spool, const char *folder,
               const char *id, const char **why, apr_pool_t *pool)
{
    spool_head_t head;
    int fd, rv;

    prepare(mail, spool, folder, id, pool);
    fd = open(mail->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return failed(id, errno, why, pool);
    }
    rv = read_mail(mail, fd, &head);
    close(fd);
    return rv ? failed(id, rv, why, pool) : 0;
}

static apr_status_t release(void *mail)
{
    spool_release(mail);
    return APR_SUCCESS;
}

void spool_release(spool_mail_t *mail)
{
    if (mail->fd >= 0) {
        close(mail->fd);
        mail->fd = -1;
        apr_pool_cleanup_kill(mail->pool, mail, release);
    }
}

/* 1 when the name still belongs to the open file: another runner may have
 * finished it while this one waited for the lock. */
static int still_there(const spool_mail_t *mail)
{
    struct stat open_file, named;

    return fstat(mail->fd, &open_file) == 0 && stat(mail->path, &named) == 0 &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

int spool_lock(spool_mail_t *mail, const spool_t *spool, const char *folder,
               const char *id, int wait, const char **why, apr_pool_t *pool)
{
    spool_head_t head;
    int rv = 0;

    prepare(mail, spool, folder, id, pool);
    mail->fd = open(mail->path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (mail->fd < 0) {
        return failed(id, errno, why, pool);
    }
    apr_pool_cleanup_register(pool, mail, release, apr_pool_cleanup_null);
    if (flock(mail->fd, LOCK_EX | (wait ? 0 : LOCK_NB)) != 0) {
        rv = errno;
    }
    else if (!still_there(mail)) {
        rv = ENOENT;
    }
    else {
        rv = read_mail(mail, mail->fd, &head);
        rv = rv ? rv : verify(mail, mail->fd, &head);
    }
    if (rv) {
        spool_release(mail);
        return failed(id, rv, why, pool);
    }
    return 0;
}

int spool_pending(const spool_mail_t *mail)
{
    int i, count = 0;

    for (i = 0; i < mail->recipients->nelts; i++) {
        spool_result_t result =
            APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t).result;

        count += result == SPOOL_PENDING || result == SPOOL_LATER;
    }
    return count;
}

int spool_journal(spool_mail_t *mail, const char *lines)
{
    int rv = spool_journal_soon(mail, lines);

    return !rv && fdatasync(mail->fd) != 0 ? errno : rv;
}

int spool_journal_soon(spool_mail_t *mail, const char *lines)
{
    struct stat st;
    char last;

    /* A line that a killed runner left unfinished is closed first. */
    if (fstat(mail->fd, &st) != 0 ||
        pread(mail->fd, &last, 1, st.st_size - 1) != 1) {
        return errno;
    }
    if (last != '\n' && st.st_size > mail->message_at + mail->message_len) {
        lines = apr_pstrcat(mail->pool, "\n", lines, NULL);
    }
    return disk_write(mail->fd, lines, strlen(lines));
}

static int given_up(const spool_mail_t *mail)
{
    int i;

    for (i = 0; i < mail->recipients->nelts; i++) {
        if (APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t).result !=
            SPOOL_SENT) {
            return 1;
        }
    }
    return 0;
}

static int move(const spool_mail_t *mail, const char *folder)
{
    const char *to = apr_pstrcat(mail->pool, mail->spool->dir, "/", folder, "/",
                                 mail->id, NULL);

    if (rename(mail->path, to) != 0) {
        return errno;
    }
    return disk_sync_parent(to, mail->pool);
}

int spool_finish(spool_mail_t *mail)
{
    int rv = 0;

    if (given_up(mail)) {
        rv = move(mail, "failed");
    }
    else if (unlink(mail->path) != 0) {
        rv = errno;
    }
    spool_release(mail);
    return rv;
}

int spool_delete(const spool_t *spool, const char *id, const char **why,
                 apr_pool_t *pool)
{
    static const char *const folders[] = {"new", "failed"};
    int i, rv = ENOENT;

    for (i = 0; i < 2 && rv == ENOENT; i++) {
        const char *path =
            apr_pstrcat(pool, spool->dir, "/", folders[i], "/", id, NULL);
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        rv = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || unlink(path) != 0
                 ? errno
                 : 0;
        if (!rv) {
            rv = disk_sync_parent(path, pool);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    if (rv == EWOULDBLOCK) {
        *why = apr_psprintf(pool, "%% Error: mail %s is being sent", id);
    }
    else if (rv == ENOENT) {
        *why = apr_psprintf(pool, "%% Error: no mail %s in the queue", id);
    }
    else if (rv) {
        failed(id, rv, why, pool);
    }
    return rv;
}

int spool_retry(const spool_t *spool, const char *id, const char **why,
                apr_pool_t *pool)
{
    spool_mail_t mail;
    const char *folder = "new";
    int rv = spool_lock(&mail, spool, folder, id, 0, why, pool);

    if (rv == ENOENT) {
        folder = "failed";
        rv = spool_lock(&mail, spool, folder, id, 0, why, pool);
    }
    if (rv == ENOENT) {
        *why = apr_psprintf(pool, "%% Error: no mail %s in the queue", id);
    }
    if (rv) {
        return rv;
    }
    rv = spool_journal(&mail,
                       spool_format_event("retry", apr_time_now(), "", pool));
    if (!rv && folder[0] == 'f') {
        rv = move(&mail, "new");
    }
    spool_release(&mail);
    return rv ? failed(id, rv, why, pool) : 0;
}

void spool_clean(const spool_t *spool, apr_pool_t *pool)
{
    apr_array_header_t *ids;
    const char *why;
    int i;

    if (spool_list(spool, "tmp", &ids, &why, pool) != 0) {
        return;
    }
    for (i = 0; i < ids->nelts; i++) {
        const char *path = apr_pstrcat(pool, spool->dir, "/tmp/",
                                       APR_ARRAY_IDX(ids, i, char *), NULL);
        struct stat st;

        if (stat(path, &st) == 0 && time(NULL) - st.st_mtime > STALE_SECONDS) {
            unlink(path);
        }
    }
}
