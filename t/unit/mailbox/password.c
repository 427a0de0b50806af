/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/password.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

/* Made by htpasswd(1), mkpasswd(1) and slappasswd(8) for "Geheim-1". */
static const struct {
    const char *name, *hash;
} right[] = {
    {"bcrypt", "$2y$05$0qBgjDZxzNgvnhMFReUq6.RO2U4tlVwC41w0qiycgZrx4jeUnHhmm"},
    {"apr1", "$apr1$4OtdmmI7$4bT5NNTjHudOnB2rAxykX1"},
    {"SHA", "{SHA}/1z0qviRleetA+wKGv+4qH2Os1w="},
    {"SSHA", "{SSHA}h/VBBybF+E0f7PoikGE79aNIqlFzYWx6"},
    {"SHA-256", "$5$saltsalt$cQCg5Lx9qoPvX03ZpuzfnvARdGIsOujordev8UBfDM."},
    {"SHA-512", "$6$rounds=1000$saltsalt$"
                "cYk5AhTRHha1XU7C2zOEQ51juNzcltIZESV4KKLGeYlVYICX6rHlcYMSmpwVo7"
                "GqUm2suy.df1BgUu71AIOcq1"},
};

static const char *const bad[] = {
    "",
    "Geheim-1",
    "aaXGKuIZUCYJg", /* DES */
    "$2y$05$short",
    "$apr1$salt$",
    "$1$salt$qJH7.N4xYta3aEG/dfqo/0", /* MD5 of crypt(3) */
    "{SHA}",
    "{SHA}====",
    "{SHA}AAAA",
    "{SHA}!!!!!!!!!!!!!!!!!!!!!!!!!!!=",
    "{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAA==", /* 19 bytes */
    "{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA",  /* cut */
    "{SSHA512}AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "{CLEAR}Geheim-1",
};

static void test_right(apr_pool_t *pool)
{
    size_t i, len;

    for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        const char *hash = right[i].hash;

        ok(password_bad_hash(hash) == NULL, "%s is a hash", right[i].name);
        ok(password_matches(hash, "Geheim-1"), "%s: right", right[i].name);
        ok(!password_matches(hash, "Geheim-2"), "%s: wrong", right[i].name);
        ok(!password_matches(hash, "Geheim-"), "%s: cut", right[i].name);
        ok(!password_matches(hash, ""), "%s: empty", right[i].name);
        ok(!password_matches(hash, hash), "%s: the hash", right[i].name);
        for (len = 0; len < strlen(hash); len++) {
            if (password_matches(apr_pstrmemdup(pool, hash, len), "Geheim-1")) {
                ok(0, "%s: hash cut at %zu is taken", right[i].name, len);
            }
        }
    }
}

int main(void)
{
    apr_pool_t *pool;
    size_t i;
    const char *one, *two;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_right(pool);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *why = password_bad_hash(bad[i]);

        ok(why && *why, "\"%s\": %s", bad[i], why ? why : "taken");
        ok(!password_matches(bad[i], "Geheim-1"), "and matches nothing");
    }
    /* An empty salt is legal, an empty password never right. */
    ok(!password_matches("{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", ""),
       "the SHA1 of nothing");
    one = password_hash("Geheim-1", pool);
    two = password_hash("Geheim-1", pool);
    ok(one && password_matches(one, "Geheim-1"), "a hash of our own");
    ok(one && !password_matches(one, "Geheim-2"), "is of that password only");
    ok(one && two && strcmp(one, two) != 0, "and salted");
    apr_terminate();
    return done_testing();
}
