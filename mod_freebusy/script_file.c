/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "script_file.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static apr_status_t close_fd(void *data)
{
    close((int)(apr_uintptr_t)data);
    return APR_SUCCESS;
}

static void close_with(apr_pool_t *pool, int fd)
{
    apr_pool_cleanup_register(pool, (void *)(apr_uintptr_t)fd, close_fd,
                              apr_pool_cleanup_null);
}

static int is_folder_name(const char *name)
{
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Opens the folder of `path` and points *name to what stands behind its last
 * slash.  The folder that the admin named is opened as it is; each one below
 * only when it is no link. */
static apr_status_t open_folder(int *folder, const char **name,
                                const char *path, apr_size_t fixed,
                                apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, path), *at, *slash;
    int fd, next;

    while (fixed > 0 && path[fixed - 1] != '/') {
        fixed--;
    }
    if (fixed == 0) {
        return APR_EINVAL;
    }
    fd = open(apr_pstrmemdup(pool, path, fixed),
              O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    close_with(pool, fd);
    for (at = copy + fixed; (slash = strchr(at, '/')) != NULL; at = slash + 1) {
        *slash = '\0';
        if (!is_folder_name(at)) {
            return APR_EINVAL;
        }
        next = openat(fd, at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0) {
            return errno;
        }
        close_with(pool, next);
        fd = next;
    }
    *folder = fd;
    *name = at;
    return is_folder_name(at) ? APR_SUCCESS : APR_EINVAL;
}

static apr_status_t read_all(int fd, char *to, apr_size_t len)
{
    while (len > 0) {
        ssize_t n = read(fd, to, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : APR_EOF;
        }
        to += n;
        len -= (apr_size_t)n;
    }
    return APR_SUCCESS;
}

static apr_status_t write_all(int fd, const char *from, apr_size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, from, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        from += n;
        len -= (apr_size_t)n;
    }
    return APR_SUCCESS;
}

static apr_status_t read_regular(const char **bytes, apr_size_t *len, int fd,
                                 apr_size_t max, apr_pool_t *pool)
{
    struct stat st;
    char *data;
    apr_status_t rv;

    if (fstat(fd, &st) != 0) {
        return errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return APR_EINVAL;
    }
    if ((apr_uint64_t)st.st_size > max) {
        return APR_ENOSPC;
    }
    *len = (apr_size_t)st.st_size;
    data = apr_palloc(pool, *len + 1);
    data[*len] = '\0';
    rv = read_all(fd, data, *len);
    *bytes = data;
    return rv;
}

apr_status_t script_file_read(const char **bytes, apr_size_t *len,
                              const char *path, apr_size_t fixed,
                              apr_size_t max, apr_pool_t *pool)
{
    apr_pool_t *scratch;
    const char *name;
    apr_status_t rv;
    int folder, fd;

    apr_pool_create(&scratch, pool);
    rv = open_folder(&folder, &name, path, fixed, scratch);
    if (rv == APR_SUCCESS) {
        fd = openat(folder, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0) {
            rv = errno;
        }
        else {
            close_with(scratch, fd);
            rv = read_regular(bytes, len, fd, max, pool);
        }
    }
    apr_pool_destroy(scratch);
    return rv;
}

/* To the owner of the folder; else, so that the mail server can read it, to its
 * group (which the set-group-ID bit of the folder has seen to already). */
static apr_status_t hand_over(int fd, int folder)
{
    struct stat st;
    mode_t mode = 0600;

    if (fstat(folder, &st) != 0) {
        return errno;
    }
    if (st.st_uid == geteuid() || fchown(fd, st.st_uid, st.st_gid) != 0) {
        if (st.st_gid != getegid() &&
            (fchown(fd, (uid_t)-1, st.st_gid) == 0 || st.st_mode & S_ISGID)) {
            mode = 0640;
        }
    }
    return fchmod(fd, mode) == 0 ? APR_SUCCESS : errno;
}

/* A file of a name that nobody knows, open for writing. */
static apr_status_t open_new(int *fd, const char **name, int folder,
                             const char *beside, apr_pool_t *pool)
{
    apr_uint64_t number;
    apr_status_t rv =
        apr_generate_random_bytes((unsigned char *)&number, sizeof(number));

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *name = apr_psprintf(pool, ".%s.%" APR_UINT64_T_HEX_FMT, beside, number);
    *fd = openat(folder, *name,
                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *fd < 0 ? errno : APR_SUCCESS;
}

static apr_status_t fill(int fd, int folder, const char *bytes, apr_size_t len)
{
    apr_status_t rv = write_all(fd, bytes, len);

    if (rv == APR_SUCCESS) {
        rv = hand_over(fd, folder);
    }
    if (rv == APR_SUCCESS && fsync(fd) != 0) {
        rv = errno;
    }
    return rv;
}

/* The name itself is durable only when its folder is synced, which a handle of
 * O_PATH cannot be. */
static void sync_folder(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

apr_status_t script_file_write(const char *path, apr_size_t fixed,
                               const char *bytes, apr_size_t len,
                               apr_pool_t *pool)
{
    apr_pool_t *scratch;
    const char *name, *fresh;
    apr_status_t rv;
    int folder, fd;

    apr_pool_create(&scratch, pool);
    rv = open_folder(&folder, &name, path, fixed, scratch);
    if (rv == APR_SUCCESS) {
        rv = open_new(&fd, &fresh, folder, name, scratch);
    }
    if (rv == APR_SUCCESS) {
        rv = fill(fd, folder, bytes, len);
        if (close(fd) != 0 && rv == APR_SUCCESS) {
            rv = errno;
        }
        if (rv == APR_SUCCESS && renameat(folder, fresh, folder, name) != 0) {
            rv = errno;
        }
        if (rv == APR_SUCCESS) {
            sync_folder(folder);
        }
        else {
            unlinkat(folder, fresh, 0);
        }
    }
    apr_pool_destroy(scratch);
    return rv;
}
