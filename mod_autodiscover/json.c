/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "json.h"
#include "json_text.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* The protocols that have a URL, spelt as answers spell them. */
static const struct {
    const char *name;
    apr_size_t member;
} protocols[] = {
    {"AutodiscoverV1", offsetof(discover_answer_t, pox_url)},
    {"Ews", offsetof(discover_answer_t, ews_url)},
    {"ActiveSync", offsetof(discover_answer_t, eas_url)},
};
#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static const char *url_of(const discover_answer_t *answer, apr_size_t protocol)
{
    return *(const char *const *)((const char *)answer +
                                  protocols[protocol].member);
}

static const char *error_text(const char *code, const char *message,
                              apr_pool_t *pool)
{
    return apr_psprintf(pool, "{\"ErrorCode\":\"%s\",\"ErrorMessage\":\"%s\"}",
                        code, discover_json_escape(message, pool));
}

/* The protocols that are configured, for people to read. */
static const char *supported(const discover_answer_t *answer, apr_pool_t *pool)
{
    const char *list = "";
    apr_size_t i;

    for (i = 0; i < PROTOCOLS; i++) {
        if (url_of(answer, i)) {
            list = apr_pstrcat(pool, list, *list ? ", " : "", protocols[i].name,
                               NULL);
        }
    }
    return list;
}

int discover_json_print(const discover_answer_t *answer, const char *protocol,
                        const char **text, apr_pool_t *pool)
{
    apr_size_t i;

    if (!answer) {
        *text =
            error_text("UserNotFound", "The given user is not found.", pool);
        return 404;
    }
    if (!protocol || !*protocol) {
        *text = error_text("MandatoryParameterMissing",
                           "A valid value must be provided for the query "
                           "parameter 'Protocol'.",
                           pool);
        return 400;
    }
    for (i = 0; i < PROTOCOLS; i++) {
        if (strcasecmp(protocols[i].name, protocol) == 0 && url_of(answer, i)) {
            *text = apr_psprintf(pool, "{\"Protocol\":\"%s\",\"Url\":\"%s\"}",
                                 protocols[i].name,
                                 discover_json_escape(url_of(answer, i), pool));
            return 200;
        }
    }
    *text = error_text("InvalidProtocol",
                       apr_pstrcat(pool, "The given protocol value '", protocol,
                                   "' is invalid. Supported values are '",
                                   supported(answer, pool), "'.", NULL),
                       pool);
    return 400;
}
