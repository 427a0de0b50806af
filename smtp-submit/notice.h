/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_NOTICE_H
#define SUBMIT_NOTICE_H

/* A mail that was given up is told to the address of "mail failure-notice": at
 * most once, never for a notice, never to an address that just failed. */

#include "config.h"
#include "report.h"
#include "spool.h"

/* Queues the notice for `mail`, which the caller has locked. */
void notice_send(const submit_config_t *config, spool_mail_t *mail,
                 const report_t *log);

/* Its text. */
const char *notice_text(const spool_mail_t *mail, apr_pool_t *pool);

#endif
