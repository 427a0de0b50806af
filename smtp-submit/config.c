/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "config.h"
#include "log_config.h"
#include "trigger.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Settings of one value, in the order in which they are printed. */
typedef struct setting_t {
    command_id_t id;
    const char *words; /* before the value */
    const char *value; /* name of the parameter; NULL: a switch */
    size_t offset;     /* of the text in submit_config_t */
} setting_t;

#define FIELD(name) offsetof(submit_config_t, name)

/* clang-format off */
static const setting_t settings[] = {
    {COMMAND_TRIGGER,         NULL,                                   NULL,        FIELD(triggers)},
    {COMMAND_SERVER,          "mail smtpserver",                      "SERVER",    FIELD(server)},
    {COMMAND_AUTHENTICATION,  NULL,                                   NULL,        FIELD(method)},
    {COMMAND_PORT,            "mail smtpserver port",                 "PORT",      FIELD(port)},
    {COMMAND_TLS,             "mail smtpserver tls",                  "MODE",      FIELD(tls)},
    {COMMAND_TLS_CA_FILE,     "mail smtpserver tls-ca-file",          "FILE",      FIELD(ca_file)},
    {COMMAND_TLS_PIN,         "mail smtpserver tls-pin",              "PIN",       FIELD(pin)},
    {COMMAND_TLS_CERTIFICATE, "mail smtpserver tls-certificate",      "FILE",      FIELD(certificate)},
    {COMMAND_TLS_NO_VERIFY,   "mail smtpserver tls-no-verify",        NULL,        FIELD(no_verify)},
    {COMMAND_CLEARTEXT_AUTH,  "mail smtpserver allow-cleartext-auth", NULL,        FIELD(cleartext_auth)},
    {COMMAND_BACKUP,          "mail smtpserver backup",               "SERVER",    FIELD(backup)},
    {COMMAND_PROXY,           "mail smtpserver proxy",                "PROXY",     FIELD(proxy)},
    {COMMAND_UNIX_SOCKET,     "mail smtpserver unix-socket",          "SOCKET",    FIELD(unix_socket)},
    {COMMAND_NO_CHUNKING,     "mail smtpserver without-chunking",     NULL,        FIELD(no_chunking)},
    {COMMAND_TIMEOUT,         "mail smtpserver timeout",              "SECONDS",   FIELD(timeout)},
    {COMMAND_FROM,            "mail from",                            "FROM",      FIELD(from)},
    {COMMAND_HOSTNAME,        "mail hostname",                        "HOSTNAME",  FIELD(hostname)},
    {COMMAND_SERIAL,          "mail serial",                          "SERIAL",    FIELD(serial)},
    {COMMAND_FILE_ROOT,       "mail file-root",                       "DIRECTORY", FIELD(file_root)},
    {COMMAND_ADD_RECEIVED,    "mail add-received",                    NULL,        FIELD(add_received)},
    {COMMAND_SPOOL,           "mail spool",                           "DIRECTORY", FIELD(spool)},
    {COMMAND_BY_RUNNER,       "mail delivery-by-runner",              NULL,        FIELD(by_runner)},
    {COMMAND_SECRET_KEY,      "mail secret-key",                      "FILE",      FIELD(secret_key)},
    {COMMAND_IN_DOUBT,        "mail in-doubt",                        "POLICY",    FIELD(in_doubt)},
    {COMMAND_RETRY_TIMES,     "mail retry-after",                     "SECONDS",   FIELD(retry_after)},
    {COMMAND_GIVE_UP,         "mail give-up-after",                   "SECONDS",   FIELD(give_up_after)},
    {COMMAND_NOTIFY,          "mail failure-notice",                  "FROM",      FIELD(notify)},
    {COMMAND_ALIAS,           NULL,                                   NULL,        FIELD(aliases)},
    {COMMAND_LOG_WINDOW,      "log window",                           "SECONDS",   FIELD(log_window)},
    {COMMAND_LOG_LIMIT,       "log limit",                            "COUNT",     FIELD(log_limit)},
    {COMMAND_LOG_EMAIL,       NULL,                                   NULL,        FIELD(targets)},
};
/* clang-format on */

static const char **field_of(submit_config_t *config, const setting_t *s)
{
    return (const char **)(void *)((char *)config + s->offset);
}

static const char *text_of(const submit_config_t *config, const setting_t *s)
{
    return *(const char *const *)(const void *)((const char *)config +
                                                s->offset);
}

