/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Everything else that reads what others wrote: message headers, log lines,
 * queue files, an ini file, settings.  The first byte chooses. */

#include "smtp-submit/config.h"
#include "smtp-submit/header.h"
#include "smtp-submit/log_filter.h"
#include "smtp-submit/message.h"
#include "smtp-submit/ocs.h"
#include "smtp-submit/spool_format.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void header(const char *text, size_t len, apr_pool_t *pool)
{
    apr_array_header_t *fields,
        *found = apr_array_make(pool, 4, sizeof(char *));
    apr_size_t used;
    int i;

    header_split(text, len, &fields, &used, pool);
    if (used > len) {
        abort();
    }
    for (i = 0; i < fields->nelts; i++) {
        const header_field_t *f = &APR_ARRAY_IDX(fields, i, header_field_t);

        if (strpbrk(f->value, "\r\n")) {
            abort();
        }
        header_addresses(f->value, found, pool);
        (void)message_encode_text(f->value, 9, pool);
    }
}

static void log_line(const char *text, size_t len, apr_pool_t *pool)
{
    log_record_t r;

    log_parse(&r, text, len, pool);
    if (r.level < 0 || r.level > 7 || r.facility < 0 || r.facility > 23 ||
        !r.program || !r.text || strpbrk(r.text, "\r\n")) {
        abort();
    }
}

static void queue_file(const char *text, size_t len, apr_pool_t *pool)
{
    spool_mail_t mail = {0};
    spool_head_t head;

    if (len >= SPOOL_HEAD_LEN) {
        (void)spool_parse_head(&head, text);
    }
    mail.pool = pool;
    if (spool_parse_envelope(&mail, text, pool)) {
        spool_parse_journal(&mail, text, pool);
        (void)spool_pending(&mail);
    }
}

/* What settings print, they read back as the same. */
static void settings(const char *text, apr_pool_t *pool)
{
    submit_config_t config, again;
    const char *why, *printed;

    submit_config_init(&config, pool);
    submit_config_init(&again, pool);
    if (submit_config_parse(&config, text, strlen(text), &why, pool) !=
        APR_SUCCESS) {
        return;
    }
    printed = submit_config_print(&config, pool);
    if (submit_config_parse(&again, printed, strlen(printed), &why, pool) !=
            APR_SUCCESS ||
        strcmp(printed, submit_config_print(&again, pool)) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    apr_pool_t *pool;
    const char *text, *out, *why;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    if (size == 0) {
        return 0;
    }
    apr_pool_create(&pool, root);
    text = apr_pstrmemdup(pool, (const char *)data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        header(text, size - 1, pool);
        break;
    case 1:
        log_line(text, size - 1, pool);
        break;
    case 2:
        queue_file(text, size - 1, pool);
        break;
    case 3:
        (void)ocs_import(&out, text, &why, pool);
        break;
    default:
        settings(text, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
