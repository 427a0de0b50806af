/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A module that mails: each request for the handler "reporter" puts a mail with
 * the query string as subject into the queue, from a worker thread, and answers
 * with the mail-id. */

#include "smtp-submit/smtpsubmit.h"

#include <httpd.h> /* first: the others build on it */

#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <string.h>

typedef struct reporter_config_t {
    const char *settings, *to;
} reporter_config_t;

extern module AP_MODULE_DECLARE_DATA reporter_module;

static void *create(apr_pool_t *pool, char *dir)
{
    (void)dir;
    return apr_pcalloc(pool, sizeof(reporter_config_t));
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("ReporterSettings", ap_set_file_slot,
                  (void *)APR_OFFSETOF(reporter_config_t, settings),
                  ACCESS_CONF, "the settings of smtp-submit"),
    AP_INIT_TAKE1("ReporterTo", ap_set_string_slot,
                  (void *)APR_OFFSETOF(reporter_config_t, to), ACCESS_CONF,
                  "who is told"),
    {NULL}};

static int report(request_rec *r)
{
    const reporter_config_t *config =
        ap_get_module_config(r->per_dir_config, &reporter_module);
    const char *to[] = {config->to, NULL};
    smtpsubmit_mail_t mail = {.to = to, .subject = r->args, .text = r->uri};
    char id[SMTPSUBMIT_ID_MAX], why[SMTPSUBMIT_WHY_MAX];

    if (!r->handler || strcmp(r->handler, "reporter") != 0) {
        return DECLINED;
    }
    mail.text_len = strlen(mail.text);
    if (smtpsubmit_enqueue(config->settings, &mail, id, why) != 0) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "PN19901: %s", why);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "%s\n", id);
    return OK;
}

static void hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_handler(report, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(reporter) = {
    STANDARD20_MODULE_STUFF, create, NULL, NULL, NULL, commands, hooks,
    AP_MODULE_FLAG_NONE};
