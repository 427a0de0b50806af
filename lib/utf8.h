/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_UTF8_H
#define POSTERN_UTF8_H

/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, at most
 * U+10FFFF.  Pure; any thread. */

#include <apr.h>

/* The length in bytes (1..4) of the character at `text`, of which `len` bytes
 * may be read, or 0 when there is no valid one. */
apr_size_t utf8_char_length(const char *text, apr_size_t len);

/* 1 when all `len` bytes are valid UTF-8. */
int utf8_is_valid(const char *text, apr_size_t len);

#endif
