/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The argument of FreeBusySource, and what may be sent to where it points. */

#include "source.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>

/* What stands in front of a URL, and what it means. */
static const struct {
    const char *prefix;
    source_kind_e kind;
} forms[] = {
    {"", SOURCE_HTTP},
    {"outbox:", SOURCE_OUTBOX},
    {"report:", SOURCE_REPORT},
};

static int is_url(const char *text)
{
    return strncmp(text, "https://", 8) == 0 ||
           strncmp(text, "http://", 7) == 0;
}

/* Bytes of "host:port" at `host`. */
static apr_size_t authority(const char *host)
{
    return strcspn(host, "/?#");
}

static const char *check_url(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    const char *mark = strstr(host, "%{");

    if (authority(host) == 0 || (mark && mark < host + authority(host))) {
        return "the host must be written out";
    }
    if (memchr(host, '@', authority(host))) {
        return "user and password belong into FreeBusySourceLogin";
    }
    return NULL;
}

/* The form of `text`, with *url behind its prefix; -1 for none. */
static int form_of(const char *text, const char **url)
{
    size_t i;

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        apr_size_t len = strlen(forms[i].prefix);

        if (strncmp(text, forms[i].prefix, len) == 0 && is_url(text + len)) {
            *url = text + len;
            return (int)i;
        }
    }
    return -1;
}

const char *source_parse(source_t *source, const char *text, apr_pool_t *pool)
{
    const char *why = placeholder_check(text), *url;
    int form;

    if (why) {
        return why;
    }
    if (strncmp(text, "file:/", 6) == 0) {
        source->kind = SOURCE_FILE;
        source->where = apr_pstrdup(pool, text + 5);
    }
    else {
        form = form_of(text, &url);
        if (form < 0) {
            return "it must start with file:/, https://, http://, "
                   "outbox:https:// or report:https://";
        }
        source->kind = forms[form].kind;
        source->where = apr_pstrdup(pool, url);
        why = check_url(url);
    }
    if (!why && !placeholder_is_in(source->where)) {
        why = "it must hold a placeholder such as %{user}";
    }
    return why;
}

/* Networks that do not leave the house: the first `bits` bits of an address. */
static const struct {
    int family, bits;
    unsigned char network[16];
} near[] = {
    {AF_INET, 8, {127}}, /* RFC 1122: this machine */
    {AF_INET, 8, {10}},  /* RFC 1918 */
    {AF_INET, 12, {172, 16}},
    {AF_INET, 16, {192, 168}},
    {AF_INET, 16, {169, 254}}, /* RFC 3927: this link */
    {AF_INET6, 7, {0xfc}},     /* RFC 4193 */
    {AF_INET6, 10, {0xfe, 0x80}},
    {AF_INET6, 128, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
};

static int is_in(const unsigned char *address, const unsigned char *network,
                 int bits)
{
    int whole = bits / 8, rest = bits % 8;

    return memcmp(address, network, (size_t)whole) == 0 &&
           (rest == 0 || (address[whole] ^ network[whole]) >> (8 - rest) == 0);
}

/* The host of the URL without port and brackets. */
static const char *host_of(const char *url, apr_pool_t *pool)
{
    const char *host = strstr(url, "://") + 3;

    return *host == '[' ? apr_pstrndup(pool, host + 1, strcspn(host + 1, "]"))
                        : apr_pstrndup(pool, host, strcspn(host, ":/?#"));
}

int source_is_private(const source_t *source, apr_pool_t *pool)
{
    unsigned char address[16];
    const char *host;
    int family;
    size_t i;

    if (source->kind == SOURCE_FILE) {
        return 1;
    }
    host = host_of(source->where, pool);
    if (strcmp(host, "localhost") == 0) {
        return 1;
    }
    family = strchr(host, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, host, address) != 1) {
        return 0;
    }
    for (i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
        if (near[i].family == family &&
            is_in(address, near[i].network, near[i].bits)) {
            return 1;
        }
    }
    return 0;
}

/* What no wire carries in clear: TLS, or no wire. */
int source_is_secret(const source_t *source)
{
    static const char *const here[] = {"127.0.0.1", "localhost", "[::1]"};
    const char *host = strstr(source->where, "://");
    size_t i;

    if (!host || strncmp(source->where, "https://", 8) == 0) {
        return 1;
    }
    host += 3;
    for (i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
        apr_size_t len = strlen(here[i]);

        if (strncmp(host, here[i], len) == 0 && strchr(":/", host[len])) {
            return 1;
        }
    }
    return 0;
}
