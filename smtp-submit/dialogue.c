/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Two queues: commands that may not go out yet (without PIPELINING one at a
 * time), and replies that are expected.  Each reply belongs to the oldest
 * expectation; a table says what it means there. */

#include <stddef.h> /* first: the rings of APR want its offsetof */

#include "dialogue.h"
#include "dsn.h"

#include <apr_ring.h>
#include <apr_strings.h>
#include <string.h>

typedef enum command_kind_t {
    SEND_MAIL,
    SEND_RCPT,
    SEND_DATA,
    SEND_DOT,
    SEND_QUIT
} command_kind_t;

typedef struct command_step_t command_step_t;
struct command_step_t {
    APR_RING_ENTRY(command_step_t) link;
    command_kind_t kind;
    dialogue_tx_t *tx;
    int recipient;
    const char *line;
};
APR_RING_HEAD(command_steps_t, command_step_t);

struct dialogue_t {
    reply_offers_t offers;
    reply_reader_t reader;
    struct command_steps_t waiting;  /* to be sent */
    struct command_steps_t expected; /* sent, no reply yet */
    apr_pool_t *pool;
    char *output;
    apr_size_t output_len;
    dialogue_tx_t *ready; /* its message is being sent */
    int closing;
};

dialogue_t *dialogue_create(const reply_offers_t *offers, apr_pool_t *pool)
{
    dialogue_t *d = apr_pcalloc(pool, sizeof(*d));

    d->offers = *offers;
    d->pool = pool;
    reply_reader_init(&d->reader);
    APR_RING_INIT(&d->waiting, command_step_t, link);
    APR_RING_INIT(&d->expected, command_step_t, link);
    return d;
}

int dialogue_pipelines(const dialogue_t *d)
{
    return d->offers.pipelining && !d->closing;
}

int dialogue_closing(const dialogue_t *d)
{
    return d->closing;
}

static void queue(dialogue_t *d, command_kind_t kind, dialogue_tx_t *tx,
                  int recipient, const char *line)
{
    command_step_t *step = apr_palloc(tx ? tx->pool : d->pool, sizeof(*step));

    step->kind = kind;
    step->tx = tx;
    step->recipient = recipient;
    step->line = line;
    APR_RING_INSERT_TAIL(&d->waiting, step, command_step_t, link);
}

/* ---- verdicts ---- */

/* The same verdict for everybody who is not refused already. */
static void decide(dialogue_tx_t *tx, dialogue_verdict_t verdict,
                   const char *text)
{
    int i;

    for (i = 0; i < tx->count; i++) {
        dialogue_recipient_t *r = &tx->recipients[i];

        if (r->verdict == DIALOGUE_PENDING || r->verdict == DIALOGUE_TAKEN) {
            r->verdict = verdict;
            r->text = apr_pstrdup(tx->pool, text);
        }
    }
}

static int any_taken(const dialogue_tx_t *tx)
{
    int i;

    for (i = 0; i < tx->count; i++) {
        if (tx->recipients[i].verdict == DIALOGUE_TAKEN) {
            return 1;
        }
    }
    return 0;
}

static dialogue_verdict_t verdict_of(int code)
{
    return code / 100 == 2   ? DIALOGUE_TAKEN
           : code / 100 == 5 ? DIALOGUE_REFUSED
                             : DIALOGUE_LATER;
}

/* ---- what goes out ---- */

static int is_ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80) {
            return 0;
        }
    }
    return 1;
}

static int needs_utf8(const dialogue_tx_t *tx)
{
    int i;

    for (i = 0; i < tx->count; i++) {
        if (!is_ascii(tx->recipients[i].address)) {
            return 1;
        }
    }
    return !is_ascii(tx->sender);
}

/* NULL, or why this server cannot take the mail at all. */
static const char *impossible(const dialogue_t *d, const dialogue_tx_t *tx)
{
    if (d->offers.max_size > 0 && tx->size > d->offers.max_size) {
        return apr_psprintf(tx->pool,
                            "552 5.3.4 the message has %" APR_OFF_T_FMT
                            " bytes, the server takes %" APR_INT64_T_FMT,
                            tx->size, d->offers.max_size);
    }
    if (needs_utf8(tx) && !d->offers.smtputf8) {
        return "553 5.6.7 the server takes no addresses beyond ASCII";
    }
    if (tx->eightbit && !d->offers.eightbitmime) {
        return "554 5.6.3 the server takes no 8-bit messages";
    }
    return NULL;
}

