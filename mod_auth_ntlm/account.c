/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "account.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "lib/utf8.h"

/* What sAMAccountName may not hold ([MS-SAMR] section 3.1.1.6), without the
 * @, which is looked at by itself. */
#define FORBIDDEN "\"/\\[]:;|=,+*?<>"

static apr_status_t refuse(const char **why, const char *reason)
{
    *why = reason;
    return APR_EACCES;
}

int account_is_of_domain(const account_domain_t *domain, const char *name)
{
    int i;

    if (apr_cstr_casecmp(name, domain->name) == 0) {
        return 1;
    }
    for (i = 0; i < domain->aliases->nelts; i++) {
        if (apr_cstr_casecmp(
                name, APR_ARRAY_IDX(domain->aliases, i, const char *)) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Directories compare names without leading, trailing and doubled blanks; of
 * all those spellings only the one without them passes. */
static int has_odd_blanks(const char *name)
{
    apr_size_t len = strlen(name);

    return name[0] == ' ' || (len && name[len - 1] == ' ') ||
           strstr(name, "  ") != NULL;
}

/* The small form of character `c` below U+0800; other ones have no capital
 * letters that a login name would use.  Two small letters that share a capital
 * become one, as directories compare by the capital. */
static unsigned lower(unsigned c)
{
    /* clang-format off */
    static const struct { unsigned short first, last, step; int distance; }
    blocks[] = {
        {'A',    'Z',    1, 32},
        {0x00b5, 0x00b5, 1, 0x03bc - 0x00b5},            /* micro sign */
        {0x00c0, 0x00d6, 1, 32}, {0x00d8, 0x00de, 1, 32}, /* Latin-1 */
        {0x0100, 0x012f, 2, 1},  {0x0132, 0x0137, 2, 1},  /* Latin Extended-A */
        {0x0139, 0x0148, 2, 1},  {0x014a, 0x0177, 2, 1},
        {0x0179, 0x017e, 2, 1},
        {0x0131, 0x0131, 1, 'i' - 0x0131},               /* dotless i */
        {0x0178, 0x0178, 1, 0x00ff - 0x0178},
        {0x017f, 0x017f, 1, 's' - 0x017f},               /* long s */
        {0x0386, 0x0386, 1, 38}, {0x0388, 0x038a, 1, 37}, /* Greek */
        {0x038c, 0x038c, 1, 64}, {0x038e, 0x038f, 1, 63},
        {0x0391, 0x03a1, 1, 32}, {0x03a3, 0x03ab, 1, 32},
        {0x03c2, 0x03c2, 1, 1},                          /* final sigma */
        {0x0400, 0x040f, 1, 80}, {0x0410, 0x042f, 1, 32}, /* Cyrillic */
    };
    /* clang-format on */
    apr_size_t i;

    for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (c >= blocks[i].first && c <= blocks[i].last &&
            (c - blocks[i].first) % blocks[i].step == 0) {
            return (unsigned)((int)c + blocks[i].distance);
        }
    }
    return c;
}

/* `name` in lower case: a copy in `pool`, never longer than `name`. */
static const char *lower_case(const char *name, apr_pool_t *pool)
{
    char *copy = apr_palloc(pool, strlen(name) + 1);
    char *out = copy;
    apr_size_t left = strlen(name);
    apr_size_t len;

    for (; left; name += len, left -= len) {
        len = utf8_char_length(name, left);
        if (len > 2) {
            memcpy(out, name, len);
            out += len;
            continue;
        }
        unsigned c = (unsigned char)name[0];

        if (len == 2) {
            c = (c & 0x1fu) << 6 | ((unsigned char)name[1] & 0x3fu);
        }
        else {
            len = 1;
        }
        c = lower(c);
        if (c >= 0x80) {
            *out++ = (char)(0xc0 | c >> 6);
            c = 0x80 | (c & 0x3f);
        }
        *out++ = (char)c;
    }
    *out = '\0';
    return copy;
}

/* alice@example.test, with a domain part of ours. */
static apr_status_t principal_name(const char **account, const char *user,
                                   const account_domain_t *domain,
                                   const char **why, apr_pool_t *pool)
{
    const char *at = strchr(user, '@');

    if (at == user || strchr(at + 1, '@')) {
        return refuse(why, "user name is malformed");
    }
    if (!account_is_of_domain(domain, at + 1)) {
        return refuse(why, "domain is not ours");
    }
    *account = lower_case(user, pool);
    return APR_SUCCESS;
}

apr_status_t account_name(const char **account,
                          const ntlmssp_authenticate_t *message,
                          const account_domain_t *domain, const char **why,
                          apr_pool_t *pool)
{
    const char *user = message->user;

    if (!*user || message->nt_response_len == 0 ||
        (message->flags & NTLMSSP_NEGOTIATE_ANONYMOUS)) {
        return refuse(why, "anonymous");
    }
    if (strlen(user) > ACCOUNT_MAX || strpbrk(user, FORBIDDEN) ||
        has_odd_blanks(user)) {
        return refuse(why, "user name is malformed");
    }
    if (*message->domain && !account_is_of_domain(domain, message->domain)) {
        return refuse(why, "domain is not ours");
    }
    if (strchr(user, '@')) {
        if (*message->domain) {
            return refuse(why, "domain is given twice");
        }
        return principal_name(account, user, domain, why, pool);
    }
    *account =
        apr_pstrcat(pool, domain->name, "\\", lower_case(user, pool), NULL);
    return APR_SUCCESS;
}
