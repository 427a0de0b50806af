/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_SMTPSUBMIT_H
#define SUBMIT_SMTPSUBMIT_H

/* The queue for other programs (-lsmtpsubmit): a mail onto the disk, with neither
 * network nor password nor child process.  smtpsubmit(3). */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SMTPSUBMIT_ID_MAX 41    /* bytes of a mail-id with its NUL */
#define SMTPSUBMIT_WHY_MAX 1024 /* enough for every sentence */

/* Lists end with NULL; a list that is NULL is empty. */
typedef struct smtpsubmit_mail_t {
    const char *from;      /* NULL: the configured sender */
    const char *const *to; /* addresses, aliases, several with commas */
    const char *const *cc;
    const char *const *bcc;
    const char *subject; /* UTF-8; NULL: empty */
    const char *text;    /* any bytes; NULL: no message */
    size_t text_len;
    const char *const *attach; /* names of files */
} smtpsubmit_mail_t;

/* Puts the mail into the queue that the settings file `config` names (NULL:
 * /etc/smtp-submit.conf).  0: it is on disk, flushed, and will be tried until it
 * is delivered, given up or deleted; `id` holds its mail-id.  Otherwise the exit
 * status that smtp-submit would end with, and a sentence in `why`.  Any thread;
 * keeps nothing. */
int smtpsubmit_enqueue(const char *config, const smtpsubmit_mail_t *mail,
                       char id[SMTPSUBMIT_ID_MAX],
                       char why[SMTPSUBMIT_WHY_MAX]);

#ifdef __cplusplus
}
#endif

#endif
