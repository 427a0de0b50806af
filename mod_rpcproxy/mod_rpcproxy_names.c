/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The addresses of back ends.  Names are looked up in worker threads, which may
 * wait, and never in a poller (lib/hostaddr.h). */

#include "mod_rpcproxy.h"

#include "lib/hostaddr.h"

#include <arpa/inet.h>
#include <string.h>

/* From what the resolver said; yields its size. */
static socklen_t parse(target_address_t *a, const char *text)
{
    memset(a, 0, sizeof(*a));
    if (inet_pton(AF_INET, text, &a->four.sin_addr) == 1) {
        a->four.sin_family = AF_INET;
        return sizeof(a->four);
    }
    a->six.sin6_family = AF_INET6;
    (void)inet_pton(AF_INET6, text, &a->six.sin6_addr);
    return sizeof(a->six);
}

/* Adds the addresses of `backend` to the `count` endpoints that are there. */
static int add(target_endpoint_t *endpoint, int count,
               const target_backend_t *backend, const hostaddr_list_t *list,
               int port)
{
    int i;

    for (i = 0; i < list->count && count < TARGET_ENDPOINTS_MAX; i++) {
        target_address_t a;
        socklen_t size = parse(&a, list->text[i]);

        target_endpoint(&endpoint[count++], backend, &a.any, size, port);
    }
    return count;
}

/* Half of the time is for names, and each has its share of what is left. */
void rpcproxy_names_resolve(rpcproxy_chan_t *chan, const target_rule_t *rule,
                            int port, apr_interval_time_t limit)
{
    apr_time_t now = apr_time_now(), names_by = now + limit / 2;
    target_endpoint_t *endpoint =
        apr_palloc(chan->c->pool, sizeof(*endpoint) * TARGET_ENDPOINTS_MAX);
    hostaddr_list_t list;
    int i;

    chan->connect_by = now + limit;
    chan->endpoint = endpoint;
    for (i = 0; i < rule->backends; i++) {
        apr_interval_time_t left;

        now = apr_time_now();
        left = now < names_by ? names_by - now : 0;
        if (hostaddr_get(rule->backend[i].names, &list, now,
                         left / (rule->backends - i)) == APR_SUCCESS) {
            chan->endpoints =
                add(endpoint, chan->endpoints, &rule->backend[i], &list, port);
        }
    }
}
