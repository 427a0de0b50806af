/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/query.h"

#include "t/unit/tap.h"

#include <apr_general.h>

static const struct {
    const char *query, *expected;
} rows[] = {
    {"n=value", "value"},
    {"N=value&n=2", "value"},
    {"x=1&n=value", "value"},
    {"n=a%40b", "a@b"},
    {"n=a+b", "a+b"},
    {"n=", ""},
    {"n=%c3%BC", "\xc3\xbc"},
    {"n", NULL},
    {"", NULL},
    {NULL, NULL},
    {"nn=1", NULL},
    {"n=%", NULL},
    {"n=%4", NULL},
    {"n=%41", "A"},
    {"n=%zz", NULL},
    {"n=%00", NULL},
    {"n=a=b", "a=b"},
    {"n=1;n=2", "1;n=2"},
};

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(discover_query_parameter(rows[i].query, "n", pool),
               rows[i].expected, rows[i].query ? rows[i].query : "no query");
    }
    apr_terminate();
    return done_testing();
}
