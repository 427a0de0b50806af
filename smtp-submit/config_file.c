/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The configuration file: read whole, replaced whole.  Writers take turns by a
 * lock on the file PATH.lock, because the file itself is replaced. */

#include "config.h"
#include "disk.h"
#include "log_config.h"
#include "trigger.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIG_MAX = 1024 * 1024 };

static apr_status_t failed(const char *path, const char **why, apr_pool_t *pool)
{
    apr_status_t rv = errno;

    *why = apr_psprintf(pool, "%% Error: %s: %s", path, strerror(rv));
    return rv;
}

/* The bytes of the file; "" when there is none. */
static apr_status_t read_text(const char *path, const char **text,
                              const char **why, apr_pool_t *pool)
{
    int rv = disk_read(path, CONFIG_MAX, text, NULL, pool);

    if (rv == ENOENT) {
        *text = "";
        return APR_SUCCESS;
    }
    if (rv) {
        errno = rv;
        return failed(path, why, pool);
    }
    return APR_SUCCESS;
}

apr_status_t submit_config_read(submit_config_t *config, const char *path,
                                const char **why, apr_pool_t *pool)
{
    const char *text;
    apr_status_t rv;

    submit_config_init(config, pool);
    config->path = apr_pstrdup(pool, path);
    rv = read_text(path, &text, why, pool);
    if (rv == APR_SUCCESS) {
        rv = submit_config_parse(config, text, strlen(text), why, pool);
        if (rv != APR_SUCCESS) {
            *why = apr_psprintf(pool, "%s of %s", *why, path);
        }
    }
    return rv;
}

/* 1 when the line of `old` sets the same thing as `command`. */
static int same_setting(const command_t *old, const command_t *command)
{
    /* All lines of an address go together. */
    if (log_config_is(command->id)) {
        return log_config_is(old->id) &&
               strcmp(command_value(old, "FROM"),
                      command_value(command, "FROM")) == 0;
    }
    if (trigger_is(command->id)) {
        return trigger_is(old->id) &&
               strcmp(command_value(old, "TRIGGER"),
                      command_value(command, "TRIGGER")) == 0;
    }
    if (old->id != command->id) {
        return 0;
    }
    return command->id != COMMAND_ALIAS ||
           strcmp(command_value(old, "NAME"), command_value(command, "NAME")) ==
               0;
}

/* `text` with `line` (NULL: nothing) in place of what `command` sets. */
static const char *edit(const char *text, const command_t *command,
                        const char *line, apr_pool_t *pool)
{
    const char *out = "", *block = NULL, *why;
    command_t old;

    while (*text) {
        apr_size_t len = strcspn(text, "\n");

        if (submit_config_line(&old, text, len, &block, &why, pool) !=
                APR_SUCCESS ||
            !same_setting(&old, command)) {
            out = apr_pstrcat(pool, out, apr_pstrmemdup(pool, text, len), "\n",
                              NULL);
        }
        else if (line) {
            out = apr_pstrcat(pool, out, line, NULL);
            line = NULL;
        }
        text += len + (text[len] == '\n');
    }
    return line ? apr_pstrcat(pool, out, line, NULL) : out;
}

/* The new line of the setting that `command` changes. */
static const char *new_line(const submit_config_t *config,
                            const command_t *command, apr_pool_t *pool)
{
    if (log_config_is(command->id)) {
        return log_config_print(config->targets, command_value(command, "FROM"),
                                pool);
    }
    if (trigger_is(command->id)) {
        return trigger_print(
            config->triggers,
            submit_config_seconds(command_value(command, "TRIGGER"), 0), pool);
    }
    if (command->no) {
        return NULL;
    }
    if (command->id == COMMAND_ALIAS) {
        return apr_pstrcat(pool, "mail alias ",
                           command_quote(command_value(command, "NAME"), pool),
                           " ", command_value(command, "FROM"), "\n", NULL);
    }
    return submit_config_setting(config, command->id, pool);
}

