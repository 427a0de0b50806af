/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/mailaddr.h"
#include "lib/utf8.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

static apr_status_t refuse(const char **why, const char *reason)
{
    *why = reason;
    return APR_EINVAL;
}

/* NULL, or why some byte may not stand in an address at all. */
static const char *bad_byte(const char *text, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c == 0x7f) {
            return "address holds a control character";
        }
        if (strchr(" <>(),;:\\\"[]", c)) {
            return "address holds a character that mail reserves";
        }
    }
    return NULL;
}

/* Dots separate non-empty parts: RFC 5321 Dot-string, and domain labels. */
static int dots_are_right(const char *text)
{
    return text[0] != '.' && text[0] != '\0' && !strstr(text, "..") &&
           text[strlen(text) - 1] != '.';
}

static const char *bad_domain(const char *domain)
{
    const char *p;

    if (!dots_are_right(domain)) {
        return "address has an empty domain label";
    }
    for (p = domain; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c < 0x80 && !apr_isalnum(c) && c != '-' && c != '.' && c != '_') {
            return "address has a domain that is no host name";
        }
    }
    return NULL;
}

static void trim(const char **text, apr_size_t *len)
{
    while (*len > 0 && apr_isspace(**text)) {
        ++*text;
        --*len;
    }
    while (*len > 0 && apr_isspace((*text)[*len - 1])) {
        --*len;
    }
}

static void lower_ascii(char *text)
{
    for (; *text; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text = (char)(*text - 'A' + 'a');
        }
    }
}

apr_status_t mailaddr_parse(mailaddr_t *addr, const char *text, apr_size_t len,
                            const char **why, apr_pool_t *pool)
{
    char *copy, *at;
    const char *reason;

    trim(&text, &len);
    if (len == 0) {
        return refuse(why, "address is empty");
    }
    if (len > MAILADDR_MAX) {
        return refuse(why, "address is longer than 254 bytes");
    }
    if (!utf8_is_valid(text, len)) {
        return refuse(why, "address is not UTF-8");
    }
    if ((reason = bad_byte(text, len)) != NULL) {
        return refuse(why, reason);
    }
    copy = apr_pstrmemdup(pool, text, len);
    at = strchr(copy, '@');
    if (!at || strchr(at + 1, '@')) {
        return refuse(why, "address has not exactly one @");
    }
    addr->local = apr_pstrmemdup(pool, copy, (apr_size_t)(at - copy));
    if (at - copy > MAILADDR_LOCAL_MAX || !dots_are_right(addr->local)) {
        return refuse(why, "address has no valid part before the @");
    }
    lower_ascii(at + 1);
    if ((reason = bad_domain(at + 1)) != NULL) {
        return refuse(why, reason);
    }
    addr->domain = at + 1;
    addr->text = copy;
    return APR_SUCCESS;
}

int mailaddr_same(const char *a, const char *b)
{
    return apr_cstr_casecmp(a, b) == 0;
}
