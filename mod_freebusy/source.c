/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "source.h"
#include "script_file.h"
#include "source_outbox.h"

#include "lib/fetch.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#define PARALLEL 25 /* connections to the calendar server at a time */

static int is_url(const char *text)
{
    return strncmp(text, "https://", 8) == 0 ||
           strncmp(text, "http://", 7) == 0;
}

/* Bytes of "host:port" at `host`. */
static apr_size_t authority(const char *host)
{
    return strcspn(host, "/?#");
}

static const char *check_url(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    const char *mark = strstr(host, "%{");

    if (authority(host) == 0 || (mark && mark < host + authority(host))) {
        return "the host must be written out";
    }
    if (memchr(host, '@', authority(host))) {
        return "user and password belong into FreeBusySourceLogin";
    }
    return NULL;
}

const char *source_parse(source_t *source, const char *text, apr_pool_t *pool)
{
    const char *why = placeholder_check(text);

    if (why) {
        return why;
    }
    if (strncmp(text, "file:/", 6) == 0) {
        source->kind = SOURCE_FILE;
        source->where = apr_pstrdup(pool, text + 5);
    }
    else if (is_url(text)) {
        source->kind = SOURCE_HTTP;
        source->where = apr_pstrdup(pool, text);
        why = check_url(text);
    }
    else if (strncmp(text, "outbox:", 7) == 0 && is_url(text + 7)) {
        source->kind = SOURCE_OUTBOX;
        source->where = apr_pstrdup(pool, text + 7);
        why = check_url(text + 7);
    }
    else {
        return "it must start with file:/, https://, http:// or "
               "outbox:https://";
    }
    if (!why && !placeholder_is_in(source->where)) {
        why = "it must hold a placeholder such as %{user}";
    }
    return why;
}

int source_is_private(const source_t *source)
{
    static const char *const here[] = {"127.0.0.1", "localhost", "[::1]"};
    const char *host = strstr(source->where, "://");
    size_t i;

    if (!host || strncmp(source->where, "https://", 8) == 0) {
        return 1;
    }
    host += 3;
    for (i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
        apr_size_t len = strlen(here[i]);

        if (strncmp(host, here[i], len) == 0 && strchr(":/", host[len])) {
            return 1;
        }
    }
    return 0;
}

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

static const char *const *headers(const source_t *source,
                                  const placeholder_values_t *values,
                                  const char **why, apr_pool_t *pool)
{
    int i, count = source->headers ? source->headers->nelts : 0;
    const char **list =
        apr_pcalloc(pool, sizeof(*list) * (apr_size_t)(count + 1));

    for (i = 0; i < count; i++) {
        if (placeholder_expand(
                &list[i], APR_ARRAY_IDX(source->headers, i, const char *),
                values, PLACEHOLDER_HEADER, why, pool) != APR_SUCCESS) {
            return NULL;
        }
    }
    return list;
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

static void read_http(const source_t *source, source_calendar_t *calendars,
                      int count, const source_limits_t *limits,
                      apr_pool_t *pool)
{
    const fetch_limits_t fetch_limits = {limits->total, limits->max_bytes,
                                         PARALLEL, source->ca_file};
    fetch_t *items = apr_pcalloc(pool, sizeof(*items) * (apr_size_t)count);
    source_calendar_t **waiting =
        apr_palloc(pool, sizeof(*waiting) * (apr_size_t)count);
    int i, n = 0;

    for (i = 0; i < count; i++) {
        source_calendar_t *c = &calendars[i];
        fetch_t *f = &items[n];

        f->headers = headers(source, &c->values, &c->why, pool);
        if (!f->headers ||
            placeholder_expand(&f->url, source->where, &c->values,
                               PLACEHOLDER_URL, &c->why, pool) != APR_SUCCESS) {
            c->rv = APR_EINVAL;
            continue;
        }
        f->user = source->user;
        f->password = source->password;
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
    static const char *const type =
        "Content-Type: text/calendar; charset=utf-8";
    const char *const *h;
    const char **list;
    int n = 0;

    *why = "the caller has no mailbox, so no outbox";
    if (!question->caller ||
        placeholder_expand(&f->url, source->where, question->caller,
                           PLACEHOLDER_URL, why, pool) != APR_SUCCESS) {
        return 0;
    }
    h = headers(source, question->caller, why, pool);
    if (!h) {
        return 0;
    }
    while (h[n]) {
        n++;
    }
    list = apr_pcalloc(pool, sizeof(*list) * (apr_size_t)(n + 2));
    memcpy(list, h, sizeof(*list) * (apr_size_t)n);
    list[n] = type;
    f->headers = list;
    f->user = source->user;
    f->password = source->password;
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

void source_read(const source_t *source, const source_question_t *question,
                 source_calendar_t *calendars, int count,
                 const source_limits_t *limits, apr_pool_t *pool)
{
    int i;

    switch (source->kind) {
    case SOURCE_HTTP:
        read_http(source, calendars, count, limits, pool);
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
