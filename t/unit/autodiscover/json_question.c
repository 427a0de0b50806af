/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/json_question.h"

#include "t/unit/tap.h"

#include <apr_general.h>

/* clang-format off */
static const struct {
    const char *name, *path, *query, *address, *protocol;
} rows[] = {
    {"query", "", "Email=u%40d.test&Protocol=Ews&RedirectCount=1", "u@d.test", "Ews"},
    {"query with a plain @", "", "Email=u@d.test&Protocol=Ews", "u@d.test", "Ews"},
    {"other case and order", "", "protocol=EWS&email=u@d.test", "u@d.test", "EWS"},
    {"path", "/v1.0/u@d.test", "Protocol=ActiveSync", "u@d.test", "ActiveSync"},
    {"path in capitals", "/V1.0/u@d.test", "Protocol=x", "u@d.test", "x"},
    {"path wins", "/v1.0/p@d.test", "Email=q@d.test&Protocol=x", "p@d.test", "x"},
    {"plus stays", "", "Email=a+b@d.test&Protocol=x", "a+b@d.test", "x"},
    {"encoded percent", "", "Email=a%2541@d.test&Protocol=x", "a%41@d.test", "x"},
    {"nothing", "", NULL, NULL, NULL},
    {"empty", "", "", NULL, NULL},
    {"empty values", "", "Email=&Protocol=", "", ""},
    {"no value", "", "Email&Protocol", NULL, NULL},
    {"the first counts", "", "Email=a@d&Email=b@d", "a@d", NULL},
    {"another name that ends alike", "", "XEmail=a@d&EmailX=b@d", NULL, NULL},
    {"cut off", "", "Email=a%4", NULL, NULL},
    {"cut off sooner", "", "Email=a%", NULL, NULL},
    {"complete at the end", "", "Email=a%40", "a@", NULL},
    {"no hexadecimal", "", "Email=a%4g&Protocol=x", NULL, "x"},
    {"NUL", "", "Email=a%00b", NULL, NULL},
    {"ampersands", "", "&&Email=a@d&&", "a@d", NULL},
    {"another version", "/v2.0/u@d.test", "Protocol=x", NULL, "x"},
    {"only the version", "/v1.0/", NULL, "", NULL},
};
/* clang-format on */

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        discover_json_question_t q;

        discover_json_question_parse(&q, rows[i].path, rows[i].query, pool);
        is_str(q.address, rows[i].address, rows[i].name);
        is_str(q.protocol, rows[i].protocol, rows[i].name);
    }
    apr_terminate();
    return done_testing();
}
