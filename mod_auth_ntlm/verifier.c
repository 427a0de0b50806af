/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "verifier.h"

#include <apr_atomic.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <string.h>

#include "dcerpc_auth.h"

/* A server that did not answer is asked last for so many seconds. */
#define AVOID_SECONDS 15

/* What a fault says of a login that failed ([MS-ERREF] section 2.2). */
#define SEC_PKG_ERROR 0x721

struct verifier_t {
    apr_pool_t *pool;
    apr_socket_t *socket; /* NULL when closed */
    verifier_server_t *server;
    apr_time_t deadline; /* of the call in progress */
    apr_uint32_t call_id;
    const char *why;
    unsigned char pdu[DCERPC_AUTH_FRAGMENT];
};

apr_status_t verifier_parse(verifier_server_t **server, const char *text,
                            apr_pool_t *pool)
{
    char *host, *scope;
    apr_port_t port;
    apr_status_t rv = apr_parse_addr_port(&host, &scope, &port, text, pool);

    if (rv != APR_SUCCESS || !host || scope || !*host ||
        (*text != '[' && strchr(host, ':'))) {
        return APR_EINVAL;
    }
    *server = apr_pcalloc(pool, sizeof(**server));
    (*server)->host = host;
    (*server)->port = port ? port : VERIFIER_PORT;
    (*server)->name = apr_psprintf(pool, "%s:%d", host, (*server)->port);
    return hostaddr_create(&(*server)->addresses, host, pool);
}

const char *verifier_why(const verifier_t *verifier)
{
    return verifier->why;
}

/* Notes what went wrong, with the text of `rv` unless it is APR_EINVAL. */
static verifier_verdict_t no_answer(verifier_t *v, const char *what,
                                    apr_status_t rv)
{
    char text[120];

    if (rv == APR_EINVAL) {
        v->why = apr_psprintf(v->pool, "%s: %s", v->server->name, what);
    }
    else {
        v->why = apr_psprintf(v->pool, "%s: %s: %s", v->server->name, what,
                              apr_strerror(rv, text, sizeof(text)));
    }
    verifier_close(v);
    return VERIFIER_DOWN;
}

/* Notes what the server says of a client's message. */
static verifier_verdict_t refused(verifier_t *v, const char *what,
                                  apr_uint32_t status)
{
    v->why = apr_psprintf(v->pool, "%s says %s (0x%x)", v->server->name, what,
                          status);
    verifier_close(v);
    return VERIFIER_REFUSED;
}

void verifier_close(verifier_t *v)
{
    if (v->socket) {
        apr_socket_close(v->socket);
        v->socket = NULL;
    }
}

void verifier_abort(verifier_t *v)
{
    if (v->socket) {
        apr_socket_shutdown(v->socket, APR_SHUTDOWN_READWRITE);
    }
}

/* Lets the next call on the socket take what is left of the time. */
static apr_status_t arm(verifier_t *v)
{
    apr_interval_time_t left = v->deadline - apr_time_now();

    return left <= 0 ? APR_TIMEUP : apr_socket_timeout_set(v->socket, left);
}

