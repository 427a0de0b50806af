/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "stream.h"

#include <apr_network_io.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>

struct stream_t {
    apr_socket_t *socket;
    int fd;
    SSL_CTX *context;
    SSL *ssl; /* NULL while in clear */
    const char *host;
    apr_time_t deadline;
    apr_pool_t *pool;
};

static apr_status_t close_tls(void *data)
{
    stream_t *s = data;

    SSL_free(s->ssl);
    SSL_CTX_free(s->context);
    return APR_SUCCESS;
}

/* Waits until the socket is ready for `events`, or the deadline. */
static apr_status_t wait_for(stream_t *s, short events)
{
    struct pollfd p = {s->fd, events, 0};
    apr_interval_time_t left = s->deadline - apr_time_now();

    if (left <= 0) {
        return APR_TIMEUP;
    }
    return poll(&p, 1, (int)apr_time_as_msec(left) + 1) > 0 ? APR_SUCCESS
                                                            : APR_TIMEUP;
}

static apr_status_t connect_to(stream_t *s, apr_sockaddr_t *address)
{
    apr_status_t rv = apr_socket_create(&s->socket, address->family,
                                        SOCK_STREAM, APR_PROTO_TCP, s->pool);

    if (rv == APR_SUCCESS) {
        apr_socket_timeout_set(s->socket, s->deadline - apr_time_now());
        rv = apr_socket_connect(s->socket, address);
        if (rv == APR_SUCCESS) {
            apr_socket_opt_set(s->socket, APR_TCP_NODELAY, 1);
            apr_socket_timeout_set(s->socket, 0);
            apr_os_sock_get(&s->fd, s->socket);
        }
        else {
            apr_socket_close(s->socket);
        }
    }
    return rv;
}

apr_status_t stream_open(stream_t **stream, const char *host, int port,
                         apr_time_t deadline, const char **why,
                         apr_pool_t *pool)
{
    stream_t *s = apr_pcalloc(pool, sizeof(*s));
    apr_sockaddr_t *address;
    apr_status_t rv;

    s->host = host;
    s->deadline = deadline;
    s->pool = pool;
    *why = "the name of the host is not known";
    rv = apr_sockaddr_info_get(&address, host, APR_UNSPEC, (apr_port_t)port, 0,
                               pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *why = "no connection";
    for (rv = APR_EGENERAL; address && rv != APR_SUCCESS && !s->fd;
         address = address->next) {
        if (apr_time_now() >= deadline) {
            return APR_TIMEUP;
        }
        rv = connect_to(s, address);
    }
    *stream = s;
    return rv;
}

/* What OpenSSL has to say, in the pool. */
static const char *reason(stream_t *s)
{
    long verified = s->ssl ? SSL_get_verify_result(s->ssl) : X509_V_OK;
    char text[200];
    unsigned long error = ERR_get_error();

    ERR_clear_error();
    if (verified != X509_V_OK) {
        return apr_pstrcat(s->pool, "certificate: ",
                           X509_verify_cert_error_string(verified), NULL);
    }
    ERR_error_string_n(error, text, sizeof(text));
    return apr_pstrcat(s->pool, "TLS: ", error ? text : "connection lost",
                       NULL);
}

/* The certificate must name the host, by name or by address. */
static int set_name(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1) {
        return 1;
    }
    return SSL_set_tlsext_host_name(ssl, host) == 1 &&
           X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}

static int prepare_tls(stream_t *s, const char *ca_file)
{
    s->context = SSL_CTX_new(TLS_client_method());
    if (!s->context) {
        return 0;
    }
    apr_pool_cleanup_register(s->pool, s, close_tls, apr_pool_cleanup_null);
    SSL_CTX_set_verify(s->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(s->context, TLS1_2_VERSION);
    if ((ca_file ? SSL_CTX_load_verify_locations(s->context, ca_file, NULL)
                 : SSL_CTX_set_default_verify_paths(s->context)) != 1) {
        return 0;
    }
    s->ssl = SSL_new(s->context);
    return s->ssl && set_name(s->ssl, s->host) &&
           SSL_set_fd(s->ssl, s->fd) == 1;
}

/* Waits for what the TLS call that returned `rc` needs.  APR_SUCCESS: call it
 * again. */
static apr_status_t wait_for_tls(stream_t *s, int rc)
{
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(s, POLLIN);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(s, POLLOUT);
    case SSL_ERROR_ZERO_RETURN:
        return APR_EOF;
    default:
        return APR_EGENERAL;
    }
}

apr_status_t stream_start_tls(stream_t *s, const char *ca_file,
                              const char **why)
{
    apr_status_t rv = APR_SUCCESS;
    int rc;

    ERR_clear_error();
    if (!prepare_tls(s, ca_file)) {
        *why = reason(s);
        return APR_EGENERAL;
    }
    while ((rc = SSL_connect(s->ssl)) != 1 && rv == APR_SUCCESS) {
        rv = wait_for_tls(s, rc);
    }
    if (rv != APR_SUCCESS) {
        *why = rv == APR_TIMEUP ? "no answer in time" : reason(s);
    }
    return rv;
}

apr_status_t stream_send(stream_t *s, const char *bytes, apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;

    ERR_clear_error();
    while (len > 0 && rv == APR_SUCCESS) {
        apr_size_t n = len;

        if (s->ssl) {
            int rc = SSL_write(s->ssl, bytes, (int)len);

            rv = rc > 0 ? APR_SUCCESS : wait_for_tls(s, rc);
            n = rc > 0 ? (apr_size_t)rc : 0;
        }
        else {
            rv = apr_socket_send(s->socket, bytes, &n);
            if (APR_STATUS_IS_EAGAIN(rv)) {
                rv = wait_for(s, POLLOUT);
            }
        }
        bytes += n;
        len -= n;
    }
    return rv;
}

apr_status_t stream_receive(stream_t *s, char *to, apr_size_t room,
                            apr_size_t *got)
{
    apr_status_t rv = APR_SUCCESS;

    ERR_clear_error();
    for (*got = 0; *got == 0 && rv == APR_SUCCESS;) {
        if (s->ssl) {
            int rc = SSL_read(s->ssl, to, (int)room);

            rv = rc > 0 ? APR_SUCCESS : wait_for_tls(s, rc);
            *got = rc > 0 ? (apr_size_t)rc : 0;
        }
        else {
            *got = room;
            rv = apr_socket_recv(s->socket, to, got);
            if (APR_STATUS_IS_EAGAIN(rv)) {
                rv = wait_for(s, POLLIN);
            }
        }
    }
    return rv;
}

int stream_is_loopback(const stream_t *s)
{
    apr_sockaddr_t *peer;
    char *text;

    return apr_socket_addr_get(&peer, APR_REMOTE, s->socket) == APR_SUCCESS &&
           apr_sockaddr_ip_get(&text, peer) == APR_SUCCESS &&
           (strncmp(text, "127.", 4) == 0 || strcmp(text, "::1") == 0);
}
