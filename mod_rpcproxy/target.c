/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "target.h"

#include <apr_lib.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <string.h>

#define PORT_MAX 65535
#define PORT_DIGITS_MAX 6 /* [MS-RPCH] section 2.2.2 */

/* DNS and NetBIOS names, addresses, guid@domain: no blank, slash, percent or
 * anything that could mean more than a name. */
static int is_name(const char *text, apr_size_t len)
{
    apr_size_t i;

    if (len == 0 || len > TARGET_NAME_MAX) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x80 || (!apr_isalnum(c) && !strchr("-_.@:[]{}", c)) || !c) {
            return 0;
        }
    }
    return 1;
}

/* 1..65535 from all of `len` digits, or 0. */
static int read_port(const char *digits, apr_size_t len)
{
    int port = 0;
    apr_size_t i;

    if (len == 0 || len > PORT_DIGITS_MAX) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        if (!apr_isdigit(digits[i])) {
            return 0;
        }
        port = port * 10 + (digits[i] - '0');
    }
    return port <= PORT_MAX ? port : 0;
}

static char *lower_copy(apr_pool_t *pool, const char *text, apr_size_t len)
{
    char *copy = apr_pstrmemdup(pool, text, len), *p;

    for (p = copy; *p; p++) {
        *p = (char)apr_tolower(*p);
    }
    return copy;
}

apr_status_t target_parse(target_t *target, const char *query, const char **why,
                          apr_pool_t *pool)
{
    const char *colon = query ? strrchr(query, ':') : NULL;

    if (!colon) {
        *why = "no server:port in the query string";
        return APR_EINVAL;
    }
    target->port = read_port(colon + 1, strlen(colon + 1));
    if (!target->port) {
        *why = "port is not a number from 1 to 65535";
        return APR_EINVAL;
    }
    if (!is_name(query, (apr_size_t)(colon - query))) {
        *why = "server is not a name";
        return APR_EINVAL;
    }
    target->name = lower_copy(pool, query, (apr_size_t)(colon - query));
    target->text = apr_psprintf(pool, "%s:%d", target->name, target->port);
    return APR_SUCCESS;
}

static int parse_ports(target_rule_t *rule, const char *ports)
{
    const char *dash = strchr(ports, '-');

    if (strcmp(ports, "*") == 0) {
        rule->low = 1;
        rule->high = PORT_MAX;
        return 1;
    }
    if (!dash) {
        rule->low = rule->high = read_port(ports, strlen(ports));
        return rule->low != 0;
    }
    rule->low = read_port(ports, (apr_size_t)(dash - ports));
    rule->high = read_port(dash + 1, strlen(dash + 1));
    return rule->low && rule->high && rule->low <= rule->high;
}

static int parse_backend(target_rule_t *rule, const char *backend,
                         apr_pool_t *pool)
{
    char *host = NULL, *scope = NULL;
    apr_port_t port = 0;

    if (apr_parse_addr_port(&host, &scope, &port, backend, pool) || !host ||
        !*host || scope || !is_name(host, strlen(host)) || strchr(host, '@') ||
        (*backend != '[' && strchr(host, ':'))) {
        return 0;
    }
    rule->host = host;
    rule->port = port;
    return 1;
}

const char *target_rule_parse(target_rule_t *rule, const char *name,
                              const char *ports, const char *backend,
                              apr_pool_t *pool)
{
    const char *rest = *name == '*' ? name + 1 : name;

    if ((*rest || rest == name) && !is_name(rest, strlen(rest))) {
        return "the first word is the server name that clients ask for, such "
               "as mail.example.com, *.example.com, *@example.com or *";
    }
    if (!parse_ports(rule, ports)) {
        return "the second word is the port that clients ask for, such as "
               "6001, a range such as 6001-6004, or *";
    }
    if (!parse_backend(rule, backend, pool)) {
        return "the third word is the back end, such as 127.0.0.1:135, "
               "[::1]:135 or dc1.example.com";
    }
    rule->pattern = lower_copy(pool, name, strlen(name));
    return NULL;
}

static int matches(const char *pattern, const char *name)
{
    apr_size_t tail, len;

    if (*pattern != '*') {
        return strcmp(pattern, name) == 0;
    }
    tail = strlen(++pattern);
    len = strlen(name);
    return len >= tail && strcmp(name + len - tail, pattern) == 0;
}

const target_rule_t *target_find(const apr_array_header_t *rules,
                                 const target_t *target)
{
    int i;

    for (i = 0; i < rules->nelts; i++) {
        const target_rule_t *rule = &APR_ARRAY_IDX(rules, i, target_rule_t);

        if (target->port >= rule->low && target->port <= rule->high &&
            matches(rule->pattern, target->name)) {
            return rule;
        }
    }
    return NULL;
}
