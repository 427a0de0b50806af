/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/dsn.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

typedef struct row_t {
    const char *in, *out;
} row_t;

static const row_t notifies[] = {
    {"never", "NEVER"},
    {"Success", "SUCCESS"},
    {"failure,DELAY", "FAILURE,DELAY"},
    {"success,failure,delay", "SUCCESS,FAILURE,DELAY"},
    {"never,delay", NULL},
    {"", NULL},
    {",", NULL},
    {"delay,", NULL},
    {"delays", NULL},
    {"success ORCPT=x", NULL},
    {"delay\r\nRSET", NULL},
};

static const row_t returns[] = {
    {"full", "FULL"}, {"HDRS", "HDRS"}, {"headers", "HDRS"},
    {"", NULL},       {"ful", NULL},    {"full BODY=7BIT", NULL},
};

static const row_t ids[] = {
    {"QQ314159", "QQ314159"},
    {"a+2Bb", "a+2Bb"}, /* is xtext */
    {"a+b", "a+2Bb"},
    {"a+2bb", "a+2B2bb"}, /* small letters are none */
    {"two words", "two+20words"},
    {"x=\r\nRSET", "x+3D+0D+0ARSET"},
    {"\xc3\xa9", "+C3+A9"},
    {"+", "+2B"},
    {"+4", "+2B4"},
    {"", NULL},
};

static void test_ids(apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, 128);
    size_t i;

    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        is_str(dsn_envelope_id(ids[i].in, pool), ids[i].out, "envelope id");
    }
    memset(text, 'x', 100);
    is_str(dsn_envelope_id(text, pool), text, "100 characters");
    text[100] = 'x';
    is_str(dsn_envelope_id(text, pool), NULL, "101");
    memset(text, ' ', 101);
    text[34] = '\0';
    is_str(dsn_envelope_id(text, pool), NULL, "102, once encoded");
}

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(notifies) / sizeof(notifies[0]); i++) {
        is_str(dsn_notify(notifies[i].in, pool), notifies[i].out, "notify");
    }
    for (i = 0; i < sizeof(returns) / sizeof(returns[0]); i++) {
        is_str(dsn_returns(returns[i].in), returns[i].out, "return");
    }
    test_ids(pool);
    is_str(dsn_xtext("a+b@example.test", pool), "a+2Bb@example.test", "xtext");
    apr_pool_destroy(pool);
    return done_testing();
}
