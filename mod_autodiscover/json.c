/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "json.h"

#include "lib/utf8.h"

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

/* The code point of the valid UTF-8 character of `n` bytes at `t`. */
static unsigned int code_point(const unsigned char *t, apr_size_t n)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned int code = t[0] & masks[n];
    apr_size_t i;

    for (i = 1; i < n; i++) {
        code = code << 6 | (t[i] & 0x3f);
    }
    return code;
}

/* Text for between the quotes of a JSON string (RFC 8259 section 7), all of it
 * ASCII; what is no UTF-8 becomes U+FFFD. */
static const char *escaped(const char *text, apr_pool_t *pool)
{
    apr_size_t left = strlen(text), n;
    char *out = apr_palloc(pool, left * 12 + 1), *to = out;

    for (; left > 0; text += n, left -= n) {
        apr_size_t valid = utf8_char_length(text, left);
        unsigned int code =
            valid ? code_point((const unsigned char *)text, valid) : 0xfffd;

        n = valid ? valid : 1;
        if (code >= 0x10000) {
            to += apr_snprintf(to, 13, "\\u%04x\\u%04x",
                               0xd800 + ((code - 0x10000) >> 10),
                               0xdc00 + ((code - 0x10000) & 0x3ff));
        }
        else if (code < 0x20 || code > 0x7e || strchr("\"\\<>&'", (int)code)) {
            to += apr_snprintf(to, 7, "\\u%04x", code);
        }
        else {
            *to++ = (char)code;
        }
    }
    *to = '\0';
    return out;
}

static const char *error_text(const char *code, const char *message,
                              apr_pool_t *pool)
{
    return apr_psprintf(pool, "{\"ErrorCode\":\"%s\",\"ErrorMessage\":\"%s\"}",
                        code, escaped(message, pool));
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
                                 escaped(url_of(answer, i), pool));
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
