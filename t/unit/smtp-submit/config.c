/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "smtp-submit/config.h"
#include "t/unit/tap.h"

#include <apr_general.h>

static const struct {
    const char *name, *in, *out;
} rows[] = {
    {"nothing", "", ""},
    {"comments", "! x\n\n# y\n", ""},
    {"S50: order",
     "mail from a@b.c\nmail smtpserver tls smtps\nmail smtpserver port 25\n"
     "mail smtpserver authentication login username e password 8 QUJD\n"
     "mail smtpserver h.example\n",
     "mail smtpserver h.example\n"
     "mail smtpserver authentication login username e password 8 QUJD\n"
     "mail smtpserver port 25\nmail smtpserver tls smtps\nmail from a@b.c\n"},
    {"the last one holds", "mail from a@b.c\nmail from d@e.f\n",
     "mail from d@e.f\n"},
    {"no undoes", "mail from a@b.c\nno mail from\n", ""},
    {"switches", "mail add-received\nmail smtpserver tls-no-verify\n",
     "mail smtpserver tls-no-verify\nmail add-received\n"},
    {"aliases",
     "mail alias root a@b.c\nmail alias www d@e.f\nmail alias root g@h.i\n"
     "no mail alias www\n",
     "mail alias root g@h.i\n"},
    {"quotes", "mail serial \"a \\\"b\\\\\"\nmail in-doubt hold\n",
     "mail serial \"a \\\"b\\\\\"\nmail in-doubt hold\n"},
    {"server like a keyword", "mail smtpserver \"tls\"\n",
     "mail smtpserver \"tls\"\n"},
    {"shortened words are written out", "ma sm po 26\n",
     "mail smtpserver port 26\n"},
};

static void test_rows(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        submit_config_t config;
        const char *why, *out;

        submit_config_init(&config, pool);
        is_int(submit_config_parse(&config, rows[i].in, strlen(rows[i].in),
                                   &why, pool),
               APR_SUCCESS, rows[i].name);
        out = submit_config_print(&config, pool);
        is_str(out, rows[i].out, rows[i].name);
        submit_config_init(&config, pool);
        submit_config_parse(&config, out, strlen(out), &why, pool);
        is_str(submit_config_print(&config, pool), out, "is the identity");
    }
}

static void test_ports(apr_pool_t *pool)
{
    submit_config_t config;

    submit_config_init(&config, pool);
    is_int(submit_config_port(&config), 25, "S11: no TLS");
    config.tls = "starttls";
    is_int(submit_config_port(&config), 587, "S11: STARTTLS");
    config.tls = "smtps";
    is_int(submit_config_port(&config), 465, "S11: SMTPS");
    config.port = "26";
    is_int(submit_config_port(&config), 26, "S09: configured");
}

static void test_wrong(apr_pool_t *pool)
{
    static const char *const texts[] = {
        "show mail\n", "frog\n", "mail smtpserver port 0\n", "mail to a@b.c\n"};
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        submit_config_t config;
        const char *why = NULL;

        submit_config_init(&config, pool);
        is_int(submit_config_parse(&config, texts[i], strlen(texts[i]), &why,
                                   pool),
               APR_EINVAL, texts[i]);
        ok(why && strstr(why, "(line 1)"), "names the line: %s", why);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_ports(pool);
    test_wrong(pool);
    apr_terminate();
    return done_testing();
}
