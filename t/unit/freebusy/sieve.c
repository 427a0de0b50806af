/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Settings to script and back; every script must pass sievec of Debian's
 * dovecot-sieve. */

#include "mod_freebusy/sieve.h"
#include "mod_freebusy/datetime.h"
#include "t/unit/freebusy/random.h"
#include "t/unit/tap.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static sieve_context_t context(apr_pool_t *pool)
{
    sieve_context_t c = {.include = "my own", .subject = "Away \"now\" \\"};
    apr_array_header_t *addresses = apr_array_make(pool, 2, sizeof(char *));
    apr_array_header_t *domains = apr_array_make(pool, 2, sizeof(char *));

    APR_ARRAY_PUSH(addresses, const char *) = "alice@example.test";
    APR_ARRAY_PUSH(addresses, const char *) = "a\\\"b@example.test";
    APR_ARRAY_PUSH(domains, const char *) = "example.test";
    c.addresses = addresses;
    c.domains = domains;
    return c;
}

static const char *const messages[] = {
    "plain",
    "",
    "\"; discard; vacation \"",
    "\\\"; redirect \"mallory@evil.test\"; #",
    "\\",
    "\"",
    "\\\\\"\\",
    "a\nb\r\nc",
    "a lone\rCR",
    "ends with CR\r",
    "\n\n# external reply\n\n",
    "# state: Disabled\n# postern out of office, version 1\n",
    ".\n.\n;\n}\n",
    "text:\n.\n",
    "*/ /* */",
    "${variable} %{user}",
    "tab\there ",
    " leading and trailing ",
    "\xef\xbb\xbf<body>Away <b>until</b> Friday &amp; \"back\"</body>",
    "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x8c\xb4",
    "=3D =\n=0A",
    "Content-Type: text/html\n\nbody",
    "\n",
};

#define MESSAGES (sizeof(messages) / sizeof(messages[0]))

static int same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int equal(const oof_t *a, const oof_t *b)
{
    return a->state == b->state && a->audience == b->audience &&
           a->start == b->start && a->end == b->end &&
           same(a->internal.message, b->internal.message) &&
           same(a->external.message, b->external.message) &&
           same(a->internal.language, b->internal.language) &&
           same(a->external.language, b->external.language);
}

/* Writes and reads back; keeps the script as file `n` in `folder`. */
static int round_trip(const oof_t *oof, const char *folder, int n,
                      apr_pool_t *pool)
{
    sieve_context_t c = context(pool);
    const char *script, *why, *include;
    apr_file_t *file;
    oof_t back;

    if (n % 2) {
        c.include = NULL;
    }
    script = sieve_write(oof, &c, pool);
    apr_file_open(&file, apr_psprintf(pool, "%s/%d.sieve", folder, n),
                  APR_FOPEN_WRITE | APR_FOPEN_CREATE, APR_FPROT_OS_DEFAULT,
                  pool);
    apr_file_puts(script, file);
    apr_file_close(file);
    return sieve_read(&back, &include, script, strlen(script), &why, pool) ==
               APR_SUCCESS &&
           equal(oof, &back) && same(include, c.include);
}

