/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/json.h"

#include "t/unit/tap.h"

#include <apr_general.h>

static const discover_answer_t some = {
    .pox_url = "https://h/autodiscover/autodiscover.xml",
    .ews_url = "https://h/ews?a=\"\\&b",
};

/* clang-format off */
static const struct {
    const discover_answer_t *answer;
    const char *protocol;
    int status;
    const char *expected;
} rows[] = {
    {&some, "Autodiscoverv1", 200, "{\"Protocol\":\"AutodiscoverV1\",\"Url\":\"https://h/autodiscover/autodiscover.xml\"}"},
    {&some, "EWS", 200, "{\"Protocol\":\"Ews\",\"Url\":\"https://h/ews?a=\\u0022\\u005c\\u0026b\"}"},
    {&some, "ActiveSync", 400, "{\"ErrorCode\":\"InvalidProtocol\",\"ErrorMessage\":\"The given protocol value "
        "\\u0027ActiveSync\\u0027 is invalid. Supported values are \\u0027AutodiscoverV1, Ews\\u0027.\"}"},
    {&some, "\"\n\xff\xc3\xbc\xf0\x9f\x98\x80</script>", 400, "{\"ErrorCode\":\"InvalidProtocol\",\"ErrorMessage\":\"The given protocol value "
        "\\u0027\\u0022\\u000a\\ufffd\\u00fc\\ud83d\\ude00\\u003c/script\\u003e\\u0027 is invalid. Supported values are \\u0027AutodiscoverV1, Ews\\u0027.\"}"},
    {&some, NULL, 400, "{\"ErrorCode\":\"MandatoryParameterMissing\",\"ErrorMessage\":\"A valid value must be provided for the query parameter \\u0027Protocol\\u0027.\"}"},
    {&some, "", 400, "{\"ErrorCode\":\"MandatoryParameterMissing\",\"ErrorMessage\":\"A valid value must be provided for the query parameter \\u0027Protocol\\u0027.\"}"},
    {NULL, "Ews", 404, "{\"ErrorCode\":\"UserNotFound\",\"ErrorMessage\":\"The given user is not found.\"}"},
};
/* clang-format on */

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = NULL;

        is_int(
            discover_json_print(rows[i].answer, rows[i].protocol, &text, pool),
            rows[i].status, "status");
        is_str(text, rows[i].expected, "text");
    }
    apr_terminate();
    return done_testing();
}
