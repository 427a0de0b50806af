/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_CONFIG_H
#define SUBMIT_CONFIG_H

/* The settings, and the file that holds them: its lines are commands, the same
 * that "show running-config" prints. */

#include "command.h"

#define SUBMIT_CONFIG_PATH "/etc/smtp-submit.conf"
#define SUBMIT_SPOOL_PATH "/var/spool/smtp-submit"

/* Texts are NULL when not set; a switch that is on holds "". */
typedef struct submit_config_t {
    const char *path; /* of the file */
    const char *server, *backup;
    const char *port;   /* decimal, as configured */
    const char *tls;    /* starttls, smtps */
    const char *method; /* crammd5, login, plain, xoauth2 */
    const char *username;
    const char *sealed;        /* password 8 ... */
    const char *password;      /* in clear, as somebody wrote it */
    const char *password_file; /* or where to get it */
    const char *password_command;
    const char *ca_file, *pin, *certificate, *no_verify;
    const char *cleartext_auth;
    const char *proxy, *unix_socket, *no_chunking;
    const char *timeout;
    const char *from;
    const char *hostname, *serial;
    const char *file_root;
    const char *add_received;
    const char *spool;
    const char *by_runner;
    const char *secret_key;
    const char *in_doubt; /* resend, hold */
    const char *retry_after, *give_up_after;
    const char *notify;
    const char *log_window, *log_limit;
    apr_array_header_t *aliases;  /* of submit_alias_t */
    apr_array_header_t *targets;  /* of log_target_t */
    apr_array_header_t *triggers; /* of trigger_t */
} submit_config_t;

typedef struct submit_alias_t {
    const char *name, *address;
} submit_alias_t;

/* Nothing is set. */
void submit_config_init(submit_config_t *config, apr_pool_t *pool);

/* Obeys one setting.  APR_EINVAL with a sentence when it is none. */
apr_status_t submit_config_apply(submit_config_t *config,
                                 const command_t *command, const char **why,
                                 apr_pool_t *pool);

/* Obeys the lines of `text`.  APR_EINVAL with a sentence that names the line
 * for the first one that is no setting. */
apr_status_t submit_config_parse(submit_config_t *config, const char *text,
                                 apr_size_t len, const char **why,
                                 apr_pool_t *pool);

/* One line of a file into `command`, as command_parse_line() does.  Inside a
 * block ("trigger 1", then lines that start with a blank) it is the command that
 * it stands for; *block is NULL at first and kept from line to line. */
apr_status_t submit_config_line(command_t *command, const char *line,
                                apr_size_t len, const char **block,
                                const char **why, apr_pool_t *pool);

/* Reads the file at `path`; a missing file holds no settings.  Other errors
 * come with a sentence in *why. */
apr_status_t submit_config_read(submit_config_t *config, const char *path,
                                const char **why, apr_pool_t *pool);

/* The settings as lines in the order of the guide.  A password in clear is
 * printed as it is: seal it before. */
const char *submit_config_print(const submit_config_t *config,
                                apr_pool_t *pool);

/* The line or lines of setting `id` alone, NULL when it is not set. */
const char *submit_config_setting(const submit_config_t *config,
                                  command_id_t id, apr_pool_t *pool);

/* NULL, or the sentence that forbids `command` while `config` is in force. */
const char *submit_config_refuses(const submit_config_t *config,
                                  const command_t *command);

/* Changes the one setting of `command` in the file `config` was read from,
 * and in `config`; comments and other lines stay.  The file is replaced in one
 * step and is on disk when this returns. */
apr_status_t submit_config_change(submit_config_t *config,
                                  const command_t *command, const char **why,
                                  apr_pool_t *pool);

/* Replaces all settings of the file config->path by those of `config`;
 * its comments stay, and so does the order of what is in both. */
apr_status_t submit_config_replace(const submit_config_t *config,
                                   const char **why, apr_pool_t *pool);

/* The port in force: the one configured, else 25, 587 or 465. */
int submit_config_port(const submit_config_t *config);

/* Configured seconds, or `otherwise`. */
int submit_config_seconds(const char *text, int otherwise);

/* The folder of the queue. */
const char *submit_config_spool(const submit_config_t *config);

/* The name of this machine: the configured one, else the host's. */
const char *submit_config_hostname(const submit_config_t *config,
                                   apr_pool_t *pool);

/* The address an alias stands for, or NULL. */
const char *submit_config_alias(const submit_config_t *config,
                                const char *name);

#endif
