/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "check_report.h"
#include "json_text.h"

/* Prints `text` from a server, line by line, so that it cannot play tricks on
 * a terminal. */
static void print_raw(FILE *to, const char *text)
{
    fputs("    | ", to);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '\n') {
            fputs(text[1] ? "\n    | " : "", to);
        }
        else if (c != '\r') {
            fputc(c < 0x20 || c == 0x7f ? '?' : c, to);
        }
    }
    fputc('\n', to);
}

static void print_exchange(FILE *to, const check_exchange_t *x, int verbose)
{
    int i;

    for (i = 0; i < x->verdicts->nelts; i++) {
        const verdict_t *v = &APR_ARRAY_IDX(x->verdicts, i, verdict_t);

        fprintf(to, "  %-25s %-11s  %s\n", v->client, verdict_name(v->verdict),
                v->says);
    }
    if (verbose) {
        fprintf(to, "    %s\n", x->url);
        print_raw(to, x->reply.bytes);
    }
}

void check_report_text(FILE *to, const check_report_t *report, int verbose)
{
    int i;

    fprintf(to, "%s: %s%s\n", report->address,
            report->host ? "asked " : "no server answers",
            report->host ? report->host : "");
    for (i = 0; i < report->exchanges->nelts; i++) {
        print_exchange(to,
                       &APR_ARRAY_IDX(report->exchanges, i, check_exchange_t),
                       verbose);
    }
    for (i = 0; i < report->missing->nelts; i++) {
        const check_missing_t *m =
            &APR_ARRAY_IDX(report->missing, i, check_missing_t);

        fprintf(to, "%s: %s %s: %s\n",
                m->is_needed ? "Missing" : "Good to have", m->kind, m->name,
                m->says);
    }
    for (i = 0; verbose && i < report->trace->nelts; i++) {
        fprintf(to, "Trace: %s\n",
                APR_ARRAY_IDX(report->trace, i, const char *));
    }
}

/* --- JSON --- */

static void put(FILE *to, const char *before, const char *name,
                const char *value, apr_pool_t *pool)
{
    if (value) {
        fprintf(to, "%s\"%s\":\"%s\"", before, name,
                discover_json_escape(value, pool));
    }
    else {
        fprintf(to, "%s\"%s\":null", before, name);
    }
}

static void put_exchange(FILE *to, const check_exchange_t *x, apr_pool_t *pool)
{
    int i;

    put(to, "{", "question", verdict_question_name(x->question), pool);
    put(to, ",", "url", x->url, pool);
    fprintf(to, ",\"status\":%ld", x->reply.status);
    put(to, ",", "answer", x->reply.bytes, pool);
    fputs(",\"clients\":[", to);
    for (i = 0; i < x->verdicts->nelts; i++) {
        const verdict_t *v = &APR_ARRAY_IDX(x->verdicts, i, verdict_t);

        put(to, i ? ",{" : "{", "client", v->client, pool);
        put(to, ",", "verdict", verdict_name(v->verdict), pool);
        put(to, ",", "says", v->says, pool);
        fputs("}", to);
    }
    fputs("]}", to);
}

static void put_missing(FILE *to, const check_missing_t *m, apr_pool_t *pool)
{
    put(to, "{", "kind", m->kind, pool);
    put(to, ",", "name", m->name, pool);
    put(to, ",", "says", m->says, pool);
    fprintf(to, ",\"needed\":%s}", m->is_needed ? "true" : "false");
}

void check_report_json(FILE *to, const check_report_t *report, apr_pool_t *pool)
{
    int i;

    put(to, "{", "address", report->address, pool);
    put(to, ",", "host", report->host, pool);
    fputs(",\"exchanges\":[", to);
    for (i = 0; i < report->exchanges->nelts; i++) {
        fputs(i ? "," : "", to);
        put_exchange(to, &APR_ARRAY_IDX(report->exchanges, i, check_exchange_t),
                     pool);
    }
    fputs("],\"missing\":[", to);
    for (i = 0; i < report->missing->nelts; i++) {
        fputs(i ? "," : "", to);
        put_missing(to, &APR_ARRAY_IDX(report->missing, i, check_missing_t),
                    pool);
    }
    fputs("],\"trace\":[", to);
    for (i = 0; i < report->trace->nelts; i++) {
        fprintf(to, "%s\"%s\"", i ? "," : "",
                discover_json_escape(
                    APR_ARRAY_IDX(report->trace, i, const char *), pool));
    }
    fprintf(to, "],\"exit\":%d}\n", check_run_status(report));
}
