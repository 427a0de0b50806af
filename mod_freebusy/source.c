/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "source.h"
#include "script_file.h"
#include "source_outbox.h"
#include "source_report.h"

#include "lib/fetch.h"

#include <apr_strings.h>
#include <string.h>

#define PARALLEL 25 /* connections to the calendar server at a time */

static void fail(source_calendar_t *c, apr_status_t rv, const char *why)
{
    c->rv = rv;
    c->why = why;
}

static void read_file(const source_t *source, source_calendar_t *c,
                      const source_limits_t *limits, apr_pool_t *pool)
{
    apr_size_t fixed =
        (apr_size_t)(strstr(source->where, "%{") - source->where);
    const char *path, *why;

    if (placeholder_expand(&path, source->where, &c->values, PLACEHOLDER_PATH,
                           &why, pool) != APR_SUCCESS) {
        fail(c, APR_EINVAL, why);
        return;
    }
    c->rv = script_file_read(&c->data, &c->len, path, fixed, limits->max_bytes,
                             pool);
    if (APR_STATUS_IS_ENOENT(c->rv)) {
        fail(c, APR_NOTFOUND, "there is no such file");
    }
    else if (c->rv == APR_ENOSPC) {
        fail(c, APR_ENOSPC, "the calendar is too long");
    }
    else if (c->rv != APR_SUCCESS) {
        c->why = "the file cannot be read";
    }
}

/* Fills in where the request goes and what it says about us; `more` are further
 * headers, which end with NULL.  0, with *why, when a value cannot stand there. */
static int prepare(fetch_t *f, const source_t *source,
                   const placeholder_values_t *values, const char *const *more,
                   const char **why, apr_pool_t *pool)
{
    int i, count = source->headers ? source->headers->nelts : 0;
    apr_array_header_t *list = apr_array_make(pool, count + 3, sizeof(char *));

    for (i = 0; i < count; i++) {
        if (placeholder_expand(&APR_ARRAY_PUSH(list, const char *),
                               APR_ARRAY_IDX(source->headers, i, const char *),
                               values, PLACEHOLDER_HEADER, why,
                               pool) != APR_SUCCESS) {
            return 0;
        }
    }
    for (; *more; more++) {
        APR_ARRAY_PUSH(list, const char *) = *more;
    }
    APR_ARRAY_PUSH(list, const char *) = NULL;
    f->headers = (const char *const *)list->elts;
    f->user = source->user;
    f->password = source->password;
    return placeholder_expand(&f->url, source->where, values, PLACEHOLDER_URL,
                              why, pool) == APR_SUCCESS;
}

/* What an HTTP answer means for us. */
static void take(source_calendar_t *c, const fetch_t *f, apr_pool_t *pool)
{
    if (f->rv != APR_SUCCESS) {
        fail(c, f->rv, f->why);
    }
    else if (f->status == 200) {
        c->rv = APR_SUCCESS;
        c->data = f->data;
        c->len = f->len;
    }
    else if (f->status == 404 || f->status == 410) {
        fail(c, APR_NOTFOUND, "the server has no such calendar");
    }
    else if (f->status == 401 || f->status == 403) {
        fail(c, APR_EACCES, "the server does not let us in");
    }
    else {
        fail(c, APR_EGENERAL,
             apr_psprintf(pool, "the server answers with status %ld",
                          f->status));
    }
}

/* A request for each calendar: its bytes, or a report about it. */
static void read_each(const source_t *source, const source_question_t *question,
                      source_calendar_t *calendars, int count,
                      const source_limits_t *limits, apr_pool_t *pool)
{
    static const char *const nothing[] = {NULL};
    const fetch_limits_t fetch_limits = {limits->total, limits->max_bytes,
                                         PARALLEL, source->ca_file};
    const int report = source->kind == SOURCE_REPORT;
    const char *body =
        report ? source_report_write(question->window, pool) : NULL;
    fetch_t *items = apr_pcalloc(pool, sizeof(*items) * (apr_size_t)count);
    source_calendar_t **waiting =
        apr_palloc(pool, sizeof(*waiting) * (apr_size_t)count);
    int i, n = 0;

    for (i = 0; i < count; i++) {
        source_calendar_t *c = &calendars[i];
        fetch_t *f = &items[n];

        if (!prepare(f, source, &c->values,
                     report ? source_report_headers : nothing, &c->why, pool)) {
            c->rv = APR_EINVAL;
            continue;
        }
        if (report) {
            f->method = "REPORT";
            f->body = body;
            f->body_len = strlen(body);
        }
        waiting[n++] = c;
    }
    fetch_all(items, n, &fetch_limits, pool);
    for (i = 0; i < n; i++) {
        take(waiting[i], &items[i], pool);
    }
}

static void fail_all(source_calendar_t *calendars, int count, apr_status_t rv,
                     const char *why)
{
    int i;

    for (i = 0; i < count; i++) {
        fail(&calendars[i], rv, why);
    }
}

/* The POST to the caller's outbox.  0, with *why, when it cannot be made. */
static int outbox_request(fetch_t *f, const source_t *source,
                          const source_question_t *question,
                          source_calendar_t *calendars, int count,
                          const char **why, apr_pool_t *pool)
{
    static const char *const type[] = {
        "Content-Type: text/calendar; charset=utf-8", NULL};

    *why = "the caller has no mailbox, so no outbox";
    if (!question->caller ||
        !prepare(f, source, question->caller, type, why, pool)) {
        return 0;
    }
    *why = "no address can be asked for";
    if (!source_outbox_write(&f->body, question, calendars, count, pool)) {
        return 0;
    }
    f->body_len = strlen(f->body);
    return 1;
}

static void read_outbox(const source_t *source,
                        const source_question_t *question,
                        source_calendar_t *calendars, int count,
                        const source_limits_t *limits, apr_pool_t *pool)
{
    const fetch_limits_t fetch_limits = {limits->total, limits->max_bytes, 1,
                                         source->ca_file};
    source_calendar_t all = {.why = NULL};
    fetch_t f = {.url = NULL};
    const char *why;

    if (!outbox_request(&f, source, question, calendars, count, &why, pool)) {
        fail_all(calendars, count, APR_EINVAL, why);
        return;
    }
    fetch_all(&f, 1, &fetch_limits, pool);
    take(&all, &f, pool);
    if (all.rv == APR_SUCCESS) {
        all.rv =
            source_outbox_read(f.data, f.len, calendars, count, &all.why, pool);
    }
    if (all.rv != APR_SUCCESS) {
        fail_all(calendars, count, all.rv, all.why);
    }
}

int source_has_window(const source_t *source)
{
    return source->kind == SOURCE_OUTBOX || source->kind == SOURCE_REPORT;
}

void source_read(const source_t *source, const source_question_t *question,
                 source_calendar_t *calendars, int count,
                 const source_limits_t *limits, apr_pool_t *pool)
{
    int i;

    switch (source->kind) {
    case SOURCE_HTTP:
    case SOURCE_REPORT:
        read_each(source, question, calendars, count, limits, pool);
        break;
    case SOURCE_OUTBOX:
        read_outbox(source, question, calendars, count, limits, pool);
        break;
    case SOURCE_FILE:
        for (i = 0; i < count; i++) {
            read_file(source, &calendars[i], limits, pool);
        }
        break;
    }
}
