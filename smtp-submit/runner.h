/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_RUNNER_H
#define SUBMIT_RUNNER_H

/* Gets queued mails to the server: connects once for a batch, retries what
 * fails, gives up what has failed for too long.  Several runners may work on
 * one queue; each mail is in one hand at a time. */

#include "report.h"
#include "session.h"

typedef enum runner_result_t {
    RUNNER_NOTHING, /* no mail was due, or the mail is gone */
    RUNNER_SENT,    /* every recipient */
    RUNNER_LATER,   /* stays in the queue */
    RUNNER_DOUBT,   /* stays in the queue, the server may have it */
    RUNNER_FAILED,  /* given up for at least one recipient */
    RUNNER_AUTH,    /* stays in the queue: the login failed */
    RUNNER_CONFIG   /* stays in the queue: cannot be sent as configured */
} runner_result_t;

typedef struct runner_t {
    const submit_config_t *config;
    const spool_t *spool;
    const report_t *log;
    progress_t *progress; /* for a person who waits, or NULL */
    int now;              /* also what is not due yet */
    /* Set by the calls below. */
    runner_result_t result; /* of the last mail */
    const char *text;       /* what there is to say about it, or "" */
    int sent, failed, later;
    apr_time_t next; /* when the next mail is due, 0: none waits */
    session_t *session;
    apr_pool_t *session_pool;
    int reconnects;
    int trouble; /* an errno value: a mail could not be read */
    const char *trouble_text;
    apr_array_header_t *ids;
    int id_at;
    apr_pool_t *pool;
} runner_t;

/* Delivers one mail now, whatever its time; waits while another runner has
 * it. */
runner_result_t runner_deliver(runner_t *runner, const char *id);

/* Delivers what is due; 0, or an errno value with a sentence in *why. */
int runner_pass(runner_t *runner, const char **why);

/* Delivers whatever comes until SIGTERM or SIGINT. */
int runner_daemon(runner_t *runner, const char **why);

/* Connects and logs in, and says what the server offers. */
runner_result_t runner_test(runner_t *runner, const char **report);

/* How long after attempt number `attempts` the next one comes, in seconds,
 * before jitter. */
int runner_backoff(int first, int attempts);

#endif
