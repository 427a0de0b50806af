/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_ARGUMENTS_H
#define SUBMIT_ARGUMENTS_H

/* The command line of both programs:
 *   [-c FILE | --config FILE] [--debug] [--help | -h | ?] [command ...] */

#include "action.h"

typedef struct arguments_t {
    const char *config_path;
    int debug;
    int none;     /* no command: the prompt, or lines of standard input */
    int finished; /* help was printed; end with `status` */
    int status;
    command_t command;
} arguments_t;

void arguments_parse(arguments_t *arguments, int argc, const char *const *argv,
                     apr_pool_t *pool);

#endif
