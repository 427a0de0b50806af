/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What mailaddr_parse() lets pass must be safe in an SMTP command, a header
 * and a log line, and must parse to itself. */

#include "lib/mailaddr.h"
#include "lib/utf8.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const mailaddr_t *addr, apr_pool_t *pool)
{
    const char *why, *p;
    mailaddr_t again;
    size_t len = strlen(addr->text);

    for (p = addr->text; *p; p++) {
        if ((unsigned char)*p <= 0x20 || *p == 0x7f || strchr("<>,;\"", *p)) {
            abort();
        }
    }
    if (len > MAILADDR_MAX || strlen(addr->local) > MAILADDR_LOCAL_MAX ||
        !utf8_is_valid(addr->text, len) ||
        strcmp(addr->text,
               apr_pstrcat(pool, addr->local, "@", addr->domain, NULL)) != 0) {
        abort();
    }
    if (mailaddr_parse(&again, addr->text, len, &why, pool) != APR_SUCCESS ||
        !mailaddr_same(again.text, addr->text)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;
    const char *why = NULL;
    mailaddr_t addr;

    if (!global) {
        apr_initialize();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    if (mailaddr_parse(&addr, (const char *)data, size, &why, pool) ==
        APR_SUCCESS) {
        check_accepted(&addr, pool);
    }
    else if (!why) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
