/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtpsubmit.h"
#include "disk.h"
#include "enqueue.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <unistd.h>

/* When the library is loaded, by one thread.  Counted by APR: whoever uses it,
 * too, is not disturbed. */
__attribute__((constructor)) static void begin(void)
{
    (void)apr_initialize();
}

static apr_array_header_t *list_of(const char *const *texts, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));

    for (; texts && *texts; texts++) {
        APR_ARRAY_PUSH(list, const char *) = *texts;
    }
    return list;
}

static int enqueue(const char *config_path, const smtpsubmit_mail_t *mail,
                   const char **id, const char **why, apr_pool_t *pool)
{
    submit_config_t config;
    enqueue_request_t r = {0};
    spool_t spool;

    if (submit_config_read(&config,
                           config_path ? config_path : SUBMIT_CONFIG_PATH, why,
                           pool) != APR_SUCCESS) {
        return ENQUEUE_CONFIG;
    }
    if (spool_open(&spool, submit_config_spool(&config), 0, why, pool) != 0) {
        return ENQUEUE_IO;
    }
    r.config = &config;
    r.spool = &spool;
    r.from = mail->from;
    r.to = list_of(mail->to, pool);
    r.cc = list_of(mail->cc, pool);
    r.bcc = list_of(mail->bcc, pool);
    r.attach = list_of(mail->attach, pool);
    r.subject = mail->subject ? mail->subject : "";
    r.verbatim = 1;
    r.body = -1;
    if (mail->text && (r.body = disk_bytes(mail->text, mail->text_len)) < 0) {
        *why = apr_psprintf(pool, "%% Error: the message cannot be kept: %s",
                            strerror(errno));
        return ENQUEUE_IO;
    }
    return enqueue_mail(&r, id, why, pool);
}

/* A sentence may quote what was wrong: in one line, for a log. */
static void tell(char why[SMTPSUBMIT_WHY_MAX], const char *sentence)
{
    char *s;

    apr_cpystrn(why, sentence, SMTPSUBMIT_WHY_MAX);
    for (s = why; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = '?';
        }
    }
}

int smtpsubmit_enqueue(const char *config, const smtpsubmit_mail_t *mail,
                       char id[SMTPSUBMIT_ID_MAX], char why[SMTPSUBMIT_WHY_MAX])
{
    const char *sentence = "", *new_id = "";
    apr_pool_t *pool;
    int rv;

    id[0] = why[0] = '\0';
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        tell(why, "% Error: out of memory");
        return ENQUEUE_IO;
    }
    apr_pool_tag(pool, "smtpsubmit");
    rv = enqueue(config, mail, &new_id, &sentence, pool);
    if (rv == ENQUEUE_OK) {
        apr_cpystrn(id, new_id, SMTPSUBMIT_ID_MAX);
    }
    else {
        tell(why, sentence ? sentence : "% Error");
    }
    apr_pool_destroy(pool);
    return rv;
}
