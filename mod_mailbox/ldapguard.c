/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ldapguard.h"

#include <errno.h>
#include <lber.h>
#include <ldap.h>
#include <poll.h>

/* Above the socket (LEVEL_PROVIDER), below TLS (LEVEL_TRANSPORT). */
#define GUARD_LEVEL (LBER_SBIOD_LEVEL_PROVIDER + 1)

/* The first byte of a record that carries what TLS protects (RFC 8446 section
 * 5.1): when one is written, the handshake needs no further answer. */
#define TLS_APPLICATION_DATA 23

/* Of one connection. */
typedef struct guard_t {
    apr_time_t deadline;
    int passed; /* the handshake is over */
} guard_t;

static int guard_setup(Sockbuf_IO_Desc *io, void *arg)
{
    const apr_interval_time_t *limit = arg;
    guard_t *guard = ber_memcalloc(1, sizeof(*guard));

    if (!guard) {
        return -1;
    }
    guard->deadline = apr_time_now() + *limit;
    io->sbiod_pvt = guard;
    return 0;
}

static int guard_remove(Sockbuf_IO_Desc *io)
{
    ber_memfree(io->sbiod_pvt);
    io->sbiod_pvt = NULL;
    return 0;
}

static int guard_ctrl(Sockbuf_IO_Desc *io, int option, void *arg)
{
    return LBER_SBIOD_CTRL_NEXT(io, option, arg);
}

/* 1 when there is something to read before the deadline. */
static int wait_readable(Sockbuf_IO_Desc *io, apr_time_t deadline)
{
    struct pollfd fd = {.events = POLLIN};
    int n;

    if (ber_sockbuf_ctrl(io->sbiod_sb, LBER_SB_OPT_GET_FD, &fd.fd) != 1) {
        return 0;
    }
    do {
        apr_interval_time_t left = deadline - apr_time_now();

        n = left > 0 ? poll(&fd, 1, (int)(apr_time_as_msec(left) + 1)) : 0;
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

static ber_slen_t guard_read(Sockbuf_IO_Desc *io, void *buffer, ber_len_t len)
{
    guard_t *guard = io->sbiod_pvt;
    ber_slen_t n;

    for (;;) {
        n = LBER_SBIOD_READ_NEXT(io, buffer, len);
        if (n >= 0 || guard->passed ||
            (errno != EAGAIN && errno != EWOULDBLOCK)) {
            return n;
        }
        if (!wait_readable(io, guard->deadline)) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
}

static ber_slen_t guard_write(Sockbuf_IO_Desc *io, void *buffer, ber_len_t len)
{
    guard_t *guard = io->sbiod_pvt;

    if (len > 0 && *(const unsigned char *)buffer == TLS_APPLICATION_DATA) {
        guard->passed = 1;
    }
    return LBER_SBIOD_WRITE_NEXT(io, buffer, len);
}

/* libldap wants it writable, and writes nothing. */
static Sockbuf_IO *guard_layer(void)
{
    static const Sockbuf_IO layer = {guard_setup, guard_remove, guard_ctrl,
                                     guard_read,  guard_write,  NULL};

    return (Sockbuf_IO *)&layer;
}

static void disconnected(LDAP *ldap, Sockbuf *socket, struct ldap_conncb *self)
{
    (void)ldap;
    (void)self;
    if (socket && ber_sockbuf_ctrl(socket, LBER_SB_OPT_HAS_IO, guard_layer())) {
        ber_sockbuf_remove_io(socket, guard_layer(), GUARD_LEVEL);
    }
}

/* A handle that fails over to the next server uses the same Sockbuf. */
static int connected(LDAP *ldap, Sockbuf *socket, LDAPURLDesc *server,
                     struct sockaddr *address, struct ldap_conncb *self)
{
    (void)server;
    (void)address;
    disconnected(ldap, socket, self);
    return ber_sockbuf_add_io(socket, guard_layer(), GUARD_LEVEL, self->lc_arg);
}

static apr_status_t uninstall(void *callback)
{
    /* "Getting" this option takes the callback away. */
    ldap_get_option(NULL, LDAP_OPT_CONNECT_CB, callback);
    return APR_SUCCESS;
}

apr_status_t ldapguard_install(apr_interval_time_t limit, apr_pool_t *pool)
{
    struct ldap_conncb *callback = apr_pcalloc(pool, sizeof(*callback));
    apr_interval_time_t *kept = apr_palloc(pool, sizeof(*kept));

    *kept = limit;
    callback->lc_add = connected;
    callback->lc_del = disconnected;
    callback->lc_arg = kept;
    if (ldap_set_option(NULL, LDAP_OPT_CONNECT_CB, callback) != LDAP_SUCCESS) {
        return APR_EGENERAL;
    }
    apr_pool_cleanup_register(pool, callback, uninstall, apr_pool_cleanup_null);
    return APR_SUCCESS;
}
