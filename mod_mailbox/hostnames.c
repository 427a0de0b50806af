/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "hostnames.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

static int is_address(const char *host)
{
    unsigned char address[16];

    return inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1;
}

/* Cuts the next host off *hosts, without port and brackets; NULL at the end. */
static const char *next_host(char **hosts)
{
    char *host = apr_strtok(NULL, " ", hosts);
    char *end;

    if (host && *host == '[') {
        host++;
        end = strchr(host, ']');
    }
    else {
        end = host ? strchr(host, ':') : NULL;
    }
    if (end) {
        *end = '\0';
    }
    return host;
}

/* Asks for each name; what is said does not matter. */
static void ask(void *hosts)
{
    static const struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG,
                                          .ai_socktype = SOCK_STREAM};
    char *rest = hosts;
    struct addrinfo *found;
    const char *host;

    while ((host = next_host(&rest)) != NULL) {
        if (!is_address(host) && getaddrinfo(host, NULL, &hints, &found) == 0) {
            freeaddrinfo(found);
        }
    }
}

static int has_names(char *hosts)
{
    const char *host;

    while ((host = next_host(&hosts)) != NULL) {
        if (!is_address(host)) {
            return 1;
        }
    }
    return 0;
}

int hostnames_answered(errand_t *errand, const char *hosts,
                       apr_interval_time_t limit)
{
    apr_pool_t *pool;

    if (errand_pool(&pool) != APR_SUCCESS) {
        return 0;
    }
    if (has_names(apr_pstrdup(pool, hosts)) &&
        errand_run(errand, ask, apr_pstrdup(pool, hosts), pool, limit) !=
            APR_SUCCESS) {
        return 0;
    }
    apr_pool_destroy(pool);
    return 1;
}
