/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/ldapurl.h"
#include "t/unit/tap.h"

#include <apr_general.h>

/* clang-format off */
static const struct {
    const char *text, *hosts; /* hosts NULL: refused */
    int ldaps, port;
    const char *base;
    ldapurl_scope_e scope;
    const char *filter;
} rows[] = {
    {"ldaps://dc1/o=x", "dc1:636", 1, 636, "o=x", LDAPURL_SUB, ""},
    {"LDAPS://dc1/o=x", "dc1:636", 1, 636, "o=x", LDAPURL_SUB, ""},
    {"ldap://dc1/o=x", "dc1:389", 0, 389, "o=x", LDAPURL_SUB, ""},
    {"ldaps://dc1:1636 dc2  dc3:1/o=x", "dc1:1636 dc2:636 dc3:1", 1, 1636, "o=x", LDAPURL_SUB, ""},
    {"ldaps://[::1]/o=x", "[::1]:636", 1, 636, "o=x", LDAPURL_SUB, ""},
    {"ldaps://[fe80::1]:1636 dc2/o=x", "[fe80::1]:1636 dc2:636", 1, 1636, "o=x", LDAPURL_SUB, ""},
    {"ldaps://dc1/OU=A%20%26%20B,o=x??one", "dc1:636", 1, 636, "OU=A & B,o=x", LDAPURL_ONE, ""},
    {"ldaps://dc1/o=x??SUB?(a=b)", "dc1:636", 1, 636, "o=x", LDAPURL_SUB, "(a=b)"},
    {"ldaps://dc1/o=x???a=b", "dc1:636", 1, 636, "o=x", LDAPURL_SUB, "(a=b)"},
    {"ldaps://dc1/o=x???" "(%26(a=b)(!(c=%3f)))", "dc1:636", 1, 636, "o=x", LDAPURL_SUB, "(&(a=b)(!(c=?)))"},
    {"", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps:", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"://", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps:// /o=x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://-x/o=x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://[::1/o=x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://[::x]/o=x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1:/o=x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1:65536/o=x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1:-1/o=x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1:636:636/o=x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://u@dc1/o=x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1/", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1/o=%0", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1/o=%00", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1/o=x???" ")(", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1/o=x???" "()", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1/o=x????x", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
    {"ldaps://dc1/o=x?????", NULL, 0, 0, NULL, LDAPURL_SUB, NULL},
};
/* clang-format on */

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ldapurl_t url;
        const char *why = NULL;
        apr_status_t rv = ldapurl_parse(&url, rows[i].text, &why, pool);

        if (!rows[i].hosts) {
            ok(rv == APR_EINVAL && why && *why, "\"%s\" %s", rows[i].text,
               why ? why : "is taken");
            continue;
        }
        if (!is_int(rv, APR_SUCCESS, rows[i].text)) {
            printf("# %s\n", why);
            continue;
        }
        is_str(url.hosts, rows[i].hosts, "its hosts");
        is_int(url.ldaps, rows[i].ldaps, "TLS or not");
        is_int(url.port, rows[i].port, "its port");
        is_str(url.base, rows[i].base, "its base");
        is_int(url.scope, rows[i].scope, "its scope");
        is_str(url.filter, rows[i].filter, "its filter");
    }
    apr_terminate();
    return done_testing();
}
