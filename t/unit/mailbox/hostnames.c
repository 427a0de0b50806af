/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_mailbox/hostnames.h"
#include "t/unit/tap.h"

#include <apr_general.h>

/* That a resolver is silent is for t/mailbox/names.t to show. */
static const struct {
    const char *hosts;
    int needs_thread;
} rows[] = {
    {"127.0.0.1", 0},
    {"192.0.2.1:636 192.0.2.2", 0},
    {"[::1] [2001:db8::1]:636", 0},
    {"", 0},
    {" ", 0},
    {"localhost", 1},
    {"127.0.0.1:636 localhost:636 [::1]:636", 1},
    {"[::1 localhost", 1},
    {"[", 1},
    {":636", 1},
};

int main(void)
{
    apr_size_t i;

    apr_initialize();
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        errand_t errand = {NULL};

        ok(hostnames_answered(&errand, rows[i].hosts, apr_time_from_sec(60)),
           "\"%s\" is answered", rows[i].hosts);
        is_int(errand.runner != NULL, rows[i].needs_thread,
               "by somebody else, if it is a name");
    }
    apr_terminate();
    return done_testing();
}
