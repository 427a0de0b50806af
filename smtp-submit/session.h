/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_SESSION_H
#define SUBMIT_SESSION_H

/* Mails over one connection: the dialogue on the transport, with the journal of
 * each mail written at the right moments.  One thread. */

#include "dialogue.h"
#include "progress.h"
#include "spool.h"
#include "transport.h"

typedef struct session_t {
    transport_t *transport;
    dialogue_t *dialogue;
    const report_t *log;
    progress_t *progress; /* or NULL */
    int mails;            /* transactions begun */
    int broken;
    const char *problem; /* of a broken session */
    apr_pool_t *pool;
} session_t;

/* One mail on its way; `mail` is locked. */
typedef struct delivery_t {
    spool_mail_t mail;
    dialogue_tx_t tx;
    dialogue_recipient_t *recipients;
    int *indexes; /* of the recipients in the mail */
    apr_pool_t *pool;
} delivery_t;

/* Makes the transaction of a locked mail from its pending recipients. */
void session_prepare(delivery_t *delivery);

session_t *session_create(transport_t *transport, const report_t *log,
                          apr_pool_t *pool);

/* Starts the transaction; nothing is sent yet. */
void session_begin(session_t *s, delivery_t *delivery);

/* Talks until the server wants the message (1) or the transaction is done
 * (0). */
int session_envelope(session_t *s, delivery_t *delivery);

/* Sends the message, journals the dot, and sends it, together with the
 * envelope of `next` (may be NULL); talks until `delivery` is done. */
void session_message(session_t *s, delivery_t *delivery, delivery_t *next);

/* QUIT, without waiting for an answer. */
void session_end(session_t *s);

#endif
