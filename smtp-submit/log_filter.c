/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "log_filter.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* The guide's name first, then those of RFC 5424 and of httpd. */
static const char *const levels[8][4] = {
    {"emergencies", "emerg", "emergency", "panic"},
    {"alerts", "alert", "", ""},
    {"critical", "crit", "", ""},
    {"error", "errors", "err", ""},
    {"warnings", "warning", "warn", ""},
    {"notices", "notice", "", ""},
    {"informational", "info", "", ""},
    {"debugging", "debug", "", ""},
};

static const char *const facilities[24] = {
    "kern",   "user",   "mail",   "daemon", "auth",     "syslog",
    "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
    "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
    "local2", "local3", "local4", "local5", "local6",   "local7",
};

static int number_below(const char *text, int limit)
{
    int value = 0;

    if (!*text || strlen(text) > 2) {
        return -1;
    }
    for (; *text; text++) {
        if (!apr_isdigit(*text)) {
            return -1;
        }
        value = value * 10 + (*text - '0');
    }
    return value < limit ? value : -1;
}

int log_level_of(const char *name)
{
    int i, k;

    for (i = 0; i < 8; i++) {
        for (k = 0; k < 4; k++) {
            if (*name && apr_cstr_casecmp(levels[i][k], name) == 0) {
                return i;
            }
        }
    }
    return number_below(name, 8);
}

int log_facility_of(const char *name)
{
    int i;

    for (i = 0; i < 24; i++) {
        if (apr_cstr_casecmp(facilities[i], name) == 0) {
            return i;
        }
    }
    return number_below(name, 24);
}

const char *log_level_name(int level)
{
    return level < 0 || level > 7 ? "any" : levels[level][0];
}

const char *log_facility_name(int facility)
{
    return facility < 0 || facility > 23 ? "any" : facilities[facility];
}

/* ---- lines ---- */

enum { INFORMATIONAL = 6, USER = 1, DAEMON = 3 };

/* The next word of *s, which then stands behind it and its blanks. */
static const char *next_word(const char **s, apr_pool_t *pool)
{
    apr_size_t len = strcspn(*s, " ");
    const char *word = apr_pstrmemdup(pool, *s, len);

    *s += len;
    *s += strspn(*s, " ");
    return word;
}

/* "[time] [module:level] [pid ...] text": 1 when the line is one. */
static int parse_httpd(log_record_t *r, const char *line, apr_pool_t *pool)
{
    const char *open, *colon, *close;
    int level;

    if (line[0] != '[' || !(open = strstr(line, "] ["))) {
        return 0;
    }
    open += 3;
    close = strchr(open, ']');
    colon = close ? memchr(open, ':', (apr_size_t)(close - open)) : NULL;
    if (!colon) {
        return 0;
    }
    level = log_level_of(
        apr_pstrmemdup(pool, colon + 1, (apr_size_t)(close - colon - 1)));
    if (level < 0) {
        return 0;
    }
    r->level = level;
    r->facility = DAEMON;
    r->program = colon > open
                     ? apr_pstrmemdup(pool, open, (apr_size_t)(colon - open))
                     : "httpd";
    r->text = close[1] == ' ' ? close + 2 : close + 1;
    if (strncmp(r->text, "[pid ", 5) == 0 && (close = strstr(r->text, "] "))) {
        r->text = close + 2;
    }
    return 1;
}

/* "<PRI>": takes it off. */
static const char *parse_priority(log_record_t *r, const char *s)
{
    int value = 0, digits = 0;

    if (*s != '<') {
        return s;
    }
    while (digits < 3 && apr_isdigit(s[1 + digits])) {
        value = value * 10 + (s[1 + digits++] - '0');
    }
    if (digits == 0 || s[1 + digits] != '>' || value > 191) {
        return s;
    }
    r->level = value & 7;
    r->facility = value >> 3;
    return s + digits + 2;
}

/* Skips the structured data of RFC 5424: - or [...]...[...]. */
static const char *skip_structured(const char *s)
{
    if (*s == '-') {
        return s + 1;
    }
    while (*s == '[') {
        for (s++; *s && *s != ']'; s++) {
            if (*s == '\\' && s[1]) {
                s++;
            }
        }
        s += *s == ']';
    }
    return s;
}

/* "1 TIME HOST PROGRAM PROCID MSGID DATA TEXT" */
static int parse_5424(log_record_t *r, const char *s, apr_pool_t *pool)
{
    if (strncmp(s, "1 ", 2) != 0) {
        return 0;
    }
    s += 2;
    next_word(&s, pool);
    next_word(&s, pool);
    r->program = next_word(&s, pool);
    next_word(&s, pool);
    next_word(&s, pool);
    s = skip_structured(s);
    r->text = s + strspn(s, " ");
    return 1;
}