static const char *mail_line(const dialogue_t *d, const dialogue_tx_t *tx)
{
    const char *size =
        d->offers.size
            ? apr_psprintf(tx->pool, " SIZE=%" APR_OFF_T_FMT, tx->size)
            : "";

    int dsn = d->offers.dsn;

    return apr_pstrcat(tx->pool, "MAIL FROM:<", tx->sender, ">", size,
                       tx->eightbit ? " BODY=8BITMIME" : "",
                       needs_utf8(tx) ? " SMTPUTF8" : "",
                       dsn && tx->dsn.returns ? " RET=" : "",
                       dsn && tx->dsn.returns ? tx->dsn.returns : "",
                       dsn && tx->dsn.id ? " ENVID=" : "",
                       dsn && tx->dsn.id ? tx->dsn.id : "", "\r\n", NULL);
}

static const char *rcpt_line(const dialogue_t *d, const dialogue_tx_t *tx,
                             const char *address)
{
    const char *dsn = "";

    if (d->offers.dsn && tx->dsn.notify) {
        dsn = apr_pstrcat(tx->pool, " NOTIFY=", tx->dsn.notify, NULL);
        if (is_ascii(address)) {
            dsn = apr_pstrcat(tx->pool, dsn, " ORCPT=rfc822;",
                              dsn_xtext(address, tx->pool), NULL);
        }
    }
    return apr_pstrcat(tx->pool, "RCPT TO:<", address, ">", dsn, "\r\n", NULL);
}

void dialogue_begin(dialogue_t *d, dialogue_tx_t *tx)
{
    const char *why = impossible(d, tx);
    int i;

    tx->phase = DIALOGUE_ENVELOPE;
    tx->open = tx->unwanted = tx->lone_dot = 0;
    if (why) {
        decide(tx, DIALOGUE_REFUSED, why);
        tx->phase = DIALOGUE_DONE;
        return;
    }
    queue(d, SEND_MAIL, tx, 0, mail_line(d, tx));
    for (i = 0; i < tx->count; i++) {
        queue(d, SEND_RCPT, tx, i, rcpt_line(d, tx, tx->recipients[i].address));
    }
    if (!d->offers.chunking) {
        queue(d, SEND_DATA, tx, 0, "DATA\r\n");
    }
}

const char *dialogue_chunk(const dialogue_t *d, const dialogue_tx_t *tx)
{
    return d->offers.chunking
               ? apr_psprintf(tx->pool, "BDAT %" APR_OFF_T_FMT " LAST\r\n",
                              tx->size)
               : NULL;
}

void dialogue_dot(dialogue_t *d, dialogue_tx_t *tx)
{
    tx->phase = DIALOGUE_DOT;
    d->ready = NULL;
    queue(d, SEND_DOT, tx, 0, d->offers.chunking ? "" : ".\r\n");
}

void dialogue_quit(dialogue_t *d)
{
    queue(d, SEND_QUIT, NULL, 0, "QUIT\r\n");
}

const char *dialogue_output(dialogue_t *d, apr_size_t *len)
{
    apr_array_header_t *lines = apr_array_make(d->pool, 8, sizeof(char *));

    while (!APR_RING_EMPTY(&d->waiting, command_step_t, link) &&
           (d->offers.pipelining ||
            APR_RING_EMPTY(&d->expected, command_step_t, link))) {
        command_step_t *step = APR_RING_FIRST(&d->waiting);

        APR_RING_REMOVE(step, link);
        APR_RING_INSERT_TAIL(&d->expected, step, command_step_t, link);
        if (step->tx) {
            step->tx->open++;
        }
        APR_ARRAY_PUSH(lines, const char *) = step->line;
    }
    if (lines->nelts == 0) {
        return NULL;
    }
    d->output = apr_array_pstrcat(d->pool, lines, 0);
    *len = strlen(d->output);
    return d->output;
}

/* ---- what comes in ---- */

static void on_mail(dialogue_tx_t *tx, const reply_t *reply)
{
    if (reply->code / 100 != 2) {
        decide(tx, verdict_of(reply->code), reply->text);
        tx->unwanted = 1;
    }
}

/* With CHUNKING nothing more is asked: the last answer makes it ready. */
static void on_rcpt(dialogue_t *d, dialogue_tx_t *tx, int i,
                    const reply_t *reply)
{
    dialogue_recipient_t *r = &tx->recipients[i];

    if (r->verdict == DIALOGUE_PENDING) {
        r->verdict = verdict_of(reply->code);
        r->text = apr_pstrdup(tx->pool, reply->text);
    }
    if (i == tx->count - 1 && !any_taken(tx)) {
        tx->unwanted = 1;
    }
    else if (i == tx->count - 1 && d->offers.chunking) {
        tx->phase = DIALOGUE_READY;
        d->ready = tx;
    }
}

/* 354 although every recipient was refused: a lone dot ends what the server
 * began (RFC 2920 section 3.1); its reply decides nothing. */
