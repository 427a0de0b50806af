/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/message.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

typedef struct text_t {
    char bytes[65536];
    apr_size_t len;
} text_t;

static int collect(void *baton, const char *data, apr_size_t len)
{
    text_t *text = baton;

    if (len > sizeof(text->bytes) - 1 - text->len) {
        return 28;
    }
    memcpy(text->bytes + text->len, data, len);
    text->len += len;
    text->bytes[text->len] = '\0';
    return 0;
}

/* Encodes in pieces of `step` bytes. */
static void encode(text_t *text, message_encoding_t encoding, const char *in,
                   apr_size_t len, apr_size_t step)
{
    message_encoder_t e;
    apr_size_t i;

    text->len = 0;
    text->bytes[0] = '\0';
    message_encoder_init(&e, encoding, collect, text);
    for (i = 0; i < len; i += step) {
        message_encode(&e, in + i, len - i < step ? len - i : step);
    }
    message_encode_end(&e);
}

static const struct {
    const char *name;
    message_encoding_t encoding;
    const char *in, *out;
} bodies[] = {
    {"empty", MESSAGE_7BIT, "", ""},
    {"LF", MESSAGE_7BIT, "a\nb\n", "a\r\nb\r\n"},
    {"CRLF", MESSAGE_7BIT, "a\r\nb\r\n", "a\r\nb\r\n"},
    {"CR", MESSAGE_7BIT, "a\rb\r", "a\r\nb\r\n"},
    {"mixed", MESSAGE_7BIT, "a\r\r\n\nb\n\r", "a\r\n\r\n\r\nb\r\n\r\n"},
    {"no line end", MESSAGE_7BIT, "a", "a\r\n"},
    {"line ends alone", MESSAGE_7BIT, "\n\n", "\r\n\r\n"},
    {"dots stay", MESSAGE_7BIT, ".\n..\n", ".\r\n..\r\n"},
    {"qp", MESSAGE_QUOTED_PRINTABLE, "h\xc3\xa9=\n", "h=C3=A9=3D\r\n"},
    {"qp blank at end", MESSAGE_QUOTED_PRINTABLE, "a \nb\t",
     "a=20\r\nb=09\r\n"},
    {"qp blank inside", MESSAGE_QUOTED_PRINTABLE, "a b", "a b\r\n"},
    {"qp dot and From", MESSAGE_QUOTED_PRINTABLE, ".x\nFrom a",
     "=2Ex\r\n=46rom a\r\n"},
    {"base64", MESSAGE_BASE64, "Man", "TWFu\r\n"},
    {"base64 line end", MESSAGE_BASE64, "a\n", "YQ0K\r\n"},
    {"base64 two", MESSAGE_BASE64, "Ma", "TWE=\r\n"},
    {"base64 nothing", MESSAGE_BASE64, "", ""},
};

static void test_bodies(void)
{
    static text_t text;
    size_t i;
    apr_size_t step;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        for (step = 1; step < 4; step++) {
            encode(&text, bodies[i].encoding, bodies[i].in,
                   strlen(bodies[i].in), step);
            if (strcmp(text.bytes, bodies[i].out) != 0) {
                break;
            }
        }
        is_str(text.bytes, bodies[i].out, bodies[i].name);
    }
}

static int longest_line(const char *s)
{
    int longest = 0, n = 0;

    for (; *s; s++) {
        n = *s == '\n' ? 0 : n + 1;
        longest = n > longest ? n : longest;
    }
    return longest;
}

static void test_long_lines(void)
{
    static text_t text;
    char in[3000];

    memset(in, 'x', sizeof(in));
    encode(&text, MESSAGE_QUOTED_PRINTABLE, in, sizeof(in), 7);
    ok(longest_line(text.bytes) <= 77, "qp lines are short");
    memset(in, '\xff', sizeof(in));
    encode(&text, MESSAGE_BASE64, in, sizeof(in), 7);
    is_int(longest_line(text.bytes), 77, "base64 lines are 76 and CR");
}

static const struct {
    const char *name, *in;
    apr_size_t len;
    message_encoding_t encoding;
    const char *charset;
} scans[] = {
    {"empty", "", 0, MESSAGE_7BIT, "us-ascii"},
    {"ASCII", "abc\n", 4, MESSAGE_7BIT, "us-ascii"},
    {"UTF-8", "caf\xc3\xa9 au lait", 13, MESSAGE_QUOTED_PRINTABLE, "utf-8"},
    {"mostly UTF-8", "\xd0\x9f\xd1\x80", 4, MESSAGE_BASE64, "utf-8"},
    {"NUL", "a\0b", 3, MESSAGE_BASE64, "us-ascii"},
    {"not UTF-8", "caf\xe9 au lait", 12, MESSAGE_BASE64, "unknown-8bit"},
    {"torn UTF-8", "caf au lait\xc3", 12, MESSAGE_BASE64, "unknown-8bit"},
};

