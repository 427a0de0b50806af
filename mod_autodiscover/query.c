/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "query.h"

#include <apr_lib.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (apr_isdigit(c)) {
        return c - '0';
    }
    return apr_isxdigit(c) ? (apr_tolower(c) - 'a') + 10 : -1;
}

/* `len` bytes with %XX decoded; NULL for a wrong or zero one. */
static const char *decoded(const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, len + 1), *to = out;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        int high, low;

        if (text[i] != '%') {
            *to++ = text[i];
            continue;
        }
        high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
        low = len - i > 2 ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0)) {
            return NULL;
        }
        *to++ = (char)(high << 4 | low);
        i += 2;
    }
    *to = '\0';
    return out;
}

const char *discover_query_parameter(const char *query, const char *name,
                                     apr_pool_t *pool)
{
    apr_size_t n = strlen(name);

    while (query && *query) {
        apr_size_t len = strcspn(query, "&");

        if (len > n && strncasecmp(query, name, n) == 0 && query[n] == '=') {
            return decoded(query + n + 1, len - n - 1, pool);
        }
        query += len + (query[len] == '&');
    }
    return NULL;
}
