/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_LOG_INGEST_H
#define SUBMIT_LOG_INGEST_H

/* Log lines in, mails into the queue. */

#include "config.h"
#include "log_config.h"
#include "spool.h"
#include "trigger.h"

typedef struct log_ingest_t {
    const submit_config_t *config;
    const spool_t *spool;
    int source;   /* lines of a stream, or datagrams */
    int datagram; /* each one a line */
    int copy;     /* each line goes there as well; -1: nowhere */
    /* Called after a mail was queued. */
    void (*queued)(void *baton, const char *id);
    /* Called when one could not be; what it would have said is lost. */
    void (*failed)(void *baton, const char *address, const char *why);
    /* Called for each message that a trigger of type log waits for. */
    void (*triggered)(void *baton, const trigger_t *trigger, const char *text);
    void *baton;
    apr_pool_t *pool;
} log_ingest_t;

/* Reads until the end of the source; 0, or an errno value with a sentence. */
int log_ingest(log_ingest_t *ingest, const char **why);

/* The statistics of the queue's folder. */
void log_statistics_read(log_statistics_t *statistics, const spool_t *spool,
                         apr_pool_t *pool);

#endif
