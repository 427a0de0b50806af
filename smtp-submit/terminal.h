/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_TERMINAL_H
#define SUBMIT_TERMINAL_H

/* Questions to a person, and how the answer looks.  Everything is read byte by
 * byte from descriptor 0, so that what comes after the answer is left for
 * whoever reads next. */

#include <apr_pools.h>
#include <stdio.h>

/* 1 when a person is at standard input. */
int terminal_is_there(void);

/* Prints `prompt` and reads one line without its end; NULL at the end of the
 * input. */
const char *terminal_ask(const char *prompt, apr_pool_t *pool);

/* Prints what the guide prints before the message is typed. */
void terminal_invite(void);

/* One line of any file descriptor, or NULL at its end. */
const char *terminal_line(int fd, apr_pool_t *pool);

typedef enum terminal_colour_t {
    TERMINAL_RED = 31,
    TERMINAL_GREEN = 32,
    TERMINAL_YELLOW = 33
} terminal_colour_t;

/* Prints `text`; in that colour when `out` is a terminal that has colours and
 * NO_COLOR is not in the environment. */
void terminal_paint(FILE *out, terminal_colour_t colour, const char *text);

#endif
