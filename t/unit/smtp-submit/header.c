/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/header.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const struct {
    const char *name, *in;
    int fields;
    const char *body, *subject;
} headers[] = {
    {"plain", "To: a@b.c\nSubject: x\n\nbody\n", 2, "body\n", "x"},
    {"CRLF", "To: a@b.c\r\nSubject:x\r\n\r\nbody", 2, "body", "x"},
    {"folded", "Subject: a\n b\n\tc\nTo: x\n\n", 2, "", "a b c"},
    {"only a header", "Subject: x\n", 1, "", "x"},
    {"no header", "hello: there is a blank before\n", 1, "", NULL},
    {"text first", "Hello there\nSubject: x\n", 0, "Hello there\nSubject: x\n",
     NULL},
    {"empty line forgotten", "Subject: x\nHello there\n", 1, "Hello there\n",
     "x"},
    {"mbox line", "From a@b Tue\nSubject: x\n\nb", 1, "b", "x"},
    {"nothing", "", 0, "", NULL},
    {"blank line first", "\nSubject: x\n", 0, "Subject: x\n", NULL},
    {"continuation first", " x\nSubject: x\n", 0, " x\nSubject: x\n", NULL},
    {"control character", "Subject: a\1b\n\n", 1, "", "a?b"},
    {"lone CR inside", "Subject: a\rBcc: b\n\n", 1, "", "a?Bcc: b"},
};

static void test_headers(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        apr_array_header_t *fields;
        apr_size_t used;

        header_split(headers[i].in, strlen(headers[i].in), &fields, &used,
                     pool);
        is_int(fields->nelts, headers[i].fields, headers[i].name);
        is_str(headers[i].in + used, headers[i].body, "body");
        is_str(header_value(fields, "SUBJECT"), headers[i].subject, "subject");
    }
}

static const struct {
    const char *in, *out;
} lists[] = {
    {"a@b.c", "a@b.c"},
    {"a@b.c, d@e.f", "a@b.c|d@e.f"},
    {"Al <a@b.c>, \"Doe, J.\" <d@e.f>", "a@b.c|d@e.f"},
    {"a@b.c (Al (x, y) Doe), d@e.f", "a@b.c|d@e.f"},
    {"friends: a@b.c, Bo <d@e.f>;, g@h.i", "a@b.c|d@e.f|g@h.i"},
    {"undisclosed-recipients:;", ""},
    {"root", "root"},
    {", ,a@b.c,,", "a@b.c"},
    {"\"a\\\"b\" <a@b.c>", "a@b.c"},
    {"<a@b.c", "a@b.c"},
    {"(never closed a@b.c", ""},
    {"\"never closed a@b.c", "\"never closed a@b.c"},
    {"", ""},
};

static void test_lists(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        apr_array_header_t *found = apr_array_make(pool, 4, sizeof(char *));

        header_addresses(lists[i].in, found, pool);
        is_str(apr_array_pstrcat(pool, found, '|'), lists[i].out, lists[i].in);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_headers(pool);
    test_lists(pool);
    apr_pool_destroy(pool);
    return done_testing();
}