static void on_data(dialogue_t *d, dialogue_tx_t *tx, const reply_t *reply)
{
    if (reply->code / 100 == 3 && tx->unwanted) {
        tx->lone_dot = 1;
        queue(d, SEND_DOT, tx, 0, ".\r\n");
    }
    else if (reply->code / 100 == 3) {
        tx->phase = DIALOGUE_READY;
        d->ready = tx;
    }
    else {
        decide(tx, reply->code / 100 == 5 ? DIALOGUE_REFUSED : DIALOGUE_LATER,
               reply->text);
        tx->unwanted = 1;
    }
}

/* Any 2xx after the dot means that the server has the mail. */
static void on_dot(dialogue_tx_t *tx, const reply_t *reply)
{
    if (tx->lone_dot) {
        tx->lone_dot = 0;
        return;
    }
    decide(tx, verdict_of(reply->code), reply->text);
    tx->phase = DIALOGUE_DONE;
}

/* Forgets the commands of a transaction that nobody wants; its pool may go away
 * as soon as it is done. */
static void withdraw(dialogue_t *d, const dialogue_tx_t *tx)
{
    command_step_t *step, *next;

    for (step = APR_RING_FIRST(&d->waiting);
         step != APR_RING_SENTINEL(&d->waiting, command_step_t, link);
         step = next) {
        next = APR_RING_NEXT(step, link);
        if (step->tx == tx && step->kind != SEND_DOT) {
            APR_RING_REMOVE(step, link);
        }
    }
}

static void on_reply(dialogue_t *d, const reply_t *reply)
{
    command_step_t *step = APR_RING_FIRST(&d->expected);
    dialogue_tx_t *tx = step->tx;

    APR_RING_REMOVE(step, link);
    switch (step->kind) {
    case SEND_MAIL:
        on_mail(tx, reply);
        break;
    case SEND_RCPT:
        on_rcpt(d, tx, step->recipient, reply);
        break;
    case SEND_DATA:
        on_data(d, tx, reply);
        break;
    case SEND_DOT:
        on_dot(tx, reply);
        break;
    case SEND_QUIT:
        d->closing = 1;
        return;
    }
    tx->open--;
    if (tx->unwanted) {
        withdraw(d, tx);
    }
    /* Only when every reply is in may another transaction begin. */
    if (tx->unwanted && tx->open == 0 && !tx->lone_dot) {
        tx->phase = DIALOGUE_DONE;
    }
}

/* What a transaction is worth when no reply can come any more. */
static void abandon(dialogue_tx_t *tx, dialogue_verdict_t verdict,
                    const char *text)
{
    if (tx && tx->phase != DIALOGUE_DONE) {
        decide(tx, verdict, text);
        tx->phase = DIALOGUE_DONE;
    }
}

void dialogue_broken(dialogue_t *d, const char *text)
{
    command_step_t *step;

    d->closing = 1;
    abandon(d->ready, DIALOGUE_LATER, text);
    d->ready = NULL;
    while (!APR_RING_EMPTY(&d->expected, command_step_t, link)) {
        step = APR_RING_FIRST(&d->expected);
        APR_RING_REMOVE(step, link);
        abandon(step->tx,
                step->kind == SEND_DOT ? DIALOGUE_DOUBT : DIALOGUE_LATER, text);
    }
    /* What has not gone out cannot be in doubt. */
    while (!APR_RING_EMPTY(&d->waiting, command_step_t, link)) {
        step = APR_RING_FIRST(&d->waiting);
        APR_RING_REMOVE(step, link);
        abandon(step->tx, DIALOGUE_LATER, text);
    }
}

/* 421 ends the session whatever was asked; a mail whose dot is out and whose
 * reply this is has been refused for now. */
static void on_421(dialogue_t *d, const reply_t *reply)
{
    const char *text = apr_pstrdup(d->pool, reply->text);

    if (!APR_RING_EMPTY(&d->expected, command_step_t, link)) {
        on_reply(d, reply);
    }
    dialogue_broken(d, text);
}

apr_status_t dialogue_input(dialogue_t *d, const char *data, apr_size_t len,
                            const char **why)
{
    while (len > 0) {
        reply_t reply;
        apr_status_t rv = reply_read(&d->reader, &data, &len, &reply, why);

        if (rv == APR_INCOMPLETE) {
            return APR_SUCCESS;
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (reply.code == 421) {
            on_421(d, &reply);
            return APR_SUCCESS;
        }
        if (APR_RING_EMPTY(&d->expected, command_step_t, link)) {
            *why = "the server answers what nobody asked";
            return APR_EINVAL;
        }
        on_reply(d, &reply);
    }
    return APR_SUCCESS;
}
