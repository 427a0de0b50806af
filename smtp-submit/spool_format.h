/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_SPOOL_FORMAT_H
#define SUBMIT_SPOOL_FORMAT_H

/* The file of one mail: bytes to struct and back.  Pure. */

#include "spool.h"

/* "smtp-submit 1 LLLLLLLLLL MMMMMMMMMMMMMMMMMMMM SHA1\n": lengths of envelope
 * and message, checksum of both. */
#define SPOOL_HEAD_LEN 87
#define SPOOL_ENVELOPE_MAX (1024 * 1024)
#define SPOOL_JOURNAL_MAX (16 * 1024 * 1024)

typedef struct spool_head_t {
    apr_size_t envelope_len;
    apr_off_t message_len;
    unsigned char sha1[APR_SHA1_DIGESTSIZE];
} spool_head_t;

/* Writes SPOOL_HEAD_LEN bytes and a NUL. */
void spool_format_head(char out[SPOOL_HEAD_LEN + 1], const spool_head_t *head);

/* 1 when the bytes are such a line. */
int spool_parse_head(spool_head_t *head, const char in[SPOOL_HEAD_LEN]);

const char *spool_format_envelope(const spool_envelope_t *envelope,
                                  apr_pool_t *pool);

/* Takes the lines of `text` into mail->envelope and mail->recipients; 1 when
 * they make an envelope. */
int spool_parse_envelope(spool_mail_t *mail, const char *text,
                         apr_pool_t *pool);

/* Takes the lines of a journal; an unfinished last line counts for nothing. */
void spool_parse_journal(spool_mail_t *mail, const char *text,
                         apr_pool_t *pool);

/* One journal line "WORD TIME INDEX TEXT\n"; control characters of `text` are
 * replaced. */
const char *spool_format_result(spool_result_t result, apr_time_t now,
                                int index, const char *text, apr_pool_t *pool);

/* "WORD TIME TEXT\n": dot, attempt, next, retry, notice. */
const char *spool_format_event(const char *word, apr_time_t when,
                               const char *text, apr_pool_t *pool);

#endif
