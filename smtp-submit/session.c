/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "session.h"
#include "message.h"
#include "spool_format.h"

#include <apr_strings.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* RFC 5321 section 4.5.3.2; a quarter of an hour would be more than any server
 * needs for the message itself. */
enum { REPLY_SECONDS = 300, BLOCK_SECONDS = 180, DOT_SECONDS = 600 };

enum { PIECE = 32768 };

void session_prepare(delivery_t *d)
{
    const spool_mail_t *mail = &d->mail;
    int i, count = 0, all = mail->recipients->nelts;

    d->recipients =
        apr_pcalloc(d->pool, sizeof(*d->recipients) * (apr_size_t)all);
    d->indexes = apr_pcalloc(d->pool, sizeof(*d->indexes) * (apr_size_t)all);
    for (i = 0; i < all; i++) {
        spool_recipient_t *r =
            &APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t);

        if (r->result == SPOOL_PENDING || r->result == SPOOL_LATER) {
            d->recipients[count].address = r->address;
            d->recipients[count].text = "";
            d->indexes[count++] = i;
        }
    }
    d->tx.sender = mail->envelope.sender;
    d->tx.recipients = d->recipients;
    d->tx.count = count;
    d->tx.size = mail->message_len;
    d->tx.eightbit = mail->envelope.eightbit;
    d->tx.pool = d->pool;
    d->tx.dsn.notify = mail->envelope.notify;
    d->tx.dsn.returns = mail->envelope.returns;
    d->tx.dsn.id = mail->envelope.envelope_id;
    if (!d->tx.dsn.id && d->tx.dsn.notify) {
        d->tx.dsn.id = mail->id;
    }
}

session_t *session_create(transport_t *transport, const report_t *log,
                          apr_pool_t *pool)
{
    session_t *s = apr_pcalloc(pool, sizeof(*s));

    s->transport = transport;
    s->dialogue = dialogue_create(transport_offers(transport), pool);
    s->log = log;
    s->pool = pool;
    return s;
}

static void breaks(session_t *s, const char *text)
{
    s->broken = 1;
    s->problem = text;
    dialogue_broken(s->dialogue, text);
}

static void send_output(session_t *s)
{
    apr_size_t len;
    const char *out = dialogue_output(s->dialogue, &len);

    if (out &&
        transport_send(s->transport, out, len, REPLY_SECONDS) != APR_SUCCESS) {
        breaks(s, "the connection to the server broke");
    }
}

static void receive_input(session_t *s, int seconds)
{
    char room[4096];
    const char *why;
    apr_size_t len;
    apr_status_t rv =
        transport_receive(s->transport, room, sizeof(room), &len, seconds);

    if (APR_STATUS_IS_TIMEUP(rv)) {
        breaks(s, "the server did not answer in time");
    }
    else if (rv != APR_SUCCESS) {
        breaks(s, "the server closed the connection");
    }
    else if (dialogue_input(s->dialogue, room, len, &why) != APR_SUCCESS) {
        breaks(s, why);
    }
    else if (dialogue_closing(s->dialogue)) {
        s->broken = 1;
        s->problem = "the server closed the session";
    }
}

/* Talks until the transaction has come to `phase`. */
static void talk(session_t *s, const delivery_t *d, dialogue_phase_t phase,
                 int seconds)
{
    while (d->tx.phase < phase) {
        send_output(s);
        if (d->tx.phase < phase) {
            receive_input(s, seconds);
        }
    }
}

void session_begin(session_t *s, delivery_t *d)
{
    s->mails++;
    dialogue_begin(s->dialogue, &d->tx);
    if (s->broken) {
        dialogue_broken(s->dialogue, s->problem);
    }
}

int session_envelope(session_t *s, delivery_t *d)
{
    talk(s, d, DIALOGUE_READY, REPLY_SECONDS);
    return d->tx.phase == DIALOGUE_READY;
}

/* Reads the message piece by piece; all but the last piece goes out at once, so
 * that a small mail travels with its dot in one packet. */
static int send_pieces(session_t *s, delivery_t *d, char *out, apr_size_t *held)
{
    apr_off_t at = d->mail.message_at, end = at + d->mail.message_len;
    const char *chunk = dialogue_chunk(s->dialogue, &d->tx);
    char piece[PIECE];
    int start = 1;

    *held = chunk ? strlen(chunk) : 0;
    if (chunk) {
        memcpy(out, chunk, *held);
    }
    while (at < end) {
        apr_size_t want =
            end - at < PIECE ? (apr_size_t)(end - at) : (apr_size_t)PIECE;
        ssize_t n = pread(d->mail.fd, piece, want, at);

        if (n <= 0) {
            breaks(s, "the queued mail cannot be read");
            return 0;
        }
        if (at > d->mail.message_at) {
            if (transport_send(s->transport, out, *held, BLOCK_SECONDS) !=
                APR_SUCCESS) {
                breaks(s, "the connection broke within the message");
                return 0;
            }
            *held = 0;
            progress_bytes(s->progress, at - d->mail.message_at,
                           d->mail.message_len);
        }
        if (chunk) {
            memcpy(out + *held, piece, (apr_size_t)n);
            *held += (apr_size_t)n;
        }
        else {
            *held = message_stuff(piece, (apr_size_t)n, out, &start);
        }
        at += n;
    }
    return 1;
}

void session_message(session_t *s, delivery_t *d, delivery_t *next)
{
    char *out = apr_palloc(d->pool, 2 * PIECE + COMMAND_LINE_MAX);
    apr_size_t held, len;
    const char *commands;

    if (!send_pieces(s, d, out, &held)) {
        return;
    }
    /* From here on the server may have the mail whatever we see of it. */
    if (spool_journal(&d->mail, spool_format_event("dot", apr_time_now(), "",
                                                   d->pool)) != 0) {
        breaks(s, "the journal of the mail cannot be written");
        return;
    }
    dialogue_dot(s->dialogue, &d->tx);
    if (next) {
        session_begin(s, next);
    }
    commands = dialogue_output(s->dialogue, &len);
    if (held + len <= 2 * PIECE + COMMAND_LINE_MAX) {
        memcpy(out + held, commands, len);
        held += len;
        len = 0;
    }
    if (transport_send(s->transport, out, held, BLOCK_SECONDS) != APR_SUCCESS ||
        transport_send(s->transport, commands, len, BLOCK_SECONDS) !=
            APR_SUCCESS) {
        breaks(s, "the connection broke at the end of the message");
    }
    talk(s, d, DIALOGUE_DONE, DOT_SECONDS);
}

void session_end(session_t *s)
{
    if (!s->broken) {
        dialogue_quit(s->dialogue);
        send_output(s);
    }
    transport_close(s->transport);
}
