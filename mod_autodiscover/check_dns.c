/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "check_dns.h"

#include <apr_strings.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>
#include <sys/socket.h>

#define SRV_FIXED 6 /* bytes of priority, weight and port */

int check_dns_has_address(const char *name)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc = getaddrinfo(name, NULL, &hints, &found);

    if (found) {
        freeaddrinfo(found);
    }
    return rc == 0;
}

/* The target of one record, or NULL; the lower *priority goes first. */
static const char *target_of(ns_msg *answer, int i, int *priority, int *port,
                             apr_pool_t *pool)
{
    char target[NS_MAXDNAME];
    const unsigned char *data;
    ns_rr rr;

    if (ns_parserr(answer, ns_s_an, i, &rr) != 0 ||
        ns_rr_type(rr) != ns_t_srv || ns_rr_rdlen(rr) <= SRV_FIXED) {
        return NULL;
    }
    data = ns_rr_rdata(rr);
    *priority = ns_get16(data);
    *port = ns_get16(data + 4);
    if (dn_expand(ns_msg_base(*answer), ns_msg_end(*answer), data + SRV_FIXED,
                  target, sizeof(target)) <= 0 ||
        !*target || strcmp(target, ".") == 0) {
        return NULL;
    }
    return apr_pstrdup(pool, target);
}

const char *check_dns_srv(const char *name, int *port, apr_pool_t *pool)
{
    unsigned char bytes[NS_PACKETSZ * 8];
    int len = res_query(name, ns_c_in, ns_t_srv, bytes, sizeof(bytes));
    int i, priority, its_port, best = 65536;
    const char *found = NULL, *target;
    ns_msg answer;

    if (len <= 0 || len > (int)sizeof(bytes) ||
        ns_initparse(bytes, len, &answer) != 0) {
        return NULL;
    }
    for (i = 0; i < ns_msg_count(answer, ns_s_an); i++) {
        target = target_of(&answer, i, &priority, &its_port, pool);
        if (target && priority < best) {
            best = priority;
            *port = its_port;
            found = target;
        }
    }
    return found;
}
