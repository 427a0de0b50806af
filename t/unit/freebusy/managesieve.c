/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/managesieve.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const struct {
    const char *name, *bytes;
    apr_status_t rv;
    managesieve_status_e status;
    const char *code, *text;
    int lines;
} rows[] = {
    {"OK", "OK\r\n", APR_SUCCESS, MANAGESIEVE_OK, NULL, NULL, 0},
    {"lower case", "ok\r\n", APR_SUCCESS, MANAGESIEVE_OK, NULL, NULL, 0},
    {"with a text", "OK \"all is \\\"well\\\"\"\r\n", APR_SUCCESS,
     MANAGESIEVE_OK, NULL, "all is \"well\"", 0},
    {"with a code", "NO (NONEXISTENT) \"none\"\r\n", APR_SUCCESS,
     MANAGESIEVE_NO, "NONEXISTENT", "none", 0},
    {"with a code of parts", "NO (QUOTA/MAXSIZE) \"x\"\r\n", APR_SUCCESS,
     MANAGESIEVE_NO, "QUOTA/MAXSIZE", "x", 0},
    {"with a code and a string", "OK (TAG {2}\r\n)) \"y\")\r\n", APR_SUCCESS,
     MANAGESIEVE_OK, "TAG", NULL, 0},
    {"text as a literal", "BYE {9}\r\na\r\nb\"\r\n", APR_INCOMPLETE,
     MANAGESIEVE_BYE, NULL, NULL, 0},
    {"text as a literal, whole", "BYE {4}\r\na\r\nb\r\n", APR_SUCCESS,
     MANAGESIEVE_BYE, NULL, "a\r\nb", 0},
    {"capabilities",
     "\"IMPLEMENTATION\" \"x\"\r\n\"SASL\" \"PLAIN LOGIN\"\r\n\"STARTTLS\"\r\n"
     "OK\r\n",
     APR_SUCCESS, MANAGESIEVE_OK, NULL, NULL, 3},
    {"scripts", "\"a\" ACTIVE\r\n\"OK\"\r\nOK\r\n", APR_SUCCESS, MANAGESIEVE_OK,
     NULL, NULL, 2},
    {"a script as a literal", "{8+}\r\nOK\r\nx\r\n\"\r\nOK\r\n", APR_SUCCESS,
     MANAGESIEVE_OK, NULL, NULL, 1},
    {"more behind a literal", "{1}\r\nxy\r\nOK\r\n", APR_EINVAL, 0, NULL, NULL,
     0},
    {"a script that looks like a status", "{6}\r\nNO\r\nOK\r\nOK\r\n",
     APR_SUCCESS, MANAGESIEVE_OK, NULL, NULL, 1},
    {"line feed alone", "OK\n", APR_SUCCESS, MANAGESIEVE_OK, NULL, NULL, 0},
    {"nothing", "", APR_INCOMPLETE, 0, NULL, NULL, 0},
    {"no end", "OK", APR_INCOMPLETE, 0, NULL, NULL, 0},
    {"string without end", "\"abc", APR_INCOMPLETE, 0, NULL, NULL, 0},
    {"escape at the end", "\"abc\\", APR_INCOMPLETE, 0, NULL, NULL, 0},
    {"a literal that is too long", "{99999999999999999999}\r\n", APR_ENOSPC, 0,
     NULL, NULL, 0},
    {"a literal without length", "{}\r\nOK\r\n", APR_EINVAL, 0, NULL, NULL, 0},
    {"another protocol", "220 mail.example.test LMTP\r\n", APR_INCOMPLETE, 0,
     NULL, NULL, 0},
    {"rubbish", "\x01\x02\r\n", APR_EINVAL, 0, NULL, NULL, 0},
    {"two blanks", "OK  \"x\"\r\n", APR_EINVAL, 0, NULL, NULL, 0},
};

static void test_rows(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        managesieve_answer_t a;
        apr_size_t used = 0;
        apr_status_t rv = managesieve_read(&a, rows[i].bytes,
                                           strlen(rows[i].bytes), &used, pool);

        is_int(rv, rows[i].rv, rows[i].name);
        if (rv == APR_SUCCESS) {
            is_int(a.status, rows[i].status, "  status");
            is_str(a.code, rows[i].code, "  code");
            is_str(a.text, rows[i].text, "  text");
            is_int(a.lines->nelts, rows[i].lines, "  lines");
            is_int((long long)used, (long long)strlen(rows[i].bytes), "  used");
        }
    }
}

/* Until the last byte has come there is no answer, and none before is wrong. */
static void test_truncation(apr_pool_t *pool)
{
    static const char text[] =
        "\"a \\\"b\\\"\" ACTIVE\r\n{10}\r\n1234\r\nOK\r\n\r\nOK (A/B \"c\") "
        "\"d\"\r\n";
    apr_size_t len, used, waiting = 0;
    managesieve_answer_t a;

    for (len = 0; len < sizeof(text) - 1; len++) {
        char *copy = apr_pmemdup(pool, text, len ? len : 1);

        waiting +=
            managesieve_read(&a, copy, len, &used, pool) == APR_INCOMPLETE;
    }
    is_int((long long)waiting, (long long)sizeof(text) - 1, "each cut waits");
    is_int(managesieve_read(&a, text, sizeof(text) - 1, &used, pool),
           APR_SUCCESS, "the whole is an answer");
    is_str(APR_ARRAY_IDX(APR_ARRAY_IDX(a.lines, 1, apr_array_header_t *), 0,
                         const char *),
           "1234\r\nOK\r\n", "with its literal");
}

static void test_has(apr_pool_t *pool)
{
    static const char text[] =
        "\"SASL\" \"DIGEST-MD5 PLAIN\"\r\n\"starttls\"\r\n\"VERSION\" "
        "\"1.0\"\r\nOK\r\n";
    managesieve_answer_t a;
    apr_size_t used;

    managesieve_read(&a, text, sizeof(text) - 1, &used, pool);
    ok(managesieve_has(&a, "STARTTLS", NULL), "STARTTLS");
    ok(managesieve_has(&a, "sasl", "plain"), "PLAIN");
    ok(!managesieve_has(&a, "SASL", "PLAI"), "not a part of a word");
    ok(!managesieve_has(&a, "SASL", "LOGIN"), "not LOGIN");
    ok(!managesieve_has(&a, "SIEVE", NULL), "not SIEVE");
}

static void test_commands(apr_pool_t *pool)
{
    is_str(managesieve_command(pool, "LISTSCRIPTS", NULL), "LISTSCRIPTS\r\n",
           "none");
    is_str(managesieve_command(pool, "SETACTIVE", "", NULL),
           "SETACTIVE \"\"\r\n", "empty");
    is_str(managesieve_command(pool, "PUTSCRIPT", "a b", "x\"\r\ny", NULL),
           "PUTSCRIPT \"a b\" {5+}\r\nx\"\r\ny\r\n", "what quotes cannot hold");
    is_str(
        managesieve_command(pool, "SETACTIVE", "a\r\nDELETESCRIPT \"b\"", NULL),
        "SETACTIVE {19+}\r\na\r\nDELETESCRIPT \"b\"\r\n", "no second command");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_truncation(pool);
    test_has(pool);
    test_commands(pool);
    apr_terminate();
    return done_testing();
}