static apr_status_t send_all(verifier_t *v, apr_size_t len)
{
    apr_size_t sent = 0;

    while (sent < len) {
        apr_size_t n = len - sent;
        apr_status_t rv = arm(v);

        if (rv == APR_SUCCESS) {
            rv = apr_socket_send(v->socket, (char *)v->pdu + sent, &n);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        sent += n;
    }
    return APR_SUCCESS;
}

/* Reads one whole answer into v->pdu; answer->token points there. */
static apr_status_t receive(verifier_t *v, dcerpc_auth_answer_t *answer,
                            const char **why)
{
    apr_size_t len = 0;
    apr_size_t needed;
    apr_status_t rv;

    while ((rv = dcerpc_auth_read(answer, v->pdu, len, &needed, why)) ==
           APR_INCOMPLETE) {
        apr_size_t n = needed - len;

        *why = "no answer";
        rv = arm(v);
        if (rv == APR_SUCCESS) {
            rv = apr_socket_recv(v->socket, (char *)v->pdu + len, &n);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        len += n;
    }
    return rv;
}

/* One question, one answer of kind `expected`. */
static verifier_verdict_t ask(verifier_t *v, dcerpc_auth_question_t question,
                              dcerpc_auth_answer_kind_t expected,
                              const unsigned char *token, apr_size_t len,
                              dcerpc_auth_answer_t *answer)
{
    const char *why = "cannot ask";
    apr_size_t used;
    apr_status_t rv = dcerpc_auth_write(question, ++v->call_id, token, len,
                                        v->pdu, sizeof(v->pdu), &used);

    if (rv == APR_SUCCESS) {
        rv = send_all(v, used);
    }
    if (rv == APR_SUCCESS) {
        rv = receive(v, answer, &why);
    }
    if (rv != APR_SUCCESS) {
        return no_answer(v, why, rv);
    }
    if (answer->call_id != v->call_id) {
        return no_answer(v, "answer to another call", APR_EINVAL);
    }
    if (answer->kind == DCERPC_AUTH_FAULT ||
        answer->kind == DCERPC_AUTH_BIND_NAK) {
        return refused(v,
                       answer->status == SEC_PKG_ERROR
                           ? "wrong user, password or account state"
                           : "no",
                       answer->status);
    }
    return answer->kind == expected
               ? VERIFIER_GOOD
               : no_answer(v, "answer to another question", APR_EINVAL);
}

/* Connects to one address of v->server, a numeric one, by the deadline. */
static apr_status_t open_address(verifier_t *v, const char *text)
{
    apr_sockaddr_t *address;
    apr_status_t rv = apr_sockaddr_info_get(&address, text, APR_UNSPEC,
                                            v->server->port, 0, v->pool);

    if (rv == APR_SUCCESS) {
        rv = apr_socket_create(&v->socket, address->family, SOCK_STREAM,
                               APR_PROTO_TCP, v->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_socket_opt_set(v->socket, APR_TCP_NODELAY, 1);
    rv = arm(v);
    if (rv == APR_SUCCESS) {
        rv = apr_socket_connect(v->socket, address);
    }
    if (rv != APR_SUCCESS) {
        verifier_close(v);
    }
    return rv;
}

/* Connects to v->server, trying each of its addresses within the deadline. */
static apr_status_t open_socket(verifier_t *v, const char **why)
{
    apr_time_t now = apr_time_now();
    hostaddr_list_t list;
    apr_status_t rv =
        hostaddr_get(v->server->addresses, &list, now, v->deadline - now);
    int i;

    *why = "cannot be resolved";
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *why = "cannot connect";
    rv = APR_TIMEUP;
    for (i = 0; i < list.count && rv != APR_SUCCESS; i++) {
        rv = open_address(v, list.text[i]);
    }
    return rv;
}

/* The whole of the first leg with v->server, by v->deadline. */
static verifier_verdict_t negotiate_with(verifier_t *v,
                                         const unsigned char *type1,
                                         apr_size_t len,
                                         dcerpc_auth_answer_t *answer)
{
    const char *why;
    apr_status_t rv = open_socket(v, &why);
    verifier_verdict_t verdict;

    if (rv != APR_SUCCESS) {
        return no_answer(v, why, rv);
    }
    v->call_id = 0;
    verdict =
        ask(v, DCERPC_AUTH_BIND, DCERPC_AUTH_BIND_ACK, type1, len, answer);
    if (verdict == VERIFIER_GOOD && !answer->token) {
        return refused(v, "no challenge", 0);
    }
    return verdict;
}

static int is_avoided(verifier_server_t *server)
{
    return apr_atomic_read32(&server->avoid_until) >
           (apr_uint32_t)apr_time_sec(apr_time_now());
}

/* Remembers whether v->server answered. */
static void remember(verifier_t *v, verifier_verdict_t verdict)
{
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now());

    apr_atomic_set32(&v->server->avoid_until,
                     verdict == VERIFIER_DOWN ? now + AVOID_SECONDS : 0);
}

/* `servers` in the order in which they are asked: first those that answered
 * the last time. */
static apr_array_header_t *in_order(const apr_array_header_t *servers,
                                    apr_pool_t *pool)
{
    apr_array_header_t *order =
        apr_array_make(pool, servers->nelts, sizeof(verifier_server_t *));
    apr_array_header_t *last =
        apr_array_make(pool, servers->nelts, sizeof(verifier_server_t *));
    int i;

    for (i = 0; i < servers->nelts; i++) {
        verifier_server_t *server =
            APR_ARRAY_IDX(servers, i, verifier_server_t *);

        APR_ARRAY_PUSH(is_avoided(server) ? last : order, verifier_server_t *) =
            server;
    }
    apr_array_cat(order, last);
    return order;
}

/* Asks v->server, unless it is avoided and somebody else is about to see
 * whether it is back. */
static verifier_verdict_t try_server(verifier_t *v, const unsigned char *type1,
                                     apr_size_t len,
                                     dcerpc_auth_answer_t *answer)
{
    int avoided = is_avoided(v->server);
    verifier_verdict_t verdict;

    if (avoided && apr_atomic_cas32(&v->server->probed, 1, 0) != 0) {
        return no_answer(v, "did not answer lately", APR_EINVAL);
    }
    verdict = negotiate_with(v, type1, len, answer);
    remember(v, verdict);
    if (avoided) {
        apr_atomic_set32(&v->server->probed, 0);
    }
    return verdict;
}

verifier_verdict_t
verifier_negotiate(verifier_t **verifier, const unsigned char **type2,
                   apr_size_t *type2_len, const apr_array_header_t *servers,
                   const unsigned char *type1, apr_size_t len,
                   apr_interval_time_t timeout, apr_pool_t *pool)
{
    verifier_t *v = apr_pcalloc(pool, sizeof(*v));
    dcerpc_auth_answer_t answer;
    verifier_verdict_t verdict = VERIFIER_DOWN;
    apr_time_t now = apr_time_now();
    apr_time_t end = now + timeout;
    const apr_array_header_t *order = in_order(servers, pool);
    int i;

    v->pool = pool;
    v->why = "no server is configured";
    *verifier = v;
    for (i = 0; verdict == VERIFIER_DOWN && i < order->nelts; i++) {
        now = apr_time_now();
        /* Each gets its share of what is left, so that a silent one leaves
         * time for the next. */
        v->deadline = now + (end - now) / (order->nelts - i);
        v->server = APR_ARRAY_IDX(order, i, verifier_server_t *);
        verdict = try_server(v, type1, len, &answer);
    }
    if (verdict == VERIFIER_GOOD) {
        *type2 = apr_pmemdup(pool, answer.token, answer.token_len);
        *type2_len = answer.token_len;
    }
    return verdict;
}

verifier_verdict_t verifier_authenticate(verifier_t *v,
                                         const unsigned char *type3,
                                         apr_size_t len,
                                         apr_interval_time_t timeout)
{
    dcerpc_auth_answer_t answer;
    verifier_verdict_t verdict;

    if (!v->socket) {
        return no_answer(v, "connection is closed", APR_EINVAL);
    }
    v->deadline = apr_time_now() + timeout;
    verdict = ask(v, DCERPC_AUTH_ALTER_CONTEXT, DCERPC_AUTH_ALTER_CONTEXT_RESP,
                  type3, len, &answer);
    if (verdict == VERIFIER_DOWN && apr_time_now() >= v->deadline) {
        remember(v, verdict);
    }
    if (verdict == VERIFIER_GOOD && answer.token) {
        return refused(v, "it is not the end", 0);
    }
    verifier_close(v);
    return verdict;
}
