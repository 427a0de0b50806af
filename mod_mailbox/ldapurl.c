/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ldapurl.h"

#include <apr_cstr.h>
#include <apr_escape.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define LDAP_DEFAULT_PORT 389
#define LDAPS_DEFAULT_PORT 636

/* The parts after the hosts, separated by question marks (RFC 4516). */
enum { BASE, ATTRIBUTES, SCOPE, FILTER, EXTENSIONS, PARTS };

/* NULL, or why `host` is none. */
static const char *bad_host(const char *host)
{
    static const char reason[] =
        "has a host that is none; write ldaps://dc1.example.com/base";
    const char *p = host;

    if (*p == '[') {
        p = strchr(p, ']');
        return p && p[1] == '\0' &&
                       strspn(host + 1, "0123456789abcdefABCDEF:.") ==
                           (apr_size_t)(p - host - 1)
                   ? NULL
                   : reason;
    }
    for (; *p; p++) {
        if (!apr_isalnum(*p) && !strchr("-._", *p)) {
            return reason;
        }
    }
    return p == host || *host == '-' || *host == '.' ? reason : NULL;
}

static const char *parse_port(int *port, const char *digits)
{
    apr_int64_t value;
    char *end;

    value = apr_strtoi64(digits, &end, 10);
    if (!apr_isdigit(*digits) || *end || value < 1 || value > 65535) {
        return "has a port that is no number from 1 to 65535";
    }
    *port = (int)value;
    return NULL;
}

/* One host[:port] at `text`, which is cut apart; appended to url->hosts. */
static const char *add_host(ldapurl_t *url, char *text, apr_pool_t *pool)
{
    char *after = strrchr(text, ']');
    char *colon = strchr(after ? after : text, ':');
    int port = url->ldaps ? LDAPS_DEFAULT_PORT : LDAP_DEFAULT_PORT;
    const char *why;

    if (colon) {
        *colon = '\0';
        if ((why = parse_port(&port, colon + 1)) != NULL) {
            return why;
        }
    }
    if ((why = bad_host(text)) != NULL) {
        return why;
    }
    if (!url->hosts) {
        url->port = port;
    }
    url->hosts = apr_psprintf(pool, "%s%s%s:%d", url->hosts ? url->hosts : "",
                              url->hosts ? " " : "", text, port);
    return NULL;
}

static const char *parse_hosts(ldapurl_t *url, char *text, apr_pool_t *pool)
{
    char *state, *host;
    const char *why;

    for (host = apr_strtok(text, " ", &state); host;
         host = apr_strtok(NULL, " ", &state)) {
        if ((why = add_host(url, host, pool)) != NULL) {
            return why;
        }
    }
    return url->hosts ? NULL : "names no host";
}

static const char *parse_scope(ldapurl_t *url, const char *scope)
{
    url->scope = LDAPURL_SUB;
    if (!*scope || apr_cstr_casecmp(scope, "sub") == 0) {
        return NULL;
    }
    url->scope = LDAPURL_ONE;
    if (apr_cstr_casecmp(scope, "one") == 0) {
        return NULL;
    }
    return "has a scope other than sub and one";
}

/* NULL when the parentheses of `filter` match and it is one filter. */
static const char *bad_filter(const char *filter)
{
    static const char reason[] =
        "has a filter whose parentheses do not match; write (attribute=value)";
    const char *p;
    int depth = 0;

    for (p = filter; *p; p++) {
        depth += (*p == '(') - (*p == ')');
        if (depth < 1 && p[1]) {
            return reason;
        }
    }
    return depth == 0 && strchr(filter, '=') ? NULL : reason;
}

static const char *parse_filter(ldapurl_t *url, const char *filter,
                                apr_pool_t *pool)
{
    url->filter = "";
    if (!*filter) {
        return NULL;
    }
    url->filter =
        *filter == '(' ? filter : apr_pstrcat(pool, "(", filter, ")", NULL);
    return bad_filter(url->filter);
}

/* Cuts `text` at its question marks and decodes each part. */
static const char *split_parts(const char *parts[PARTS], char *text,
                               apr_pool_t *pool)
{
    int i;

    for (i = 0; i < PARTS; i++) {
        char *mark = text ? strchr(text, '?') : NULL;

        if (mark) {
            *mark = '\0';
        }
        parts[i] = text ? apr_punescape_url(pool, text, NULL, NULL, 0) : "";
        if (!parts[i]) {
            return "has a % that is not followed by two hexadecimal digits";
        }
        text = mark ? mark + 1 : NULL;
    }
    return text ? "has more parts than base?attributes?scope?filter" : NULL;
}

static const char *parse(ldapurl_t *url, char *text, apr_pool_t *pool)
{
    const char *parts[PARTS], *why;
    char *hosts = strstr(text, "://"), *rest;

    if (!hosts) {
        return "is no URL; write ldaps://dc1.example.com/DC=example,DC=com";
    }
    *hosts = '\0';
    hosts += 3;
    url->ldaps = apr_cstr_casecmp(text, "ldaps") == 0;
    if (!url->ldaps && apr_cstr_casecmp(text, "ldap") != 0) {
        return "must start with ldaps:// or ldap://";
    }
    if ((rest = strchr(hosts, '/')) != NULL) {
        *rest++ = '\0';
    }
    if ((why = parse_hosts(url, hosts, pool)) != NULL ||
        (why = split_parts(parts, rest, pool)) != NULL) {
        return why;
    }
    if (!*parts[BASE]) {
        return "names no base; write ldaps://dc1.example.com/DC=example,DC=com";
    }
    if (*parts[ATTRIBUTES]) {
        return "names attributes; leave that part empty and use "
               "MailboxLDAPAttribute";
    }
    if (*parts[EXTENSIONS]) {
        return "has extensions, of which none is known";
    }
    url->base = parts[BASE];
    if ((why = parse_scope(url, parts[SCOPE])) != NULL) {
        return why;
    }
    return parse_filter(url, parts[FILTER], pool);
}

apr_status_t ldapurl_parse(ldapurl_t *url, const char *text, const char **why,
                           apr_pool_t *pool)
{
    memset(url, 0, sizeof(*url));
    *why = parse(url, apr_pstrdup(pool, text), pool);
    return *why ? APR_EINVAL : APR_SUCCESS;
}
