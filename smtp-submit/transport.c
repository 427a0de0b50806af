/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "transport.h"

#include <errno.h>
#include <poll.h>

enum { CONNECT_SECONDS = 10 };

int transport_seconds(const submit_config_t *config)
{
    return submit_config_seconds(config->timeout, CONNECT_SECONDS);
}

static apr_status_t wait_for(const transport_t *t, short events, int seconds)
{
    struct pollfd one = {t->socket, events, 0};
    int rv;

    do {
        rv = poll(&one, 1, seconds * 1000);
    } while (rv < 0 && errno == EINTR);
    return rv < 0 ? errno : rv == 0 ? APR_TIMEUP : APR_SUCCESS;
}

apr_status_t transport_send(transport_t *t, const char *data, apr_size_t len,
                            int seconds)
{
    while (len > 0) {
        apr_size_t done = 0;
        apr_status_t rv = t->write(t, data, len, &done);

        if (APR_STATUS_IS_EAGAIN(rv)) {
            rv = wait_for(t, POLLOUT, seconds);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        data += done;
        len -= done;
    }
    return APR_SUCCESS;
}

apr_status_t transport_receive(transport_t *t, char *room, apr_size_t size,
                               apr_size_t *len, int seconds)
{
    for (;;) {
        apr_status_t rv = t->read(t, room, size, len);

        if (APR_STATUS_IS_EAGAIN(rv)) {
            rv = wait_for(t, POLLIN, seconds);
            if (rv == APR_SUCCESS) {
                continue;
            }
        }
        return rv == APR_SUCCESS && *len == 0 ? APR_EOF : rv;
    }
}

void transport_close(transport_t *t)
{
    apr_pool_cleanup_run(t->pool, t, t->close);
}
