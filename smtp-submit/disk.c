/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "disk.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int disk_write(int fd, const void *data, apr_size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        at += n;
        len -= (apr_size_t)n;
    }
    return 0;
}

int disk_sync_parent(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    const char *dir =
        !slash ? "."
        : slash == path
            ? "/"
            : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rv = 0;

    if (fd < 0) {
        return errno;
    }
    if (fsync(fd) != 0) {
        rv = errno;
    }
    close(fd);
    return rv;
}

int disk_sync_name(int fd, const char *path, apr_pool_t *pool)
{
    int rv = disk_sync_parent(path, pool);

    if (rv == EACCES) {
        rv = syncfs(fd) != 0 ? errno : 0;
    }
    return rv;
}

static int read_all(int fd, char *at, apr_size_t room, apr_size_t *len)
{
    *len = 0;
    while (*len < room) {
        ssize_t n = read(fd, at + *len, room - *len);

        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n == 0) {
            break;
        }
        *len += n > 0 ? (apr_size_t)n : 0;
    }
    return 0;
}

int disk_read(const char *path, apr_size_t max, const char **text,
              apr_size_t *len, apr_pool_t *pool)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rv;
    struct stat st;
    apr_size_t n = 0;
    char *room;

    if (fd < 0) {
        return errno;
    }
    rv = fstat(fd, &st) != 0 ? errno : 0;
    if (!rv && (apr_uint64_t)st.st_size > max) {
        rv = EFBIG;
    }
    if (!rv) {
        /* Files of /proc and pipes have no size. */
        apr_size_t size = S_ISREG(st.st_mode) && st.st_size > 0
                              ? (apr_size_t)st.st_size
                              : max;

        room = apr_palloc(pool, size + 1);
        rv = read_all(fd, room, size, &n);
        room[n] = '\0';
        *text = room;
    }
    close(fd);
    if (len) {
        *len = n;
    }
    return rv;
}

int disk_bytes(const void *data, apr_size_t len)
{
    int fd = memfd_create("text", MFD_CLOEXEC);

    if (fd >= 0 &&
        (disk_write(fd, data, len) != 0 || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int write_and_sync(int fd, const void *data, apr_size_t len, mode_t mode,
                          const struct stat *old)
{
    int rv = disk_write(fd, data, len);

    if (!rv && old && fchown(fd, old->st_uid, old->st_gid) != 0 &&
        errno != EPERM) {
        rv = errno;
    }
    if (!rv && fchmod(fd, mode) != 0) {
        rv = errno;
    }
    if (!rv && fsync(fd) != 0) {
        rv = errno;
    }
    if (close(fd) != 0 && !rv) {
        rv = errno;
    }
    return rv;
}

int disk_replace(const char *path, const void *data, apr_size_t len,
                 mode_t mode, apr_pool_t *pool)
{
    char *temporary = apr_pstrcat(pool, path, ".XXXXXX", NULL);
    struct stat old;
    int known = stat(path, &old) == 0;
    int fd = mkostemp(temporary, O_CLOEXEC), rv;

    if (fd < 0) {
        return errno;
    }
    rv = write_and_sync(fd, data, len, mode, known ? &old : NULL);
    if (!rv && rename(temporary, path) != 0) {
        rv = errno;
    }
    if (rv) {
        unlink(temporary);
        return rv;
    }
    return disk_sync_parent(path, pool);
}
