/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* smtp-submit-runner: all commands, the prompt and the delivery of mail. */

#include "action.h"
#include "arguments.h"
#include "terminal.h"

#include <apr_general.h>
#include <curl/curl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, const char *const argv[])
{
    arguments_t arguments;
    action_t action = {0};
    int status;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&action.pool, NULL) != APR_SUCCESS ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return ACTION_ERROR;
    }
    /* Host names beyond ASCII are converted by the locale. */
    if (!setlocale(LC_CTYPE, "C.UTF-8")) {
        setlocale(LC_CTYPE, "");
    }
    signal(SIGPIPE, SIG_IGN);
    srandom((unsigned)(time(NULL) ^ getpid()));
    arguments_parse(&arguments, argc, argv, action.pool);
    if (arguments.finished) {
        return arguments.status;
    }
    action.config_path = arguments.config_path;
    action.debug = arguments.debug;
    status = action_configure(&action, NULL);
    if (status != ACTION_OK) {
        return status;
    }
    if (arguments.none) {
        action.scripted = !terminal_is_there();
        status = action_lines(&action, STDIN_FILENO, !action.scripted, 0);
    }
    else {
        status = action_any(&action, &arguments.command);
    }
    apr_pool_destroy(action.pool);
    /* Whoever sends one mail waits for us: what the libraries would do at exit
     * is of no use to anybody. */
    _exit(fflush(stdout) == 0 ? status : ACTION_IO);
}
