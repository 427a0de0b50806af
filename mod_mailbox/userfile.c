/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "userfile.h"

#include "guid.h"
#include "password.h"

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

struct userfile_t {
    apr_pool_t *pool;
    apr_hash_t *by_user, *by_address, *by_legacy_dn; /* lower case -> record */
    const record_t *sample;
};

/* Where the parser stands. */
typedef struct parser_t {
    userfile_t *file;
    record_t *record; /* of this paragraph, or NULL between two */
    int line;         /* of what is being read */
    int first_line;   /* of this paragraph */
} parser_t;

/* Each key takes one checked value; NULL, or why it is refused. */
typedef const char *take_fn(parser_t *parser, const char *value);

static const char *lower(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *p;

    for (p = copy; *p; p++) {
        *p = (char)apr_tolower(*p);
    }
    return copy;
}

/* 1 when `key` was new in `table`. */
static int put_once(apr_hash_t *table, const char *key, const record_t *record,
                    apr_pool_t *pool)
{
    key = lower(key, pool);
    if (apr_hash_get(table, key, APR_HASH_KEY_STRING)) {
        return 0;
    }
    apr_hash_set(table, key, APR_HASH_KEY_STRING, record);
    return 1;
}

static const char *take_password(parser_t *parser, const char *value)
{
    if (parser->record->password) {
        return "password is given twice";
    }
    parser->record->password = value;
    return password_bad_hash(value);
}

static const char *add_address(parser_t *parser, const char *value, int primary)
{
    const char *why = NULL;

    record_add_address(parser->record, value, strlen(value), primary, &why,
                       parser->file->pool);
    return why;
}

static const char *take_mail(parser_t *parser, const char *value)
{
    if (parser->record->mail) {
        return "mail is given twice; further addresses are written as alias";
    }
    return add_address(parser, value, 1);
}

static const char *take_alias(parser_t *parser, const char *value)
{
    return add_address(parser, value, 0);
}

static const char *take_name(parser_t *parser, const char *value)
{
    parser->record->display_name = value;
    return NULL;
}

static const char *take_legacy_dn(parser_t *parser, const char *value)
{
    parser->record->legacy_dn = value;
    return value[0] == '/' ? NULL : "legacydn does not start with /";
}

static const char *take_guid(parser_t *parser, const char *value)
{
    parser->record->guid =
        guid_from_text(value, strlen(value), parser->file->pool);
    return parser->record->guid ? NULL : "guid is not of the form 8-4-4-4-12";
}

static const char *take_host(parser_t *parser, const char *value)
{
    parser->record->host = value;
    return record_is_host(value) ? NULL : "host is no host name";
}

static const char *take_user(parser_t *parser, const char *value)
{
    if (strpbrk(value, "\\/@")) {
        return "user is an account name, without domain";
    }
    parser->record->user = value;
    return NULL;
}

static const struct {
    const char *key;
    take_fn *take;
} keys[] = {
    {"user", take_user}, {"password", take_password},
    {"mail", take_mail}, {"alias", take_alias},
    {"name", take_name}, {"legacydn", take_legacy_dn},
    {"guid", take_guid}, {"host", take_host},
};

/* Enters a finished record into the tables. */
static const char *enter(userfile_t *file, record_t *record)
{
    int i;

    if (!record->mail && record->addresses->nelts) {
        return "mailbox has an alias but no mail";
    }
    record_finish(record, file->pool);
    if (!put_once(file->by_user, record->user, record, file->pool)) {
        return "user stands in the file already";
    }
    for (i = 0; i < record->addresses->nelts; i++) {
        if (!put_once(file->by_address,
                      APR_ARRAY_IDX(record->addresses, i, const char *), record,
                      file->pool)) {
            return "mailbox has an address that another one has";
        }
    }
    if (record->legacy_dn &&
        !put_once(file->by_legacy_dn, record->legacy_dn, record, file->pool)) {
        return "mailbox has a legacydn that another one has";
    }
    if (!file->sample && record->password) {
        file->sample = record;
    }
    return NULL;
}

