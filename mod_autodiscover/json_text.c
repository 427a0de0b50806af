/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "json_text.h"

#include "lib/utf8.h"

#include <apr_strings.h>
#include <string.h>

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

const char *discover_json_escape(const char *text, apr_pool_t *pool)
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