static const char *random_message(apr_pool_t *pool)
{
    static const char *const parts[] = {
        "\"",
        "\\",
        "\n",
        "\r",
        "\r\n",
        ".",
        ";",
        "}",
        "#",
        "=",
        " ",
        "\t",
        "<html>",
        "<br>",
        "text:",
        "\n.\n",
        "keep;",
        "\xc3\xa9",
        "$",
        "%",
        "external reply",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    int n = random_below(random_below(8) == 0 ? 400 : 20);
    apr_array_header_t *list = apr_array_make(pool, 32, sizeof(char *));

    while (n-- > 0) {
        APR_ARRAY_PUSH(list, const char *) =
            parts[random_below(sizeof(parts) / sizeof(parts[0]))];
    }
    return apr_array_pstrcat(pool, list, 0);
}

static void random_oof(oof_t *oof, apr_pool_t *pool)
{
    oof_defaults(oof, 1772443815);
    oof->state = (oof_state_e)random_below(3);
    oof->audience = (oof_audience_e)random_below(3);
    oof->start = 1772443815 + random_below(100000000);
    oof->end = oof->start + 1 + random_below(10000000);
    oof->internal.message = random_message(pool);
    oof->external.message = random_message(pool);
    oof->internal.language = random_below(2) ? "de-DE" : NULL;
    oof->external.language = random_below(2) ? "en" : NULL;
}

/* sievec compiles every *.sieve of a folder.  For "include" it wants to know
 * where a user has his scripts. */
static int compiles(const char *folder, apr_pool_t *pool)
{
    const char *where = apr_pstrcat(pool, "plugin/sieve=file:", folder, NULL);
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execlp("sievec", "sievec", "-o", where, folder, (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static int count_compiled(const char *folder, int n, apr_pool_t *pool)
{
    int i, found = 0;
    apr_finfo_t info;

    for (i = 0; i < n; i++) {
        found += apr_stat(&info, apr_psprintf(pool, "%s/%d.svbin", folder, i),
                          APR_FINFO_SIZE, pool) == APR_SUCCESS;
    }
    return found;
}

static void remove_folder(const char *folder, int n, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < n; i++) {
        apr_file_remove(apr_psprintf(pool, "%s/%d.sieve", folder, i), pool);
        apr_file_remove(apr_psprintf(pool, "%s/%d.svbin", folder, i), pool);
    }
    apr_dir_remove(folder, pool);
}

static void test_scripts(apr_pool_t *pool)
{
    char folder[] = "/tmp/sieveXXXXXX";
    int i, n = 0, wrong = 0;
    size_t m;
    oof_t oof;

    if (!mkdtemp(folder)) {
        ok(0, "a folder");
        return;
    }
    for (m = 0; m < MESSAGES; m++) {
        oof_defaults(&oof, 1772443815);
        oof.state = (oof_state_e)(m % 3);
        oof.internal.message = messages[m];
        oof.external.message = messages[(m + 3) % MESSAGES];
        ok(round_trip(&oof, folder, n++, pool), "message %d comes back",
           (int)m);
    }
    for (i = 0; i < 500; i++) {
        random_oof(&oof, pool);
        wrong += !round_trip(&oof, folder, n++, pool);
    }
    is_int(wrong, 0, "500 random settings come back");
    ok(compiles(folder, pool), "sievec is content");
    is_int(count_compiled(folder, n, pool), n, "and has compiled every script");
    remove_folder(folder, n, pool);
}

static const char *replaced(const char *script, const char *from,
                            const char *to, apr_pool_t *pool)
{
    const char *at = strstr(script, from);

    return apr_pstrcat(pool,
                       apr_pstrmemdup(pool, script, (apr_size_t)(at - script)),
                       to, at + strlen(from), NULL);
}

static void test_foreign(apr_pool_t *pool)
{
    sieve_context_t c = context(pool);
    const char *script, *why = NULL, *include;
    oof_t oof;
    size_t i;
    const struct {
        const char *name, *from, *to;
        apr_status_t rv;
    } rows[] = {
        {"another first line", "# postern", "# pastern", APR_EMISMATCH},
        {"another version", "version 1", "version 10", APR_EMISMATCH},
        {"unknown state", "state: Enabled", "state: Sleepy", APR_EINVAL},
        {"no state", "# state: Enabled\n", "", APR_EINVAL},
        {"state twice", "# state: Enabled\n",
         "# state: Enabled\n# state: Enabled\n", APR_EINVAL},
        {"broken time", "# start: 2", "# start: x", APR_EINVAL},
        {"string without end", "in\\\"side\"", "inside", APR_EINVAL},
        {"no MIME part", "8bit\n\n", "8bit\n", APR_EINVAL},
        {"CR LF is fine", "# state: Enabled\n", "# state: Enabled\r\n",
         APR_SUCCESS},
    };

    oof_defaults(&oof, 1772443815);
    oof.state = OOF_ENABLED;
    oof.internal.message = "in\"side";
    script = sieve_write(&oof, &c, pool);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = replaced(script, rows[i].from, rows[i].to, pool);

        is_int(sieve_read(&oof, &include, text, strlen(text), &why, pool),
               rows[i].rv, rows[i].name);
    }
    is_int(sieve_read(&oof, &include, "", 0, &why, pool), APR_EMISMATCH,
           "empty file");
    is_int(sieve_read(&oof, &include, "keep;\n", 6, &why, pool), APR_EMISMATCH,
           "somebody else's script");
}

static void test_truncation(apr_pool_t *pool)
{
    sieve_context_t c = context(pool);
    const char *script, *why, *include;
    apr_size_t len, full, bad = 0;
    oof_t oof, back;

    oof_defaults(&oof, 1772443815);
    oof.internal.message = "a\rb \"c\" \\";
    oof.external.message = "external";
    script = sieve_write(&oof, &c, pool);
    full = strlen(script);
    for (len = 0; len < full; len++) {
        char *copy = apr_pmemdup(pool, script, len ? len : 1);

        if (sieve_read(&back, &include, copy, len, &why, pool) == APR_SUCCESS) {
            bad += *back.external.message && !equal(&oof, &back);
        }
    }
    is_int((long long)bad, 0, "cut off anywhere, no message is half read");
}

int main(void)
{
    apr_pool_t *pool;

    random_state = 42;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_scripts(pool);
    test_foreign(pool);
    test_truncation(pool);
    is_str(sieve_quote("a\"b\\c", pool), "\"a\\\"b\\\\c\"", "quoting");
    apr_terminate();
    return done_testing();
}
