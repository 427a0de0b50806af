/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* smtp-submit: queues mail and shows the queue; hands everything else to
 * smtp-submit-runner. */

#include "action.h"
#include "arguments.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The runner lies beside this program in a build, and in the library folder
 * beside its folder when installed.  Never found by PATH or environment. */
static const char *runner_path(apr_pool_t *pool)
{
    char self[4096], *slash;
    const char *path;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n <= 0) {
        return NULL;
    }
    self[n] = '\0';
    slash = strrchr(self, '/');
    *slash = '\0';
    path = apr_pstrcat(pool, self, "/smtp-submit-runner", NULL);
    if (access(path, X_OK) == 0) {
        return path;
    }
    slash = strrchr(self, '/');
    if (slash) {
        *slash = '\0';
    }
    return apr_pstrcat(pool, self, "/lib/postern/smtp-submit-runner", NULL);
}

static int become(const char *const *argv, apr_pool_t *pool)
{
    const char *path = runner_path(pool);

    fflush(stdout);
    if (path) {
        execv(path, (char *const *)argv);
    }
    return action_says(ACTION_ERROR,
                       apr_psprintf(pool, "%% Error: %s: %s",
                                    path ? path : "smtp-submit-runner",
                                    strerror(errno)));
}

static int deliver_by_runner(action_t *a, const char *id, int wait)
{
    const char *argv[9] = {"smtp-submit-runner", "-c", a->config_path};
    int n = 3;

    if (a->debug) {
        argv[n++] = "--debug";
    }
    argv[n++] = "deliver";
    argv[n++] = id;
    if (wait) {
        argv[n++] = "wait";
    }
    argv[n] = NULL;
    return become(argv, a->pool);
}

int main(int argc, const char *const argv[])
{
    arguments_t arguments;
    action_t action = {0};
    int status;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&action.pool, NULL) != APR_SUCCESS) {
        return ACTION_ERROR;
    }
    arguments_parse(&arguments, argc, argv, action.pool);
    if (arguments.finished) {
        return arguments.status;
    }
    if (arguments.none || !action_is_light(&arguments.command)) {
        return become(argv, action.pool);
    }
    action.config_path = arguments.config_path;
    action.debug = arguments.debug;
    action.deliver = deliver_by_runner;
    status = action_configure(&action);
    if (status == ACTION_OK) {
        status = action_light(&action, &arguments.command);
    }
    /* The pool takes back what was begun and not finished. */
    apr_pool_destroy(action.pool);
    return fflush(stdout) == 0 ? status : ACTION_IO;
}