/* Opens and locks PATH.lock; -1 with errno when that fails. */
static int lock_file(const char *path, apr_pool_t *pool)
{
    int fd = open(apr_pstrcat(pool, path, ".lock", NULL),
                  O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

apr_status_t submit_config_change(submit_config_t *config,
                                  const command_t *command, const char **why,
                                  apr_pool_t *pool)
{
    const char *text, *path = config->path;
    int lock = lock_file(path, pool);
    apr_status_t rv;

    if (lock < 0) {
        return failed(path, why, pool);
    }
    /* Others may have changed the file since it was read. */
    rv = submit_config_read(config, path, why, pool);
    if (rv == APR_SUCCESS &&
        (*why = submit_config_refuses(config, command)) != NULL) {
        rv = APR_EINVAL;
    }
    if (rv == APR_SUCCESS) {
        rv = submit_config_apply(config, command, why, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = read_text(path, &text, why, pool);
    }
    if (rv == APR_SUCCESS) {
        text = edit(text, command, new_line(config, command, pool), pool);
        rv = disk_replace(path, text, strlen(text), 0640, pool);
        if (rv != APR_SUCCESS) {
            errno = rv;
            rv = failed(path, why, pool);
        }
    }
    close(lock);
    return rv;
}

/* The setting to which a line belongs: all lines about log messages are one, and
 * so are those about triggers. */
static command_id_t setting_of_line(const char *line, apr_size_t len,
                                    const char **block, apr_pool_t *pool)
{
    command_t command;
    const char *why;

    if (submit_config_line(&command, line, len, block, &why, pool) !=
        APR_SUCCESS) {
        return COMMAND_NONE;
    }
    return log_config_is(command.id) ? COMMAND_LOG_EMAIL
           : trigger_is(command.id)  ? COMMAND_TRIGGER
                                     : command.id;
}

/* A comment, and not one of the ! that set triggers apart. */
static int is_comment(const char *line, apr_size_t len)
{
    return len == 0 || *line == '#' || (*line == '!' && len > 1);
}

/* The settings of `config` in the order of `text`, with its comments; what is
 * new comes behind. */
static const char *merge(const char *text, const submit_config_t *config,
                         apr_pool_t *pool)
{
    apr_array_header_t *out = apr_array_make(pool, 32, sizeof(const char *));
    char printed[COMMAND_HELP + 1] = {0};
    const char *block = NULL, *lines;
    int id;

    for (; *text; text += *text == '\n') {
        apr_size_t len = strcspn(text, "\n");

        id = (int)setting_of_line(text, len, &block, pool);
        if (is_comment(text, len)) {
            APR_ARRAY_PUSH(out, const char *) =
                apr_pstrcat(pool, apr_pstrmemdup(pool, text, len), "\n", NULL);
        }
        else {
            lines = submit_config_setting(config, (command_id_t)id, pool);
            if (lines && !printed[id]++) {
                APR_ARRAY_PUSH(out, const char *) = lines;
            }
        }
        text += len;
    }
    for (id = 0; id <= COMMAND_HELP; id++) {
        lines = submit_config_setting(config, (command_id_t)id, pool);
        if (lines && !printed[id]) {
            APR_ARRAY_PUSH(out, const char *) = lines;
        }
    }
    return apr_array_pstrcat(pool, out, 0);
}

apr_status_t submit_config_replace(const submit_config_t *config,
                                   const char **why, apr_pool_t *pool)
{
    const char *text;
    int lock = lock_file(config->path, pool);
    apr_status_t rv;

    if (lock < 0) {
        return failed(config->path, why, pool);
    }
    rv = read_text(config->path, &text, why, pool);
    if (rv == APR_SUCCESS) {
        text = merge(text, config, pool);
        rv = disk_replace(config->path, text, strlen(text), 0640, pool);
        if (rv != APR_SUCCESS) {
            errno = rv;
            rv = failed(config->path, why, pool);
        }
    }
    close(lock);
    return rv;
}
