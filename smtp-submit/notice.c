/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "notice.h"
#include "disk.h"
#include "enqueue.h"
#include "lib/mailaddr.h"
#include "spool_format.h"

#include <apr_strings.h>
#include <string.h>

static int has_failed(const spool_mail_t *mail, const char *address)
{
    int i;

    for (i = 0; i < mail->recipients->nelts; i++) {
        const spool_recipient_t *r =
            &APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t);

        if (r->result == SPOOL_FAILED && mailaddr_same(r->address, address)) {
            return 1;
        }
    }
    return 0;
}

const char *notice_text(const spool_mail_t *mail, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 8, sizeof(char *));
    int i;

    APR_ARRAY_PUSH(parts, const char *) = apr_psprintf(
        pool,
        "The mail %s could not be delivered and is not tried any more.\n"
        "\"smtp-submit retry %s\" tries it again.\n\n"
        "Sender: %s\nSubject: %s\n\n",
        mail->id, mail->id, mail->envelope.sender, mail->envelope.subject);
    for (i = 0; i < mail->recipients->nelts; i++) {
        const spool_recipient_t *r =
            &APR_ARRAY_IDX(mail->recipients, i, spool_recipient_t);

        if (r->result == SPOOL_FAILED) {
            APR_ARRAY_PUSH(parts, const char *) =
                apr_psprintf(pool, "%s: %s\n", r->address, r->text);
        }
    }
    return apr_array_pstrcat(pool, parts, 0);
}

void notice_send(const submit_config_t *config, spool_mail_t *mail,
                 const report_t *log)
{
    apr_pool_t *pool = mail->pool;
    enqueue_request_t r = {0};
    apr_array_header_t *to;
    const char *id, *text, *why = "";

    if (!config->notify || mail->envelope.notice || mail->notified ||
        has_failed(mail, config->notify)) {
        return;
    }
    /* Noted first: dying in between costs a notice, never sends two. */
    if (spool_journal(mail, spool_format_event("notice", apr_time_now(), "",
                                               pool)) != 0) {
        return;
    }
    to = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(to, const char *) = config->notify;
    r.config = config;
    r.spool = mail->spool;
    r.from = config->from ? config->from : config->notify;
    r.to = to;
    r.subject = apr_pstrcat(pool, "Mail ", mail->id, " not delivered", NULL);
    text = notice_text(mail, pool);
    r.body = disk_bytes(text, strlen(text));
    r.notice = r.verbatim = 1;
    if (enqueue_mail(&r, &id, &why, pool) != ENQUEUE_OK) {
        report(log, LOG_ERR, PN(15012) "no notice about mail %s: %s", mail->id,
               why);
    }
}
