/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/adstate.h"
#include "t/unit/tap.h"

#include <apr.h>

static const struct {
    const char *diagnostic, *reason;
} rows[] = {
    {"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, "
     "data 52e, v1db1",
     "wrong password"},
    {"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, "
     "data 533, v2580",
     "account disabled"},
    {"x, data 532", "password expired"},
    {"x, data 701,", "account expired"},
    {"x, data 773, v1db1", "password must be changed"},
    {"x, data 775, v1db1", "account locked"},
    {"x, data 525, v1db1", "user not found"},
    {"x, data 52E, v1db1", "wrong password"},
    {"x, data 52, v1db1", NULL},
    {"x, data 52ef, v1db1", NULL},
    {"x, data , v1db1", NULL},
    {"x, data -52e, v1db1", NULL},
    {"x, data ffffffffffffffffffff", NULL},
    {"data 52e", NULL},
    {", data ", NULL},
    {"", NULL},
    {NULL, NULL},
};

int main(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(adstate_reason(rows[i].diagnostic), rows[i].reason,
               rows[i].diagnostic ? rows[i].diagnostic : "no text");
    }
    return done_testing();
}
