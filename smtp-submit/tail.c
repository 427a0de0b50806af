/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "tail.h"
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MILLISECONDS = 200 };

/* 1 when the name belongs to another file by now, or to none. */
static int was_replaced(int fd, const char *path)
{
    struct stat ours, named;

    return fstat(fd, &ours) != 0 || stat(path, &named) != 0 ||
           ours.st_ino != named.st_ino || ours.st_dev != named.st_dev;
}

/* A file that was cut is read from its start again. */
static void follow_cut(int fd)
{
    struct stat st;
    off_t at = lseek(fd, 0, SEEK_CUR);

    if (fstat(fd, &st) == 0 && st.st_size < at) {
        lseek(fd, 0, SEEK_SET);
    }
}

/* Copies what is there; 0, or an errno value. */
static int copy_new(int fd, int out)
{
    char piece[8192];
    ssize_t n;
    int rv = 0;

    while (!rv && (n = read(fd, piece, sizeof(piece))) > 0) {
        rv = disk_write(out, piece, (apr_size_t)n);
    }
    return rv;
}

int tail_copy(const char *path, int out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rv = 0;

    if (fd >= 0) {
        lseek(fd, 0, SEEK_END);
    }
    while (!rv) {
        if (fd >= 0) {
            follow_cut(fd);
            rv = copy_new(fd, out);
        }
        if (fd >= 0 && was_replaced(fd, path)) {
            rv = rv ? rv : copy_new(fd, out);
            close(fd);
            fd = -1;
        }
        if (fd < 0) {
            fd = open(path, O_RDONLY | O_CLOEXEC);
        }
        if (fd < 0 || !rv) {
            poll(NULL, 0, LOOK_MILLISECONDS);
        }
    }
    close(fd);
    return rv;
}

int tail_open(const char *path)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        close(ends[0]);
        _exit(tail_copy(path, ends[1]) != 0);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return -1;
    }
    return ends[0];
}
