/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "terminal.h"
#include "command.h"

#include <apr_strings.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int terminal_is_there(void)
{
    return isatty(STDIN_FILENO);
}

const char *terminal_line(int fd, apr_pool_t *pool)
{
    char line[COMMAND_LINE_MAX + 2];
    apr_size_t len = 0;
    char c;
    ssize_t n;

    while ((n = read(fd, &c, 1)) != 0) {
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || c == '\n') {
            break;
        }
        /* One byte too many is kept, so that the line is refused. */
        if (len <= COMMAND_LINE_MAX) {
            line[len++] = c;
        }
    }
    return n <= 0 && len == 0 ? NULL : apr_pstrmemdup(pool, line, len);
}

const char *terminal_ask(const char *prompt, apr_pool_t *pool)
{
    fputs(prompt, stdout);
    fflush(stdout);
    return terminal_line(STDIN_FILENO, pool);
}

void terminal_invite(void)
{
    fputs("\nType the message below and finish with a CTRL-d\n", stdout);
    fflush(stdout);
}