void submit_config_init(submit_config_t *config, apr_pool_t *pool)
{
    memset(config, 0, sizeof(*config));
    config->aliases = apr_array_make(pool, 2, sizeof(submit_alias_t));
    config->targets = apr_array_make(pool, 2, sizeof(log_target_t));
    config->triggers = apr_array_make(pool, 2, sizeof(trigger_t));
}

static void apply_authentication(submit_config_t *config,
                                 const command_t *command)
{
    const char *password = command_value(command, "PASSWORD");
    int sealed = command_value(command, "8") != NULL;

    config->method = command_value(command, "METHOD");
    config->username = command_value(command, "USERNAME");
    config->sealed = sealed ? password : NULL;
    config->password = sealed ? NULL : password;
    config->password_file = command_value(command, "FILE");
    config->password_command = command_value(command, "COMMAND");
}

static void apply_alias(submit_config_t *config, const command_t *command,
                        apr_pool_t *pool)
{
    submit_alias_t alias = {command_value(command, "NAME"),
                            command_value(command, "FROM")};
    apr_array_header_t *kept = apr_array_make(pool, 4, sizeof(alias));
    int i;

    for (i = 0; i < config->aliases->nelts; i++) {
        submit_alias_t old = APR_ARRAY_IDX(config->aliases, i, submit_alias_t);

        if (strcmp(old.name, alias.name) != 0) {
            APR_ARRAY_PUSH(kept, submit_alias_t) = old;
        }
    }
    if (!command->no) {
        APR_ARRAY_PUSH(kept, submit_alias_t) = alias;
    }
    config->aliases = kept;
}

static const setting_t *setting_of(command_id_t id)
{
    size_t i;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (settings[i].id == id) {
            return &settings[i];
        }
    }
    return NULL;
}

apr_status_t submit_config_apply(submit_config_t *config,
                                 const command_t *command, const char **why,
                                 apr_pool_t *pool)
{
    const setting_t *s = setting_of(command->id);

    if (log_config_is(command->id)) {
        return log_config_apply(config->targets, command, why, pool);
    }
    if (trigger_is(command->id)) {
        return trigger_apply(config->triggers, command, why, pool);
    }
    if (!s) {
        *why = "% Error: this is no setting";
        return APR_EINVAL;
    }
    if (s->id == COMMAND_AUTHENTICATION) {
        apply_authentication(config, command);
    }
    else if (s->id == COMMAND_ALIAS) {
        apply_alias(config, command, pool);
    }
    else if (command->no) {
        *field_of(config, s) = NULL;
    }
    else {
        *field_of(config, s) = s->value ? command_value(command, s->value) : "";
    }
    return APR_SUCCESS;
}

const char *submit_config_refuses(const submit_config_t *config,
                                  const command_t *command)
{
    const char *server = command_value(command, "SERVER");

    if (command->id == COMMAND_SERVER && config->method &&
        !(server && config->server && strcmp(server, config->server) == 0)) {
        return "% Error: authentication configuration still exists";
    }
    return NULL;
}

apr_status_t submit_config_line(command_t *command, const char *line,
                                apr_size_t len, const char **block,
                                const char **why, apr_pool_t *pool)
{
    int inside = len > 0 && (*line == ' ' || *line == '\t');
    apr_status_t rv;

    if (inside && *block) {
        line = apr_pstrcat(pool, *block, apr_pstrmemdup(pool, line, len), NULL);
        len = strlen(line);
    }
    rv = command_parse_line(command, line, len, why, pool);
    if (!inside) {
        *block =
            rv == APR_SUCCESS && command->id == COMMAND_TRIGGER && !command->no
                ? apr_pstrcat(pool, "trigger ",
                              command_value(command, "TRIGGER"), NULL)
                : NULL;
    }
    return rv;
}

/* One line of the file. */
static apr_status_t take_line(submit_config_t *config, const char *line,
                              apr_size_t len, const char **block,
                              const char **why, apr_pool_t *pool)
{
    command_t command;
    apr_status_t rv = submit_config_line(&command, line, len, block, why, pool);

    if (rv != APR_SUCCESS || command.id == COMMAND_NONE) {
        return rv;
    }
    if (!(command.where & COMMAND_IN_FILE)) {
        *why = "% Invalid input: not a setting";
        return APR_EINVAL;
    }
    return submit_config_apply(config, &command, why, pool);
}

apr_status_t submit_config_parse(submit_config_t *config, const char *text,
                                 apr_size_t len, const char **why,
                                 apr_pool_t *pool)
{
    const char *end = text + len, *block = NULL, *reason;
    int number;

    for (number = 1; text < end; number++) {
        const char *stop = memchr(text, '\n', (apr_size_t)(end - text));
        apr_size_t n = (apr_size_t)((stop ? stop : end) - text);
        apr_status_t rv = take_line(config, text, n, &block, &reason, pool);

        if (rv != APR_SUCCESS) {
            *why = apr_psprintf(pool, "%s (line %d)", reason, number);
            return rv;
        }
        text = stop ? stop + 1 : end;
    }
    return APR_SUCCESS;
}

