/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_KNOWN_H
#define POSTERN_KNOWN_H

/* What has been learned of endpoints a short while ago: the port that an
 * endpoint mapper told, and that one could not be reached.  A fixed number of
 * rows; the one that was used least lately makes room.  Any number of threads at
 * once. */

#include <apr_time.h>
#include <pthread.h>

#include "target.h"

#define KNOWN_ROWS 64
#define KNOWN_PORT_TIME apr_time_from_sec(60)   /* a told port is believed */
#define KNOWN_FAILED_TIME apr_time_from_sec(10) /* a dead one is asked last */

typedef struct known_row_t {
    target_endpoint_t endpoint;
    apr_time_t used; /* 0: the row is free */
    int port;
    apr_time_t port_until, failed_until;
} known_row_t;

typedef struct known_t {
    pthread_mutex_t mutex; /* guards the rows */
    known_row_t row[KNOWN_ROWS];
} known_t;

void known_init(known_t *known);

/* The port that was told for `endpoint`, or 0. */
int known_port(known_t *known, const target_endpoint_t *endpoint,
               apr_time_t now);

/* It was told just now; port 0 forgets it. */
void known_set_port(known_t *known, const target_endpoint_t *endpoint, int port,
                    apr_time_t now);

/* Whether it was reached just now.  1 when that is news. */
int known_set_failed(known_t *known, const target_endpoint_t *endpoint,
                     int failed, apr_time_t now);

/* Moves those that failed a short while ago behind the others. */
void known_order(known_t *known, target_endpoint_t *endpoints, int count,
                 apr_time_t now);

#endif
