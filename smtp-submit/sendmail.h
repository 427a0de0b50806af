/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_SENDMAIL_H
#define SUBMIT_SENDMAIL_H

/* What programs expect of /usr/sbin/sendmail: options, and a message with its
 * header on standard input. */

#include "config.h"
#include "spool.h"

typedef enum sendmail_mode_t {
    SENDMAIL_DELIVER, /* take a message */
    SENDMAIL_QUEUE,   /* -bp, mailq */
    SENDMAIL_FLUSH,   /* -q */
    SENDMAIL_NOTHING  /* -bi, newaliases */
} sendmail_mode_t;

typedef struct sendmail_t {
    sendmail_mode_t mode;
    int from_header;                /* -t */
    int dot_ends;                   /* not -i */
    char when;                      /* -od: b background, i at once, q later */
    const char *from;               /* -f, -r */
    const char *name;               /* -F */
    const char *notify;             /* -N, as in dialogue_dsn_t */
    const char *returns;            /* -R */
    const char *envelope_id;        /* -V */
    const char *config_path;        /* -C */
    apr_array_header_t *recipients; /* of const char * */
} sendmail_t;

/* 1 when the program was called by one of sendmail's names. */
int sendmail_is_name(const char *argv0);

/* Reads the options.  APR_EINVAL with a sentence for one that asks for what a
 * queue cannot do; options without meaning here are ignored. */
apr_status_t sendmail_options(sendmail_t *options, int argc,
                              const char *const *argv, const char **why,
                              apr_pool_t *pool);

/* Queues the message that `fd` holds; an exit status of sysexits.h, and the
 * mail's id. */
int sendmail_enqueue(const sendmail_t *options, const submit_config_t *config,
                     const spool_t *spool, int fd, const char **id,
                     const char **why, apr_pool_t *pool);

#endif
