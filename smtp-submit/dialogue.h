/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_DIALOGUE_H
#define SUBMIT_DIALOGUE_H

/* The SMTP dialogue from MAIL on (RFC 5321, RFC 2920), without a socket: bytes
 * of the server in, bytes for the server out.
 *
 * Several transactions may be under way at once: with PIPELINING the next one's
 * commands travel together with the final dot of this one.
 *
 *   dialogue_begin(d, &tx, ...);  send dialogue_output(d);
 *   feed what comes to dialogue_input() until tx.phase is READY or DONE;
 *   READY: send dialogue_chunk() and the message; then dialogue_dot(), send,
 *   feed until DONE.
 *
 * "The dot" is the moment from which on the server may have the mail; with
 * CHUNKING that is the last byte of the message. */

#include "reply.h"

#include <apr_tables.h>

typedef enum dialogue_phase_t {
    DIALOGUE_ENVELOPE, /* commands are under way */
    DIALOGUE_READY,    /* the server wants the message */
    DIALOGUE_DOT,      /* the final dot is out, or about to go */
    DIALOGUE_DONE
} dialogue_phase_t;

typedef enum dialogue_verdict_t {
    DIALOGUE_PENDING = 0, /* not said yet */
    DIALOGUE_TAKEN,       /* RCPT accepted; once DONE: the mail is sent */
    DIALOGUE_LATER,       /* 4xx, or the connection broke */
    DIALOGUE_REFUSED,     /* 5xx */
    DIALOGUE_DOUBT        /* the connection broke after the final dot */
} dialogue_verdict_t;

typedef struct dialogue_recipient_t {
    const char *address;
    dialogue_verdict_t verdict;
    const char *text; /* the reply that decided */
} dialogue_recipient_t;

/* What the sender wants to hear (RFC 3461); NULL: nothing said. */
typedef struct dialogue_dsn_t {
    const char *notify;  /* NEVER, or a list of SUCCESS, FAILURE, DELAY */
    const char *returns; /* FULL, HDRS */
    const char *id;      /* xtext; comes back in the report */
} dialogue_dsn_t;

typedef struct dialogue_tx_t {
    /* Set by the caller. */
    const char *sender; /* "" for the null sender */
    dialogue_recipient_t *recipients;
    int count;
    apr_off_t size;
    int eightbit;
    apr_pool_t *pool;
    dialogue_dsn_t dsn;
    /* Set by the dialogue. */
    dialogue_phase_t phase;
    int open;     /* commands without a reply */
    int unwanted; /* nobody takes the mail */
    int lone_dot; /* ends what the server began all the same */
} dialogue_tx_t;

typedef struct dialogue_t dialogue_t;

/* A dialogue with a server that has said what it offers. */
dialogue_t *dialogue_create(const reply_offers_t *offers, apr_pool_t *pool);

/* Starts a transaction.  What the server cannot take (too large, SMTPUTF8,
 * 8BITMIME) is DONE at once, with every recipient REFUSED. */
void dialogue_begin(dialogue_t *d, dialogue_tx_t *tx);

/* What goes in front of the message: "BDAT N LAST" with CHUNKING (RFC 3030),
 * else NULL, and then the message is sent with its dots doubled. */
const char *dialogue_chunk(const dialogue_t *d, const dialogue_tx_t *tx);

/* After the message: the final dot, if there is one. */
void dialogue_dot(dialogue_t *d, dialogue_tx_t *tx);

/* Ends the session politely. */
void dialogue_quit(dialogue_t *d);

/* 1 when another transaction may begin before this one is DONE. */
int dialogue_pipelines(const dialogue_t *d);

/* What is to be sent now; NULL when nothing is.  Valid until the next call. */
const char *dialogue_output(dialogue_t *d, apr_size_t *len);

/* Takes what the server sent.  APR_EINVAL with a reason: the session is of no
 * more use, call dialogue_broken(). */
apr_status_t dialogue_input(dialogue_t *d, const char *data, apr_size_t len,
                            const char **why);

/* The connection is gone: decides about everything under way. */
void dialogue_broken(dialogue_t *d, const char *text);

/* 1 after 421: the server will close. */
int dialogue_closing(const dialogue_t *d);

#endif
