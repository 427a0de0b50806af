/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "placeholder.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

#define VALUE_MAX 255

static const struct {
    const char *name;
    size_t at;
} names[] = {
    {"user", offsetof(placeholder_values_t, user)},
    {"mail", offsetof(placeholder_values_t, mail)},
    {"domain", offsetof(placeholder_values_t, domain)},
    {"guid", offsetof(placeholder_values_t, guid)},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* The row of the name at `text` ("user}..."), or -1. */
static int find(const char *text, apr_size_t *len)
{
    unsigned i;

    for (i = 0; i < NAMES; i++) {
        *len = strlen(names[i].name);
        if (strncmp(text, names[i].name, *len) == 0 && text[*len] == '}') {
            return (int)i;
        }
    }
    return -1;
}

const char *placeholder_check(const char *text)
{
    apr_size_t len;

    for (text = strstr(text, "%{"); text; text = strstr(text + 2, "%{")) {
        if (find(text + 2, &len) < 0) {
            return "only %{user}, %{mail}, %{domain} and %{guid} are known";
        }
    }
    return NULL;
}

int placeholder_is_in(const char *text)
{
    return strstr(text, "%{") != NULL;
}

static int is_sound(const char *value, placeholder_kind_e kind)
{
    const char *p;

    if (!value || !*value || strlen(value) > VALUE_MAX) {
        return 0;
    }
    for (p = value; *p; p++) {
        if (apr_iscntrl(*p) || (kind == PLACEHOLDER_PATH && *p == '/')) {
            return 0;
        }
    }
    if (kind == PLACEHOLDER_PATH) {
        return *value != '.';
    }
    return kind != PLACEHOLDER_URL || value[strspn(value, ".")] != '\0';
}

/* RFC 3986 section 2.1: everything but the unreserved characters. */
static const char *url_encode(const char *value, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(pool, 3 * strlen(value) + 1), *to = encoded;

    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;

        if (apr_isalnum(c) || strchr("-._~", c)) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = hex[c >> 4];
        *to++ = hex[c & 15];
    }
    *to = '\0';
    return encoded;
}

apr_status_t placeholder_expand(const char **out, const char *text,
                                const placeholder_values_t *values,
                                placeholder_kind_e kind, const char **why,
                                apr_pool_t *pool)
{
    const char *next, *value, *result = "";
    apr_size_t len;
    int i;

    for (; (next = strstr(text, "%{")) != NULL; text = next + len + 3) {
        i = find(next + 2, &len);
        value =
            i < 0 ? NULL
                  : *(const char *const *)((const char *)values + names[i].at);
        if (!is_sound(value, kind)) {
            *why = "a value of the mailbox cannot stand in the name";
            return APR_EINVAL;
        }
        result = apr_pstrcat(
            pool, result, apr_pstrmemdup(pool, text, (apr_size_t)(next - text)),
            kind == PLACEHOLDER_URL ? url_encode(value, pool) : value, NULL);
    }
    *out = apr_pstrcat(pool, result, text, NULL);
    *why = NULL;
    return APR_SUCCESS;
}