/* What is wrong with a paragraph as a whole is told of its first line. */
static const char *close_paragraph(parser_t *parser)
{
    const char *why =
        parser->record ? enter(parser->file, parser->record) : NULL;

    if (why) {
        parser->line = parser->first_line;
    }
    parser->record = NULL;
    return why;
}

static const char *take_line(parser_t *parser, const char *key,
                             apr_size_t key_len, const char *value)
{
    apr_size_t i;

    if (!value) {
        return "value is empty, too long, not UTF-8 or holds a control "
               "character";
    }
    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i].key) == key_len &&
            memcmp(keys[i].key, key, key_len) == 0) {
            break;
        }
    }
    if (i == sizeof(keys) / sizeof(keys[0])) {
        return "key is none of user, password, mail, alias, name, legacydn, "
               "guid, host";
    }
    if (!parser->record) {
        if (keys[i].take != take_user) {
            return "paragraph does not start with user:";
        }
        parser->record = record_create(parser->file->pool);
        parser->first_line = parser->line;
    }
    else if (keys[i].take == take_user) {
        return "user stands within a paragraph; a blank line is missing";
    }
    return keys[i].take(parser, value);
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *parse_line(parser_t *parser, const char *text,
                              apr_size_t len)
{
    const char *colon, *value, *end = text + len;

    while (end > text && is_blank(end[-1])) {
        end--;
    }
    if (end == text) {
        return close_paragraph(parser);
    }
    if (*text == '#') {
        return NULL;
    }
    colon = memchr(text, ':', (apr_size_t)(end - text));
    if (!colon) {
        return "line has no colon";
    }
    for (value = colon + 1; value < end && is_blank(*value);) {
        value++;
    }
    return take_line(
        parser, text, (apr_size_t)(colon - text),
        record_text(value, (apr_size_t)(end - value), parser->file->pool));
}

apr_status_t userfile_parse(userfile_t **file, const char *text, apr_size_t len,
                            int *line, const char **why, apr_pool_t *pool)
{
    parser_t parser = {0};
    const char *end = text + len, *reason = NULL;

    parser.file = *file = apr_pcalloc(pool, sizeof(**file));
    parser.file->pool = pool;
    parser.file->by_user = apr_hash_make(pool);
    parser.file->by_address = apr_hash_make(pool);
    parser.file->by_legacy_dn = apr_hash_make(pool);
    while (text < end && !reason) {
        const char *stop = memchr(text, '\n', (apr_size_t)(end - text));

        stop = stop ? stop : end;
        parser.line++;
        reason = parse_line(&parser, text, (apr_size_t)(stop - text));
        text = stop + 1;
    }
    if (!reason) {
        reason = close_paragraph(&parser);
    }
    *line = parser.line;
    *why = reason;
    return reason ? APR_EINVAL : APR_SUCCESS;
}

unsigned int userfile_count(const userfile_t *file)
{
    return apr_hash_count(file->by_user);
}

/* A lower-case look-up without a pool: what is longer than any key is not
 * there. */
static const record_t *find(apr_hash_t *table, const char *name)
{
    char key[RECORD_TEXT_MAX + 1];
    apr_size_t i, len = strlen(name);

    if (len > RECORD_TEXT_MAX) {
        return NULL;
    }
    for (i = 0; i < len; i++) {
        key[i] = (char)apr_tolower(name[i]);
    }
    return apr_hash_get(table, key, (apr_ssize_t)len);
}

const record_t *userfile_by_user(const userfile_t *file, const char *user)
{
    return find(file->by_user, user);
}

const record_t *userfile_by_address(const userfile_t *file, const char *address)
{
    return find(file->by_address, address);
}

const record_t *userfile_by_legacy_dn(const userfile_t *file, const char *dn)
{
    return find(file->by_legacy_dn, dn);
}

const record_t *userfile_sample(const userfile_t *file)
{
    return file->sample;
}
