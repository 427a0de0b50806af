/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What the sources say, shown: the handler mailbox-lookup for administrators,
 * and the variables of MailboxEnv. */

#include "mod_mailbox_private.h"

#include "glue/mod_glue.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <string.h>

/* The query's parameters. */
static const struct {
    const char *name;
    mailbox_key_e key;
} parameters[] = {
    {"login=", MAILBOX_BY_LOGIN},
    {"address=", MAILBOX_BY_ADDRESS},
    {"legacydn=", MAILBOX_BY_LEGACY_DN},
};

/* The decoded value of the one parameter, or NULL. */
static const char *parse_query(const char *query, mailbox_key_e *key,
                               apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; query && i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        apr_size_t len = strlen(parameters[i].name);

        if (strncmp(query, parameters[i].name, len) == 0) {
            *key = parameters[i].key;
            return apr_punescape_url(pool, query + len, NULL, NULL, 0);
        }
    }
    return NULL;
}

static const char *line(const char *text, const char *name, const char *value,
                        apr_pool_t *pool)
{
    return value ? apr_pstrcat(pool, text, name, ": ", value, "\n", NULL)
                 : text;
}

static const char *print_record(const record_t *record, apr_pool_t *pool)
{
    const char *text = line("", "user", record->user, pool);
    int i;

    text = line(text, "mail", record->mail, pool);
    for (i = 0; i < record->addresses->nelts; i++) {
        const char *address = APR_ARRAY_IDX(record->addresses, i, const char *);

        if (!record->mail || strcmp(address, record->mail) != 0) {
            text = line(text, "alias", address, pool);
        }
    }
    text = line(text, "name", record->display_name, pool);
    text = line(text, "legacydn", record->legacy_dn, pool);
    text = line(text, "guid", record->guid, pool);
    text = line(text, "host", record->host, pool);
    text = line(text, "dn", record->dn, pool);
    return line(text, "source", record->dn ? "directory" : "file", pool);
}

/* The HTTP status and the text for what the sources said. */
static int answer(apr_status_t rv, const record_t *record, const char **text,
                  apr_pool_t *pool)
{
    switch (rv) {
    case APR_SUCCESS:
        *text = print_record(record, pool);
        return HTTP_OK;
    case APR_NOTFOUND:
        *text = "no such mailbox\n";
        return HTTP_NOT_FOUND;
    case APR_EMISMATCH:
        *text = "more than one entry matches\n";
        return HTTP_CONFLICT;
    case APR_ENOTIMPL:
        *text = "no source is configured here\n";
        return HTTP_NOT_IMPLEMENTED;
    default:
        *text = "a source is down\n";
        return HTTP_SERVICE_UNAVAILABLE;
    }
}

int mailbox_show(request_rec *r)
{
    const record_t *record = NULL;
    const char *value, *text = "";
    mailbox_key_e key;
    apr_status_t rv;

    if (!r->handler || strcmp(r->handler, "mailbox-lookup") != 0) {
        return DECLINED;
    }
    if (r->method_number != M_GET) {
        return glue_method_not_allowed(r, "GET, HEAD");
    }
    value = parse_query(r->args, &key, r->pool);
    if (!value) {
        return HTTP_BAD_REQUEST;
    }
    rv = mailbox_find_record(r, key, value, &record);
    r->status = answer(rv, record, &text, r->pool);
    return glue_send(r, "text/plain; charset=utf-8", text, strlen(text));
}

int mailbox_set_env(request_rec *r)
{
    const record_t *record;

    if (mailbox_conf(r)->env != 1 || !r->user ||
        mailbox_find_record(r, MAILBOX_BY_LOGIN, r->user, &record) !=
            APR_SUCCESS) {
        return DECLINED;
    }
    apr_table_setn(r->subprocess_env, "MAILBOX_USER", record->user);
    apr_table_setn(r->subprocess_env, "MAILBOX_GUID", record->guid);
    if (record->mail) {
        apr_table_setn(r->subprocess_env, "MAILBOX_MAIL", record->mail);
    }
    return DECLINED;
}
