/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/utf8.h"

/* RFC 3629 section 4, as a table: lead byte range, range of the second byte,
 * length. */
static const struct {
    unsigned char lead_low, lead_high, second_low, second_high, length;
} forms[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static int tail_is_valid(const unsigned char *t, apr_size_t i)
{
    apr_size_t k;

    if (forms[i].length > 1 &&
        (t[1] < forms[i].second_low || t[1] > forms[i].second_high)) {
        return 0;
    }
    for (k = 2; k < forms[i].length; k++) {
        if ((t[k] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return 1;
}

apr_size_t utf8_char_length(const char *text, apr_size_t len)
{
    const unsigned char *t = (const unsigned char *)text;
    apr_size_t i;

    if (len == 0) {
        return 0;
    }
    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (t[0] >= forms[i].lead_low && t[0] <= forms[i].lead_high) {
            return len >= forms[i].length && tail_is_valid(t, i)
                       ? forms[i].length
                       : 0;
        }
    }
    return 0;
}

int utf8_is_valid(const char *text, apr_size_t len)
{
    while (len > 0) {
        apr_size_t n = utf8_char_length(text, len);

        if (n == 0) {
            return 0;
        }
        text += n;
        len -= n;
    }
    return 1;
}
