/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A MailboxFile: any bytes are a file of checked records or refused with a
 * line and a reason. */

#include "mod_mailbox/userfile.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is found by the first value of the input must be whole. */
static void check_file(const userfile_t *file, const char *user)
{
    const record_t *record = userfile_by_user(file, user);

    if (record && (!record->user || !record->guid || !record->display_name ||
                   strlen(record->guid) != 36 ||
                   (record->addresses->nelts > 0) != (record->mail != NULL))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    userfile_t *file;
    const char *why = NULL;
    int line = 0;

    if (!global) {
        apr_initialize();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    if (userfile_parse(&file, (const char *)data, size, &line, &why, pool) ==
        APR_SUCCESS) {
        check_file(file, "alice");
        check_file(file, "a");
    }
    else if (!why || line < 1) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
