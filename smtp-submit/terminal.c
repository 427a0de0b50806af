/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "terminal.h"
#include "command.h"

#include <apr_strings.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    const char *line;

    fputs(prompt, stdout);
    fflush(stdout);
    line = terminal_line(STDIN_FILENO, pool);
    if (!line) {
        putchar('\n'); /* Ctrl-D leaves the cursor behind the prompt */
    }
    return line;
}

void terminal_invite(void)
{
    fputs("\nType the message below and finish with a CTRL-d\n", stdout);
    fflush(stdout);
}

static int has_colours(FILE *out)
{
    const char *terminal = getenv("TERM"), *no = getenv("NO_COLOR");

    return isatty(fileno(out)) && terminal && *terminal &&
           strcmp(terminal, "dumb") != 0 && !(no && *no);
}

void terminal_paint(FILE *out, terminal_colour_t colour, const char *text)
{
    if (has_colours(out)) {
        fprintf(out, "\033[%dm%s\033[0m", (int)colour, text);
    }
    else {
        fputs(text, out);
    }
}
