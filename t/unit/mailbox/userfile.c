/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/userfile.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static const char good[] = "# people\n"
                           "\n"
                           "user: alice\n"
                           "mail: alice@Example.test\n"
                           "alias: a.smith@example.test\n"
                           "name:\tAlice  Smith  \n"
                           "legacydn: /o=Example/cn=alice\n"
                           "guid: {0B7F1D5E-6A0C-4A86-9A53-2F5F1C6A7D11}\n"
                           "# within a paragraph\n"
                           "password: $apr1$saltsalt$yIV5xYEYAwGF7j3Ba2YrT0\n"
                           "   \n"
                           "\n"
                           "user: Bob\r\n"
                           "mail: bob@example.test\r\n"
                           "\r\n"
                           "user: dave\n"
                           "host: store.example.test";

static const struct {
    const char *text;
    int line;
    const char *why;
} bad[] = {
    {"mail: a@b.test\n", 1, "paragraph does not start with user:"},
    {"user: a\nuser: b\n", 2,
     "user stands within a paragraph; a blank line is missing"},
    {"user: a\ncolour: red\n", 2,
     "key is none of user, password, mail, alias, name, legacydn, guid, "
     "host"},
    {"user: a\n\nUSER: b\n", 3,
     "key is none of user, password, mail, alias, name, legacydn, guid, "
     "host"},
    {"user: a\nmail a@b.test\n", 2, "line has no colon"},
    {"user: a\nname:\n", 2,
     "value is empty, too long, not UTF-8 or holds a control character"},
    {"user: a\nname: \xff\n", 2,
     "value is empty, too long, not UTF-8 or holds a control character"},
    {"user: a\nname: a\tb\n", 2,
     "value is empty, too long, not UTF-8 or holds a control character"},
    {"user: EXAMPLE\\a\n", 1, "user is an account name, without domain"},
    {"user: a@b.test\n", 1, "user is an account name, without domain"},
    {"user: a\nmail: a\n", 2, "address has not exactly one @"},
    {"user: a\nmail: a@b.test\nmail: c@b.test\n", 3,
     "mail is given twice; further addresses are written as alias"},
    {"user: a\nalias: a@b.test\n", 1, "mailbox has an alias but no mail"},
    {"user: a\nlegacydn: cn=x\n", 2, "legacydn does not start with /"},
    {"user: a\nhost: b.test:993\n", 2, "host is no host name"},
    {"user: a\nguid: 1\n", 2, "guid is not of the form 8-4-4-4-12"},
    {"user: a\npassword: clear\n", 2,
     "password is no hash that htpasswd or slappasswd makes"},
    {"user: a\npassword: {SHA}NWoZK3kTsExUV00Ywo1G5jlUKKs=\n"
     "password: {SHA}NWoZK3kTsExUV00Ywo1G5jlUKKs=\n",
     3, "password is given twice"},
    {"user: a\n\n\nuser: A\n", 4, "user stands in the file already"},
    {"user: a\nmail: a@b.test\n\nuser: b\nmail: b@b.test\nalias: A@B.test\n", 4,
     "mailbox has an address that another one has"},
    {"user: a\nlegacydn: /o=x\n\nuser: b\nlegacydn: /O=X\n", 4,
     "mailbox has a legacydn that another one has"},
};

static apr_status_t parse(userfile_t **file, const char *text, int *line,
                          const char **why, apr_pool_t *pool)
{
    return userfile_parse(file, text, strlen(text), line, why, pool);
}

static void test_good(apr_pool_t *pool)
{
    userfile_t *file;
    const record_t *alice, *bob;
    const char *why;
    int line;

    if (!is_int(parse(&file, good, &line, &why, pool), APR_SUCCESS, "good")) {
        printf("# line %d: %s\n", line, why);
        return;
    }
    is_int(userfile_count(file), 3, "three mailboxes");
    alice = userfile_by_user(file, "ALICE");
    ok(alice != NULL, "by user, without regard to case");
    is_str(alice->mail, "alice@example.test", "mail");
    is_str(alice->display_name, "Alice  Smith", "name without outer blanks");
    is_str(alice->guid, "0b7f1d5e-6a0c-4a86-9a53-2f5f1c6a7d11", "guid");
    is_str(alice->password, "$apr1$saltsalt$yIV5xYEYAwGF7j3Ba2YrT0", "hash");
    ok(userfile_by_address(file, "A.Smith@EXAMPLE.test") == alice, "by alias");
    ok(userfile_by_legacy_dn(file, "/O=EXAMPLE/CN=ALICE") == alice,
       "by legacyExchangeDN");
    ok(userfile_sample(file) == alice, "the one with a password");
    bob = userfile_by_address(file, "bob@example.test");
    is_str(bob ? bob->user : NULL, "Bob", "line ends of Windows");
    ok(bob && !bob->password && strlen(bob->guid) == 36, "what is not there");
    ok(userfile_by_user(file, "dave") && !userfile_by_user(file, "dave")->mail,
       "a user without mail, and no line end at the end");
    is_str(userfile_by_user(file, "dave")->host, "store.example.test", "host");
    ok(!alice->host, "which others have not");
    ok(!userfile_by_user(file, ""), "nobody");
    ok(!userfile_by_user(file, apr_psprintf(pool, "%2000d", 1)), "too long");
}

static void test_bad(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        userfile_t *file;
        const char *why = NULL;
        int line = 0;

        is_int(parse(&file, bad[i].text, &line, &why, pool), APR_EINVAL,
               bad[i].why);
        is_str(why, bad[i].why, "says so");
        is_int(line, bad[i].line, "and where");
    }
}

/* A file that is cut anywhere is right or refused, and never read too far. */
static void test_cut(apr_pool_t *pool)
{
    size_t len, refused = 0;

    for (len = 0; len < sizeof(good); len++) {
        char *copy = apr_pmemdup(pool, good, len ? len : 1);
        userfile_t *file;
        const char *why;
        int line;
        apr_status_t rv = userfile_parse(&file, copy, len, &line, &why, pool);

        if (rv != APR_SUCCESS) {
            refused++;
            if (!why || line < 1) {
                ok(0, "cut at %zu: refused without a reason", len);
            }
        }
    }
    ok(refused > 50 && refused < sizeof(good), "cut at every byte (%zu of %zu)",
       refused, sizeof(good));
}

int main(void)
{
    apr_pool_t *pool;
    userfile_t *file;
    const char *why;
    int line;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_good(pool);
    test_bad(pool);
    test_cut(pool);
    is_int(userfile_parse(&file, "", 0, &line, &why, pool), APR_SUCCESS,
           "an empty file has no mailboxes");
    is_int(userfile_parse(&file, "user: a\0b", 9, &line, &why, pool),
           APR_EINVAL, "NUL");
    apr_terminate();
    return done_testing();
}
