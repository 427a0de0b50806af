/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ocs.h"
#include "command.h"
#include "lib/mailaddr.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

/* The keys we know; NULL until the file names them. */
typedef struct ocs_t {
    const char *email_to, *smtp_server, *from_address, *error_email_from;
    const char *debug;
} ocs_t;

static char *trimmed(char *text)
{
    char *end;

    text += strspn(text, " \t\r");
    end = text + strlen(text);
    while (end > text && strchr(" \t\r", end[-1])) {
        *--end = '\0';
    }
    return text;
}

static void take(ocs_t *ocs, const char *key, const char *value)
{
    const struct {
        const char *key;
        const char **value;
    } known[] = {
        {"email_to", &ocs->email_to},
        {"smtp_server", &ocs->smtp_server},
        {"from_address", &ocs->from_address},
        {"error_email_from", &ocs->error_email_from},
        {"debug", &ocs->debug},
    };
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].key, key) == 0 && *value) {
            *known[i].value = value;
        }
    }
}

/* "key = value" and "key: value" of [DEFAULT]; # and ; begin comments. */
static void read_ini(ocs_t *ocs, char *text)
{
    int ours = 0;
    char *line, *state;

    for (line = apr_strtok(text, "\n", &state); line;
         line = apr_strtok(NULL, "\n", &state)) {
        char *equals;

        line = trimmed(line);
        if (*line == '[') {
            ours = strncmp(line, "[DEFAULT]", 9) == 0;
            continue;
        }
        equals = line + strcspn(line, "=:");
        if (!ours || *line == '#' || *line == ';' || !*equals) {
            continue;
        }
        *equals = '\0';
        take(ocs, trimmed(line), trimmed(equals + 1));
    }
}

/* The address in "Name <address>", or the text itself. */
static const char *bare(const char *text, apr_pool_t *pool)
{
    const char *open = strrchr(text, '<'), *close;

    close = open ? strchr(open, '>') : NULL;
    return close
               ? apr_pstrmemdup(pool, open + 1, (apr_size_t)(close - open - 1))
               : text;
}

static apr_status_t check(const char *key, const char **value, const char **why,
                          apr_pool_t *pool)
{
    mailaddr_t addr;
    const char *reason, *text = bare(*value, pool);

    if (mailaddr_parse(&addr, text, strlen(text), &reason, pool) !=
        APR_SUCCESS) {
        *why =
            apr_psprintf(pool, "%% Error: %s: \"%s\": %s", key, *value, reason);
        return APR_EINVAL;
    }
    *value = addr.text;
    return APR_SUCCESS;
}

/* Pylons takes "host" and "host:port". */
static const char *server_lines(const char *server, apr_pool_t *pool)
{
    const char *colon = strchr(server, ':');

    if (!colon || strchr(colon + 1, ':')) {
        return apr_pstrcat(pool, "mail smtpserver ",
                           command_quote_keyword(server, pool), "\n", NULL);
    }
    return apr_pstrcat(
        pool, "mail smtpserver ",
        command_quote_keyword(
            apr_pstrmemdup(pool, server, (apr_size_t)(colon - server)), pool),
        "\nmail smtpserver port ", command_quote(colon + 1, pool), "\n", NULL);
}

static apr_status_t target_lines(const char **lines, const ocs_t *ocs,
                                 const char **why, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, ocs->email_to), *one, *state;

    for (one = apr_strtok(copy, ", \t", &state); one;
         one = apr_strtok(NULL, ", \t", &state)) {
        const char *address = one;

        if (check("email_to", &address, why, pool) != APR_SUCCESS) {
            return APR_EINVAL;
        }
        *lines = apr_pstrcat(pool, *lines, "log email ", address,
                             " level error\n", NULL);
    }
    return APR_SUCCESS;
}

apr_status_t ocs_import(const char **lines, const char *text, const char **why,
                        apr_pool_t *pool)
{
    ocs_t ocs = {0};
    const char *from;

    read_ini(&ocs, apr_pstrdup(pool, text));
    *lines =
        server_lines(ocs.smtp_server ? ocs.smtp_server : "localhost", pool);
    from = ocs.from_address ? ocs.from_address : ocs.error_email_from;
    if (from) {
        if (check("error_email_from", &from, why, pool) != APR_SUCCESS) {
            return APR_EINVAL;
        }
        *lines = apr_pstrcat(pool, *lines, "mail from ", from, "\n", NULL);
    }
    if (!ocs.email_to ||
        (ocs.debug && apr_cstr_casecmp(ocs.debug, "true") == 0)) {
        return APR_SUCCESS;
    }
    return target_lines(lines, &ocs, why, pool);
}