static void test_scans(void)
{
    size_t i;
    apr_size_t k;

    for (i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
        message_scan_t scan = {0};
        const char *charset;

        for (k = 0; k < scans[i].len; k++) {
            message_scan(&scan, scans[i].in + k, 1);
        }
        is_int(message_scan_encoding(&scan, &charset), scans[i].encoding,
               scans[i].name);
        is_str(charset, scans[i].charset, scans[i].name);
    }
    {
        message_scan_t scan = {0};
        char line[999];
        const char *charset;

        memset(line, 'x', sizeof(line));
        message_scan(&scan, line, 998);
        is_int(message_scan_encoding(&scan, &charset), MESSAGE_7BIT,
               "998 bytes in a line");
        message_scan(&scan, line, 1);
        is_int(message_scan_encoding(&scan, &charset), MESSAGE_QUOTED_PRINTABLE,
               "999 bytes in a line");
    }
}

static const struct {
    const char *name, *in, *out;
} subjects[] = {
    {"plain", "The LAN interface is down", "The LAN interface is down"},
    {"empty", "", ""},
    {"UTF-8", "caf\xc3\xa9", "=?utf-8?B?Y2Fmw6k=?="},
    {"looks encoded", "=?x", "=?utf-8?B?PT94?="},
    {"blank first", " x", "=?utf-8?B?IHg=?="},
    {"blank last", "x ", "=?utf-8?B?eCA=?="},
    {"folded at a blank",
     "aaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb "
     "cccccccccccccccc "
     "dd",
     "aaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n "
     "cccccccccccccccc dd"},
};

static void test_subjects(apr_pool_t *pool)
{
    char text[2001];
    const char *out;
    size_t i;

    for (i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        is_str(message_encode_text(subjects[i].in, 9, pool), subjects[i].out,
               subjects[i].name);
    }
    for (i = 0; i < 2000; i += 2) {
        memcpy(text + i, "\xc3\xa9", 3);
    }
    out = message_encode_text(text, 9, pool);
    ok(longest_line(out) <= 76, "encoded words are short");
    memset(text, 'x', 2000);
    ok(longest_line(message_encode_text(text, 9, pool)) <= 76,
       "a word of 2000 letters too");
}

static void test_header(apr_pool_t *pool)
{
    apr_array_header_t *to = apr_array_make(pool, 2, sizeof(char *));
    message_header_t h = {0};

    setenv("TZ", "UTC", 1);
    APR_ARRAY_PUSH(to, const char *) = "a@example.test";
    APR_ARRAY_PUSH(to, const char *) = "b@example.test";
    h.from = "f@example.test";
    h.to = to;
    h.subject = "s";
    h.date = apr_time_from_sec(1523331901);
    h.message_id = "1@h";
    h.charset = "us-ascii";
    is_str(message_header(&h, pool),
           "To: <a@example.test>,\r\n <b@example.test>\r\n"
           "From: <f@example.test>\r\nSubject: s\r\n"
           "Date: Tue, 10 Apr 2018 03:45:01 +0000\r\nMessage-ID: <1@h>\r\n"
           "MIME-Version: 1.0\r\n"
           "Content-Type: text/plain; charset=us-ascii\r\n"
           "Content-Transfer-Encoding: 7bit\r\n\r\n",
           "S28: header");
}

static void test_stuffing(void)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {".", ".."},
        {"a.b\r\n.\r\n", "a.b\r\n..\r\n"},
        {"..\r\n", "...\r\n"},
        {"\r\n.x", "\r\n..x"},
        {"", ""},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[64];
        int start = 1;
        apr_size_t k, n = 0;

        for (k = 0; k < strlen(rows[i].in); k++) {
            n += message_stuff(rows[i].in + k, 1, out + n, &start);
        }
        out[n] = '\0';
        is_str(out, rows[i].out, "dots");
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_bodies();
    test_long_lines();
    test_scans();
    test_subjects(pool);
    test_header(pool);
    test_stuffing();
    apr_terminate();
    return done_testing();
}
