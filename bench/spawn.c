/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* spawn COUNT INPUT-FILE COMMAND ARGUMENT...
 *
 * Runs a command so many times, one after the other, each with the file as its
 * standard input and nowhere to write; measures from before the start to after
 * the end.  Prints n, p50, p99, max (microseconds) and how many failed. */

#include "load.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The wait status of one run, -1 when it could not start. */
static int run_once(const char *input, char **command)
{
    posix_spawn_file_actions_t files;
    pid_t pid;
    int status = -1;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, command[0], &files, NULL, command, environ) == 0) {
        waitpid(pid, &status, 0);
    }
    posix_spawn_file_actions_destroy(&files);
    return status;
}

int main(int argc, char **argv)
{
    samples_t samples = {0};
    long i, count;
    int failed = 0;

    if (argc < 4 || (count = strtol(argv[1], NULL, 10)) < 1) {
        load_die("usage: spawn COUNT INPUT-FILE COMMAND ARGUMENT...");
    }
    for (i = 0; i < count; i++) {
        double start = load_now();

        if (run_once(argv[2], argv + 3) != 0) {
            failed++;
            continue;
        }
        samples_add(&samples, load_now() - start);
    }
    samples_print(&samples);
    printf(" failed=%d\n", failed);
    return 0;
}
