/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "known.h"

#include <string.h>

static known_row_t *find(known_t *known, const target_endpoint_t *endpoint,
                         apr_time_t now)
{
    int i;

    for (i = 0; i < KNOWN_ROWS; i++) {
        known_row_t *row = &known->row[i];

        if (row->used && target_same(&row->endpoint, endpoint)) {
            row->used = now;
            return row;
        }
    }
    return NULL;
}

static known_row_t *
find_or_make(known_t *known, const target_endpoint_t *endpoint, apr_time_t now)
{
    known_row_t *row = find(known, endpoint, now), *oldest = known->row;
    int i;

    if (row) {
        return row;
    }
    for (i = 1; i < KNOWN_ROWS; i++) {
        if (known->row[i].used < oldest->used) {
            oldest = &known->row[i];
        }
    }
    memset(oldest, 0, sizeof(*oldest));
    oldest->endpoint = *endpoint;
    oldest->used = now;
    return oldest;
}

void known_init(known_t *known)
{
    memset(known, 0, sizeof(*known));
    pthread_mutex_init(&known->mutex, NULL);
}

int known_port(known_t *known, const target_endpoint_t *endpoint,
               apr_time_t now)
{
    const known_row_t *row;
    int port;

    pthread_mutex_lock(&known->mutex);
    row = find(known, endpoint, now);
    port = row && now < row->port_until ? row->port : 0;
    pthread_mutex_unlock(&known->mutex);
    return port;
}

void known_set_port(known_t *known, const target_endpoint_t *endpoint, int port,
                    apr_time_t now)
{
    known_row_t *row;

    pthread_mutex_lock(&known->mutex);
    row = find_or_make(known, endpoint, now);
    row->port = port;
    row->port_until = now + KNOWN_PORT_TIME;
    pthread_mutex_unlock(&known->mutex);
}

int known_set_failed(known_t *known, const target_endpoint_t *endpoint,
                     int failed, apr_time_t now)
{
    known_row_t *row;
    int before;

    pthread_mutex_lock(&known->mutex);
    row = failed ? find_or_make(known, endpoint, now)
                 : find(known, endpoint, now);
    before = row && now < row->failed_until;
    if (row) {
        row->failed_until = failed ? now + KNOWN_FAILED_TIME : 0;
    }
    pthread_mutex_unlock(&known->mutex);
    return before != failed;
}

void known_order(known_t *known, target_endpoint_t *endpoints, int count,
                 apr_time_t now)
{
    target_endpoint_t failed[TARGET_ENDPOINTS_MAX];
    int i, good = 0, bad = 0;

    pthread_mutex_lock(&known->mutex);
    for (i = 0; i < count && i < TARGET_ENDPOINTS_MAX; i++) {
        const known_row_t *row = find(known, &endpoints[i], now);

        if (row && now < row->failed_until) {
            failed[bad++] = endpoints[i];
        }
        else {
            endpoints[good++] = endpoints[i];
        }
    }
    pthread_mutex_unlock(&known->mutex);
    if (bad) {
        memcpy(endpoints + good, failed, sizeof(*failed) * (size_t)bad);
    }
}
