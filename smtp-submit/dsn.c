/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "dsn.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

enum { ENVELOPE_ID_MAX = 100 };

int dsn_is_notify(const char *text)
{
    static const char *const wants[] = {"success", "failure", "delay"};
    size_t i, len;

    if (apr_cstr_casecmp(text, "never") == 0) {
        return 1;
    }
    for (;; text += len + 1) {
        len = strcspn(text, ",");
        for (i = 0; i < 3; i++) {
            if (len == strlen(wants[i]) &&
                apr_cstr_casecmpn(text, wants[i], len) == 0) {
                break;
            }
        }
        if (i == 3) {
            return 0;
        }
        if (!text[len]) {
            return 1;
        }
    }
}

const char *dsn_notify(const char *text, apr_pool_t *pool)
{
    char *copy, *s;

    if (!dsn_is_notify(text)) {
        return NULL;
    }
    copy = apr_pstrdup(pool, text);
    for (s = copy; *s; s++) {
        *s = apr_toupper(*s);
    }
    return copy;
}

const char *dsn_returns(const char *text)
{
    if (apr_cstr_casecmp(text, "full") == 0) {
        return "FULL";
    }
    return apr_cstr_casecmp(text, "hdrs") == 0 ||
                   apr_cstr_casecmp(text, "headers") == 0
               ? "HDRS"
               : NULL;
}

static int is_plain(char c)
{
    return c > 32 && c < 127 && c != '+' && c != '=';
}

const char *dsn_xtext(const char *text, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, 3 * strlen(text) + 1), *s = out;

    for (; *text; text++) {
        if (is_plain(*text)) {
            *s++ = *text;
        }
        else {
            s += apr_snprintf(s, 4, "+%02X", (unsigned char)*text);
        }
    }
    *s = '\0';
    return out;
}

static int is_upper_hex(char c)
{
    return apr_isdigit(c) || (c >= 'A' && c <= 'F');
}

static int is_xtext(const char *text)
{
    while (*text) {
        if (*text == '+' && is_upper_hex(text[1]) && is_upper_hex(text[2])) {
            text += 3;
        }
        else if (is_plain(*text)) {
            text++;
        }
        else {
            return 0;
        }
    }
    return 1;
}

const char *dsn_envelope_id(const char *text, apr_pool_t *pool)
{
    const char *id = is_xtext(text) ? text : dsn_xtext(text, pool);

    return *id && strlen(id) <= ENVELOPE_ID_MAX ? id : NULL;
}
