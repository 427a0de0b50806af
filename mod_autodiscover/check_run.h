/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_CHECK_RUN_H
#define POSTERN_CHECK_RUN_H

/* The self-check: finds the server for an address as clients do, asks it as
 * each of them would, and notes what is missing.  One thread, after xml_init()
 * and curl_global_init(). */

#include "check_http.h"

#include <apr_tables.h>

typedef struct check_options_t {
    const char *address;
    const char *domain;          /* of it */
    const char *host;            /* ask there and look nowhere else; or NULL */
    const char *user, *password; /* without a password: only what needs none */
    check_net_t net;
} check_options_t;

/* A question that was asked. */
typedef struct check_exchange_t {
    verdict_question_e question;
    const char *url;
    verdict_reply_t reply;
    apr_array_header_t *verdicts; /* verdict_t */
} check_exchange_t;

/* What the administrator should make. */
typedef struct check_missing_t {
    const char *kind; /* name, SRV record or certificate */
    const char *name;
    const char *says;
    int is_needed; /* else: good to have */
} check_missing_t;

typedef struct check_report_t {
    const char *address;
    const char *host;              /* where the questions went, or NULL */
    apr_array_header_t *trace;     /* const char * */
    apr_array_header_t *exchanges; /* check_exchange_t */
    apr_array_header_t *missing;   /* check_missing_t */
} check_report_t;

void check_run(check_report_t *report, const check_options_t *options,
               apr_pool_t *pool);

/* 0: each client finds its mailbox or is told properly that there is none.
 * 1: some client fails, or something needed is missing.  3: no server was
 * found. */
int check_run_status(const check_report_t *report);

#endif