static int is_month(const char *s)
{
    int i;

    for (i = 0; i < 12; i++) {
        if (strncmp(s, apr_month_snames[i], 3) == 0 && s[3] == ' ') {
            return 1;
        }
    }
    return 0;
}

/* "program[pid]: text" */
static int parse_tag(log_record_t *r, const char *s, apr_pool_t *pool)
{
    apr_size_t len = strcspn(s, ":[ ");
    const char *colon = s + len;

    if (*colon == '[') {
        colon = strchr(colon, ']');
        colon = colon ? colon + 1 : "";
    }
    if (len == 0 || *colon != ':') {
        return 0;
    }
    r->program = apr_pstrmemdup(pool, s, len);
    r->text = colon + 1 + strspn(colon + 1, " ");
    return 1;
}

/* "Mmm dd hh:mm:ss host tag: text", or what journalctl prints: the same. */
static int parse_3164(log_record_t *r, const char *s, apr_pool_t *pool)
{
    const char *host;

    if (strlen(s) < 16 || !is_month(s) || s[6] != ' ' || s[9] != ':' ||
        s[12] != ':' || s[15] != ' ') {
        return 0;
    }
    s += 16;
    /* The local socket leaves the host out. */
    if (parse_tag(r, s, pool)) {
        return 1;
    }
    host = next_word(&s, pool);
    (void)host;
    return parse_tag(r, s, pool);
}

void log_parse(log_record_t *r, const char *line, apr_size_t len,
               apr_pool_t *pool)
{
    char *text = apr_pstrmemdup(pool, line, len), *s;
    const char *rest;

    for (s = text; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = ' ';
        }
    }
    while (s > text && s[-1] == ' ') {
        *--s = '\0';
    }
    r->level = INFORMATIONAL;
    r->facility = USER;
    r->program = "";
    r->text = text;
    if (parse_httpd(r, text, pool)) {
        return;
    }
    rest = parse_priority(r, text);
    if (!parse_5424(r, rest, pool) && !parse_3164(r, rest, pool) &&
        !(rest != text && parse_tag(r, rest, pool))) {
        r->text = rest;
    }
}

/* ---- filters ---- */

static int contains_nocase(const char *text, const char *part)
{
    apr_size_t len = strlen(part);

    for (; *text; text++) {
        if (apr_cstr_casecmpn(text, part, len) == 0) {
            return 1;
        }
    }
    return len == 0;
}

int log_filter_fits(const log_filter_t *f, const log_record_t *r)
{
    if (f->level >= 0 && r->level > f->level) {
        return 0;
    }
    if (f->facility >= 0 && r->facility != f->facility) {
        return 0;
    }
    if (f->program && strcmp(f->program, r->program) != 0) {
        return 0;
    }
    if (!f->text) {
        return 1;
    }
    return f->nocase ? contains_nocase(r->text, f->text)
                     : strstr(r->text, f->text) != NULL;
}

int log_target_takes(const log_target_t *target, const log_record_t *record)
{
    int i, taken = 0;

    for (i = 0; i < target->filters->nelts; i++) {
        const log_filter_t *f =
            &APR_ARRAY_IDX(target->filters, i, log_filter_t);

        if (!log_filter_fits(f, record)) {
            continue;
        }
        if (f->exclude) {
            return -(i + 1);
        }
        taken = taken ? taken : i + 1;
    }
    return taken;
}

static int same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

int log_filter_same(const log_filter_t *a, const log_filter_t *b)
{
    return a->exclude == b->exclude && a->level == b->level &&
           a->facility == b->facility && same_text(a->program, b->program) &&
           same_text(a->text, b->text) && a->nocase == b->nocase;
}

const char *log_time(const log_target_t *target, apr_time_t now,
                     apr_pool_t *pool)
{
    apr_time_exp_t t;

    now += apr_time_from_sec(60 * (apr_time_t)target->offset);
    if (target->utc) {
        apr_time_exp_gmt(&t, now);
    }
    else {
        apr_time_exp_lt(&t, now);
    }
    return apr_psprintf(pool, "%04d %s %02d %02d:%02d:%02d", t.tm_year + 1900,
                        apr_month_snames[t.tm_mon], t.tm_mday, t.tm_hour,
                        t.tm_min, t.tm_sec);
}
