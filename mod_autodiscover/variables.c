/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "variables.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    apr_size_t member;
} variables[] = {
    {"mail", offsetof(discover_mailbox_t, mail)},
    {"local", offsetof(discover_mailbox_t, local)},
    {"user", offsetof(discover_mailbox_t, user)},
    {"domain", offsetof(discover_mailbox_t, domain)},
    {"guid", offsetof(discover_mailbox_t, guid)},
    {"host", offsetof(discover_mailbox_t, host)},
};

static const discover_mailbox_t sample = {
    .user = "user",
    .mail = "user@example.com",
    .local = "user",
    .domain = "example.com",
    .display_name = "User",
    .guid = "00000000-0000-0000-0000-000000000000",
    .host = "mail.example.com",
};

const discover_mailbox_t *discover_variables_sample(void)
{
    return &sample;
}

/* Where the value of a variable is, or NULL when there is no such variable. */
static const char *const *value_of(const char *name, apr_size_t len,
                                   const discover_mailbox_t *mailbox)
{
    apr_size_t i;

    for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (strlen(variables[i].name) == len &&
            memcmp(variables[i].name, name, len) == 0) {
            return (const char *const *)((const char *)mailbox +
                                         variables[i].member);
        }
    }
    return NULL;
}

/* Everything but RFC 3986's unreserved characters and @ as %XX. */
static const char *percent_encoded(const char *value, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = apr_palloc(pool, strlen(value) * 3 + 1), *to = out;

    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;

        if (c < 0x80 && (apr_isalnum(c) || strchr("-._~@", c))) {
            *to++ = (char)c;
        }
        else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    *to = '\0';
    return out;
}

/* `value` as it may stand in `place`, or NULL. */
static const char *fitted(const char *value, discover_place_e place,
                          apr_pool_t *pool)
{
    if (place == DISCOVER_PLACE_URL) {
        return percent_encoded(value, pool);
    }
    if (place == DISCOVER_PLACE_HOST &&
        strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "0123456789-.") != strlen(value)) {
        return NULL;
    }
    return value;
}

/* The value of the variable that starts at `open` and ends at `close`, as it
 * may stand in `place`. */
static const char *filled(const char *open, const char *close,
                          const discover_mailbox_t *mailbox,
                          discover_place_e place, const char **why,
                          apr_pool_t *pool)
{
    const char *const *at =
        value_of(open + 2, (apr_size_t)(close - open - 2), mailbox);
    const char *value = at && *at ? fitted(*at, place, pool) : NULL;

    if (!at) {
        *why = "unknown variable; there are %{mail}, %{local}, %{user}, "
               "%{domain}, %{guid} and %{host}";
    }
    else if (!*at) {
        *why = "the value of a variable is not known before login";
    }
    else if (!value) {
        *why = "the value of a variable cannot stand in a host name";
    }
    return value;
}

apr_status_t discover_variables_expand(const char **expanded, const char *text,
                                       const discover_mailbox_t *mailbox,
                                       discover_place_e place, const char **why,
                                       apr_pool_t *pool)
{
    const char *open, *close, *value, *out = "";

    while ((open = strstr(text, "%{")) != NULL) {
        close = strchr(open, '}');
        if (!close) {
            *why = "a variable lacks its closing brace";
            return APR_EINVAL;
        }
        value = filled(open, close, mailbox, place, why, pool);
        if (!value) {
            return APR_EINVAL;
        }
        out = apr_pstrcat(pool, out,
                          apr_pstrmemdup(pool, text, (apr_size_t)(open - text)),
                          value, NULL);
        text = close + 1;
    }
    *expanded = *out ? apr_pstrcat(pool, out, text, NULL) : text;
    return APR_SUCCESS;
}
