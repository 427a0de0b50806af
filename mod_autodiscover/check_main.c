/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* autodiscover-check: asks a server as each kind of client would. */

#include "check_report.h"
#include "check_run.h"

#include "lib/mailaddr.h"
#include "lib/xml.h"

#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2
#define TIMEOUT 10
#define PASSWORD_MAX 256

typedef struct command_t {
    check_options_t options;
    const char *password_file;
    int json, verbose;
} command_t;

static const apr_getopt_option_t words[] = {
    {"json", 'j', 0, "print one JSON object"},
    {"verbose", 'v', 0, "print trace and raw answers too"},
    {"host", 'h', 1, "ask this host, and look for no other"},
    {"connect", 'c', 1, "connect to HOST[:PORT], whatever the names lead to"},
    {"user", 'u', 1, "login name, if it is not the address"},
    {"password-file", 'p', 1, "file with the password in its first line"},
    {"ca-file", 'C', 1, "PEM file of the authorities to trust"},
    {"timeout", 't', 1, "seconds that one answer may take"},
    {NULL, 0, 0, NULL}};

static int usage(const char *why)
{
    fprintf(stderr,
            "autodiscover-check: %s\n"
            "usage: autodiscover-check [-jv] [-u user] [-p password-file] "
            "[-h host]\n"
            "                          [-c host[:port]] [-C ca-file] "
            "[-t seconds] address\n",
            why);
    return EXIT_USAGE;
}

/* NULL, or what is wrong with an option's argument. */
static const char *take(command_t *c, int option, const char *value)
{
    check_options_t *o = &c->options;
    char *end;

    switch (option) {
    case 'j':
        c->json = 1;
        break;
    case 'v':
        c->verbose = 1;
        break;
    case 'h':
        o->host = value;
        break;
    case 'c':
        o->net.connect = value;
        break;
    case 'u':
        o->user = value;
        break;
    case 'p':
        c->password_file = value;
        break;
    case 'C':
        o->net.ca_file = value;
        break;
    default:
        o->net.timeout = (int)strtol(value, &end, 10);
        return *end || o->net.timeout < 1 || o->net.timeout > 300
                   ? "--timeout: write 1 to 300 seconds"
                   : NULL;
    }
    return NULL;
}

/* NULL, or what is wrong with the command line. */
static const char *read_command(command_t *c, int argc, const char *const *argv,
                                apr_pool_t *pool)
{
    apr_getopt_t *opt;
    const char *value, *why = NULL;
    mailaddr_t address;
    int option;
    apr_status_t rv;

    apr_getopt_init(&opt, pool, argc, argv);
    opt->errfn = NULL;
    while ((rv = apr_getopt_long(opt, words, &option, &value)) == APR_SUCCESS) {
        why = take(c, option, value);
        if (why) {
            return why;
        }
    }
    if (!APR_STATUS_IS_EOF(rv)) {
        return "unknown option, or one without its value";
    }
    if (opt->ind != argc - 1) {
        return "give one mail address";
    }
    value = argv[opt->ind];
    if (mailaddr_parse(&address, value, strlen(value), &why, pool) !=
        APR_SUCCESS) {
        return apr_pstrcat(pool, value, ": ", why, NULL);
    }
    c->options.address = address.text;
    c->options.domain = address.domain;
    if (!c->options.user) {
        c->options.user = address.text;
    }
    return NULL;
}

/* From the file; without one nobody logs in.  NULL, or what is wrong. */
static const char *read_password(command_t *c, apr_pool_t *pool)
{
    char line[PASSWORD_MAX];
    FILE *file;
    int got;

    if (!c->password_file) {
        return NULL;
    }
    file = strcmp(c->password_file, "-") == 0 ? stdin
                                              : fopen(c->password_file, "r");
    if (!file) {
        return "the password file cannot be read";
    }
    got = fgets(line, sizeof(line), file) != NULL;
    if (file != stdin) {
        fclose(file);
    }
    line[got ? strcspn(line, "\r\n") : 0] = '\0';
    c->options.password = apr_pstrdup(pool, line);
    return *line ? NULL : "the password file is empty";
}

int main(int argc, const char *const *argv, const char *const *env)
{
    command_t command = {.options.net.timeout = TIMEOUT};
    check_report_t report;
    apr_pool_t *pool;
    const char *why;

    apr_app_initialize(&argc, &argv, &env);
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    why = read_command(&command, argc, argv, pool);
    if (!why) {
        why = read_password(&command, pool);
    }
    if (why) {
        return usage(why);
    }
    xml_init();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    check_run(&report, &command.options, pool);
    if (command.json) {
        check_report_json(stdout, &report, pool);
    }
    else {
        check_report_text(stdout, &report, command.verbose);
    }
    return check_run_status(&report);
}