static const char *print_authentication(const submit_config_t *config,
                                        apr_pool_t *pool)
{
    static const char start[] = "mail smtpserver authentication ";
    const char *words, *value;

    if (!config->method) {
        return NULL;
    }
    words = config->sealed          ? "password 8"
            : config->password      ? "password"
            : config->password_file ? "password-file"
                                    : "password-command";
    value = config->sealed          ? config->sealed
            : config->password      ? config->password
            : config->password_file ? config->password_file
                                    : config->password_command;
    return apr_pstrcat(pool, start, config->method, " username ",
                       command_quote(config->username, pool), " ", words, " ",
                       config->sealed ? value : command_quote(value, pool),
                       "\n", NULL);
}

static const char *print_aliases(const submit_config_t *config,
                                 apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < config->aliases->nelts; i++) {
        submit_alias_t alias =
            APR_ARRAY_IDX(config->aliases, i, submit_alias_t);

        text = apr_pstrcat(pool, text, "mail alias ",
                           command_quote(alias.name, pool), " ", alias.address,
                           "\n", NULL);
    }
    return *text ? text : NULL;
}

static const char *print_value(const setting_t *s, const char *text,
                               apr_pool_t *pool)
{
    if (!s->value) {
        return "";
    }
    /* A word of a choice is a keyword and must stay one. */
    if (strcmp(s->value, "MODE") == 0 || strcmp(s->value, "POLICY") == 0) {
        return text;
    }
    return strcmp(s->value, "SERVER") == 0 ? command_quote_keyword(text, pool)
                                           : command_quote(text, pool);
}

/* The line of one setting with its line end, or NULL when it is not set. */
static const char *print_setting(const submit_config_t *config,
                                 const setting_t *s, apr_pool_t *pool)
{
    const char *text;

    if (s->id == COMMAND_AUTHENTICATION) {
        return print_authentication(config, pool);
    }
    if (s->id == COMMAND_ALIAS) {
        return print_aliases(config, pool);
    }
    if (s->id == COMMAND_LOG_EMAIL) {
        return log_config_print(config->targets, NULL, pool);
    }
    if (s->id == COMMAND_TRIGGER) {
        return trigger_print(config->triggers, 0, pool);
    }
    text = text_of(config, s);
    if (!text) {
        return NULL;
    }
    return apr_pstrcat(pool, s->words, s->value ? " " : "",
                       print_value(s, text, pool), "\n", NULL);
}

const char *submit_config_print(const submit_config_t *config, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, 16, sizeof(char *));
    size_t i;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const char *line = print_setting(config, &settings[i], pool);

        if (line) {
            APR_ARRAY_PUSH(lines, const char *) = line;
        }
    }
    return apr_array_pstrcat(pool, lines, 0);
}

const char *submit_config_setting(const submit_config_t *config,
                                  command_id_t id, apr_pool_t *pool)
{
    const setting_t *s = setting_of(id);

    return s ? print_setting(config, s, pool) : NULL;
}

int submit_config_port(const submit_config_t *config)
{
    if (config->port) {
        return (int)strtol(config->port, NULL, 10);
    }
    if (!config->tls) {
        return 25;
    }
    return strcmp(config->tls, "smtps") == 0 ? 465 : 587;
}

int submit_config_seconds(const char *text, int otherwise)
{
    return text ? (int)strtol(text, NULL, 10) : otherwise;
}

const char *submit_config_spool(const submit_config_t *config)
{
    return config->spool ? config->spool : SUBMIT_SPOOL_PATH;
}

const char *submit_config_hostname(const submit_config_t *config,
                                   apr_pool_t *pool)
{
    char name[256];

    if (config->hostname) {
        return config->hostname;
    }
    if (gethostname(name, sizeof(name)) != 0) {
        return "localhost";
    }
    name[sizeof(name) - 1] = '\0';
    return name[0] ? apr_pstrdup(pool, name) : "localhost";
}

const char *submit_config_alias(const submit_config_t *config, const char *name)
{
    int i;

    for (i = 0; i < config->aliases->nelts; i++) {
        submit_alias_t alias =
            APR_ARRAY_IDX(config->aliases, i, submit_alias_t);

        if (strcmp(alias.name, name) == 0) {
            return alias.address;
        }
    }
    return NULL;
}
