/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_auth_ntlm/account.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "t/unit/tap.h"

typedef struct row_t {
    const char *domain, *user;
    const char *account; /* NULL: refused */
} row_t;

/* clang-format off */
static const row_t rows[] = {
    {"EXAMPLE", "alice", "EXAMPLE\\alice"},
    {"example", "ALICE", "EXAMPLE\\alice"},
    {"Example.Test", "alice", "EXAMPLE\\alice"},
    {"", "alice", "EXAMPLE\\alice"},
    {"EXAMPLE", "svc-web.1$", "EXAMPLE\\svc-web.1$"},
    {"EXAMPLE", "anna maria", "EXAMPLE\\anna maria"},
    {"", "Alice@Example.TEST", "alice@example.test"},
    {"", "alice@EXAMPLE", "alice@example"},
    /* letters with one capital are one letter */
    {"EXAMPLE", "J\xc3\x96RG", "EXAMPLE\\j\xc3\xb6rg"},
    {"EXAMPLE", "STRA\xc3\x9f" "E", "EXAMPLE\\stra\xc3\x9f" "e"},
    {"EXAMPLE", "\xc3\x97", "EXAMPLE\\\xc3\x97"}, /* the multiplication sign */
    {"EXAMPLE", "\xc5\x81UKASZ", "EXAMPLE\\\xc5\x82ukasz"},
    {"EXAMPLE", "\xc5\xb8", "EXAMPLE\\\xc3\xbf"},
    {"EXAMPLE", "al\xc4\xb1" "ce", "EXAMPLE\\alice"}, /* dotless i */
    {"EXAMPLE", "\xc5\xbf" "am", "EXAMPLE\\sam"}, /* long s */
    {"EXAMPLE", "\xce\x9d\xce\x91\xce\xa3", "EXAMPLE\\\xce\xbd\xce\xb1\xcf\x83"},
    {"EXAMPLE", "\xce\xbd\xce\xb1\xcf\x82", "EXAMPLE\\\xce\xbd\xce\xb1\xcf\x83"},
    {"EXAMPLE", "\xd0\x98\xd0\x92\xd0\x90\xd0\x9d",
     "EXAMPLE\\\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd"},
    {"EXAMPLE", "\xe6\x84\x9b", "EXAMPLE\\\xe6\x84\x9b"},
    /* another domain, or one stated twice */
    {"OTHER", "alice", NULL},
    {"EXAMPLE.TEST.", "alice", NULL},
    {"EXAMPLE\\EXAMPLE", "alice", NULL},
    {"EXAMPLE", "alice@example.test", NULL},
    {"", "alice@other.test", NULL},
    {"", "alice@", NULL},
    {"", "@example.test", NULL},
    {"", "a@b@example.test", NULL},
    {"", "EXAMPLE\\alice", NULL},
    /* nobody, or somebody in disguise */
    {"EXAMPLE", "", NULL},
    {"", "", NULL},
    {"EXAMPLE", " alice", NULL},
    {"EXAMPLE", "alice ", NULL},
    {"EXAMPLE", "anna  maria", NULL},
    {"EXAMPLE", " ", NULL},
    {"EXAMPLE", "*", NULL},
    {"EXAMPLE", "alice/admin", NULL},
    {"EXAMPLE", "alice:x", NULL},
    {"EXAMPLE", "al\"ice", NULL},
};
/* clang-format on */

static account_domain_t *make_domain(apr_pool_t *pool)
{
    account_domain_t *domain = apr_palloc(pool, sizeof(*domain));

    domain->name = "EXAMPLE";
    domain->aliases = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(domain->aliases, const char *) = "example.test";
    return domain;
}

static void test_names(const account_domain_t *domain, apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ntlmssp_authenticate_t m = {rows[i].domain, rows[i].user, "", 100, 0};
        const char *account = NULL;
        const char *why = NULL;
        apr_status_t rv = account_name(&account, &m, domain, &why, pool);

        if (rows[i].account) {
            ok(rv == APR_SUCCESS, "%s + %s is taken", m.domain, m.user);
            is_str(account, rows[i].account, "as it should be written");
        }
        else {
            ok(rv == APR_EACCES && why, "%s + %s is refused", m.domain, m.user);
        }
    }
}

static void test_anonymous(const account_domain_t *domain, apr_pool_t *pool)
{
    ntlmssp_authenticate_t m = {"EXAMPLE", "alice", "", 0, 0};
    const char *account, *why = NULL;

    is_int(account_name(&account, &m, domain, &why, pool), APR_EACCES,
           "no NT response");
    is_str(why, "anonymous", "is anonymous");
    m.nt_response_len = 100;
    m.flags = 0xe2088a15; /* with NTLMSSP_NEGOTIATE_ANONYMOUS */
    is_int(account_name(&account, &m, domain, &why, pool), APR_EACCES,
           "the flag 0x800");
    m.flags = 0xe2088215;
    is_int(account_name(&account, &m, domain, &why, pool), APR_SUCCESS,
           "without it");
}

static void test_long(const account_domain_t *domain, apr_pool_t *pool)
{
    char user[ACCOUNT_MAX + 2];
    ntlmssp_authenticate_t m = {"", user, "", 100, 0};
    const char *account, *why = NULL;

    memset(user, 'a', sizeof(user));
    user[ACCOUNT_MAX + 1] = '\0';
    is_int(account_name(&account, &m, domain, &why, pool), APR_EACCES,
           "one byte too long");
    user[ACCOUNT_MAX] = '\0';
    is_int(account_name(&account, &m, domain, &why, pool), APR_SUCCESS,
           "just as long as it may be");
}

int main(void)
{
    apr_pool_t *pool;
    account_domain_t *domain;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    domain = make_domain(pool);
    test_names(domain, pool);
    test_anonymous(domain, pool);
    test_long(domain, pool);
    apr_pool_destroy(pool);
    return done_testing();
}
