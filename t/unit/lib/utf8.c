/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/utf8.h"
#include "t/unit/tap.h"

#include <stdlib.h>

/* clang-format off */
static const struct {
    const char *name, *bytes;
    apr_size_t expected; /* length of the first character; 0: not valid */
} rows[] = {
    {"ASCII",                     "a",                1},
    {"DEL",                       "\x7f",             1},
    {"first of two bytes U+0080", "\xc2\x80",         2},
    {"last of two bytes U+07FF",  "\xdf\xbf",         2},
    {"first of three U+0800",     "\xe0\xa0\x80",     3},
    {"last below surrogates",     "\xed\x9f\xbf",     3},
    {"first above surrogates",    "\xee\x80\x80",     3},
    {"U+FFFF",                    "\xef\xbf\xbf",     3},
    {"first of four U+10000",     "\xf0\x90\x80\x80", 4},
    {"last of all U+10FFFF",      "\xf4\x8f\xbf\xbf", 4},
    {"lone continuation",         "\x80",             0},
    {"lone last continuation",    "\xbf",             0},
    {"overlong NUL",              "\xc0\x80",         0},
    {"overlong slash",            "\xc0\xaf",         0},
    {"overlong in C1",            "\xc1\xbf",         0},
    {"overlong of three",         "\xe0\x9f\xbf",     0},
    {"overlong of four",          "\xf0\x8f\xbf\xbf", 0},
    {"first surrogate",           "\xed\xa0\x80",     0},
    {"last surrogate",            "\xed\xbf\xbf",     0},
    {"U+110000",                  "\xf4\x90\x80\x80", 0},
    {"F5",                        "\xf5\x80\x80\x80", 0},
    {"five bytes",                "\xf8\x88\x80\x80\x80", 0},
    {"FE",                        "\xfe",             0},
    {"FF",                        "\xff",             0},
    {"second byte is ASCII",      "\xc3(",            0},
    {"third byte is ASCII",       "\xe2\x82(",        0},
    {"fourth byte is ASCII",      "\xf0\x9f\x98(",    0},
    {"third byte leads",          "\xe2\x82\xc2",     0},
};
/* clang-format on */

static void test_rows(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_size_t len = strlen(rows[i].bytes);

        is_int((long long)utf8_char_length(rows[i].bytes, len),
               (long long)rows[i].expected, rows[i].name);
        is_int(utf8_is_valid(rows[i].bytes, len), rows[i].expected != 0,
               "whole text says the same");
    }
}

/* A character cut short is not valid, and no byte beyond the cut is read: each
 * cut is a block of its own size, which valgrind and ASan watch. */
static void test_cuts(void)
{
    size_t i, len;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (len = 0; len < rows[i].expected; len++) {
            char *cut = malloc(len + !len);

            if (cut) {
                memcpy(cut, rows[i].bytes, len);
                is_int((long long)utf8_char_length(cut, len), 0, "cut short");
            }
            free(cut);
        }
    }
}

static void test_texts(void)
{
    ok(utf8_is_valid("", 0), "nothing is valid");
    ok(utf8_is_valid("a\0b", 3), "NUL is a character");
    ok(utf8_is_valid("Gr\xc3\xbc\xc3\x9f"
                     "e, \xe2\x82\xac, \xf0\x9f\x93\xac",
                     18),
       "mixed lengths");
    ok(!utf8_is_valid("abc\xc3", 4), "ends in the middle of a character");
    ok(!utf8_is_valid("ab\xff"
                      "cd",
                      5),
       "one bad byte in the middle");
}

int main(void)
{
    test_rows();
    test_cuts();
    test_texts();
    return done_testing();
}
