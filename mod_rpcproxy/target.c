/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "target.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
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

/* What stands behind the colon of a back end. */
static int parse_port(target_backend_t *backend, const char *text,
                      apr_pool_t *pool)
{
    static const char name[] = "auto";
    apr_size_t len = sizeof(name) - 1;
    epm_interface_t interface;

    if (strncasecmp(text, name, len) != 0) {
        backend->port = read_port(text, strlen(text));
        return backend->port != 0;
    }
    backend->port = TARGET_PORT_MAPPED;
    if (!text[len]) {
        return 1;
    }
    if (text[len] != '/' ||
        epm_interface_parse(&interface, text + len + 1) != APR_SUCCESS) {
        return 0;
    }
    backend->interface = apr_pmemdup(pool, &interface, sizeof(interface));
    return 1;
}

static int is_host(const char *host, int bracketed)
{
    unsigned char six[16];

    return bracketed ? inet_pton(AF_INET6, host, six) == 1
                     : is_name(host, strlen(host)) && !strpbrk(host, "@:[]{}");
}

static int parse_backend(target_backend_t *backend, const char *word,
                         apr_pool_t *pool)
{
    int bracketed = *word == '[';
    const char *end = word + bracketed;

    end += strcspn(end, bracketed ? "]" : ":");
    if (end - word > TARGET_HOST_MAX || (bracketed && !*end)) {
        return 0;
    }
    backend->host = apr_pstrmemdup(pool, word + bracketed,
                                   (apr_size_t)(end - word - bracketed));
    end += bracketed;
    return is_host(backend->host, bracketed) &&
           (!*end || (*end == ':' && parse_port(backend, end + 1, pool)));
}

static int parse_backends(target_rule_t *rule, const char *const *words,
                          int count, apr_pool_t *pool)
{
    int i;

    if (count < 1 || count > TARGET_BACKENDS_MAX) {
        return 0;
    }
    rule->backends = count;
    rule->backend = apr_pcalloc(pool, sizeof(*rule->backend) * (size_t)count);
    rule->text = words[0];
    for (i = 0; i < count; i++) {
        if (!parse_backend(&rule->backend[i], words[i], pool)) {
            return 0;
        }
        if (i > 0) {
            rule->text = apr_pstrcat(pool, rule->text, " ", words[i], NULL);
        }
    }
    return 1;
}

/* 1 when each back end of the row has a port for a client that asks for
 * `port`. */
static int serves(const target_rule_t *rule, int port)
{
    int i;

    for (i = 0; i < rule->backends; i++) {
        const target_backend_t *b = &rule->backend[i];

        if (b->port == TARGET_PORT_MAPPED && !b->interface &&
            !epm_interface_of_port(port)) {
            return 0;
        }
    }
    return 1;
}

const char *target_rule_parse(target_rule_t *rule, const char *name,
                              const char *ports, const char *const *backend,
                              int count, apr_pool_t *pool)
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
    if (!parse_backends(rule, backend, count, pool)) {
        return "the third word, and up to three behind it, are back ends, such "
               "as 127.0.0.1:135, [::1]:135, dc1.example.com, "
               "dc1.example.com:auto or dc1.example.com:auto/samr";
    }
    if (!serves(rule, rule->low) || !serves(rule, rule->high)) {
        return "auto alone knows the interfaces of the ports 6001, 6002 and "
               "6004; for others write which one, such as auto/samr or "
               "auto/12345778-1234-abcd-ef00-0123456789ac/1.0";
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
            matches(rule->pattern, target->name) &&
            serves(rule, target->port)) {
            return rule;
        }
    }
    return NULL;
}

static int same_address(const target_address_t *a, const target_address_t *b)
{
    if (a->any.sa_family != b->any.sa_family ||
        target_port(a) != target_port(b)) {
        return 0;
    }
    if (a->any.sa_family != AF_INET6) {
        return a->four.sin_addr.s_addr == b->four.sin_addr.s_addr;
    }
    return a->six.sin6_scope_id == b->six.sin6_scope_id &&
           memcmp(a->six.sin6_addr.s6_addr, b->six.sin6_addr.s6_addr,
                  sizeof(a->six.sin6_addr.s6_addr)) == 0;
}

int target_same(const target_endpoint_t *a, const target_endpoint_t *b)
{
    return same_address(&a->address, &b->address) &&
           a->interface.major == b->interface.major &&
           a->interface.minor == b->interface.minor &&
           memcmp(a->interface.uuid, b->interface.uuid,
                  sizeof(a->interface.uuid)) == 0;
}

int target_port(const target_address_t *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->six.sin6_port
                                                    : address->four.sin_port);
}

void target_set_port(target_address_t *address, int port)
{
    apr_uint16_t wire = htons((apr_uint16_t)port);

    if (address->any.sa_family == AF_INET6) {
        address->six.sin6_port = wire;
    }
    else {
        address->four.sin_port = wire;
    }
}

void target_endpoint(target_endpoint_t *endpoint,
                     const target_backend_t *backend,
                     const struct sockaddr *address, socklen_t size, int port)
{
    const epm_interface_t *interface = backend->interface;

    memset(endpoint, 0, sizeof(*endpoint));
    endpoint->size = size < sizeof(endpoint->address)
                         ? size
                         : (socklen_t)sizeof(endpoint->address);
    memcpy(&endpoint->address, address, endpoint->size);
    if (backend->port == TARGET_PORT_MAPPED) {
        interface = interface ? interface : epm_interface_of_port(port);
        if (interface) {
            endpoint->interface = *interface;
        }
        port = 0;
    }
    else if (backend->port != TARGET_PORT_ASKED) {
        port = backend->port;
    }
    target_set_port(&endpoint->address, port);
}

const char *target_endpoint_text(char *text, const target_endpoint_t *endpoint)
{
    const target_address_t *a = &endpoint->address;
    int six = a->any.sa_family == AF_INET6, port = target_port(a);
    char host[INET6_ADDRSTRLEN] = "?";

    inet_ntop(a->any.sa_family,
              six ? (const void *)&a->six.sin6_addr : &a->four.sin_addr, host,
              sizeof(host));
    if (port) {
        apr_snprintf(text, TARGET_ENDPOINT_TEXT, six ? "[%s]:%d" : "%s:%d",
                     host, port);
    }
    else {
        apr_snprintf(text, TARGET_ENDPOINT_TEXT, six ? "[%s]:auto" : "%s:auto",
                     host);
    }
    return text;
}
