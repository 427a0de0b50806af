/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "storm.h"

#include <apr_strings.h>
#include <string.h>

enum { HOUR = 3600 };

static void forget(storm_t *s)
{
    if (s->pool) {
        apr_pool_clear(s->pool);
    }
    else {
        apr_pool_create(&s->pool, s->all);
        apr_pool_tag(s->pool, "smtp-storm");
    }
    s->lines = apr_array_make(s->pool, 8, sizeof(storm_line_t));
    s->more = 0;
}

void storm_init(storm_t *s, int window_seconds, int limit, apr_pool_t *pool)
{
    memset(s, 0, sizeof(*s));
    s->window = apr_time_from_sec(window_seconds);
    s->limit = limit;
    s->all = pool;
    forget(s);
}

void storm_add(storm_t *s, apr_time_t now, const char *text)
{
    storm_line_t *line;
    int i;

    for (i = 0; i < s->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(s->lines, i, storm_line_t);
        if (strcmp(line->text, text) == 0) {
            line->count++;
            return;
        }
    }
    if (s->lines->nelts == STORM_LINES_MAX) {
        s->more++;
        return;
    }
    line = apr_array_push(s->lines);
    line->text = apr_pstrdup(s->pool, text);
    line->first = now;
    line->count = 1;
}

/* A clock that was set back begins a new hour, too. */
static int hour_is_over(const storm_t *s, apr_time_t now)
{
    return now >= s->hour + apr_time_from_sec(HOUR) || now < s->hour;
}

int storm_due(storm_t *s, apr_time_t now, int last)
{
    if (s->lines->nelts == 0) {
        return 0;
    }
    if (hour_is_over(s, now)) {
        s->mails = 0;
    }
    if (now + s->window < s->open_until) {
        s->open_until = now; /* the clock was set back */
    }
    return s->mails < s->limit && (last || now >= s->open_until);
}

apr_time_t storm_next(const storm_t *s)
{
    if (s->lines->nelts == 0) {
        return 0;
    }
    return s->mails < s->limit ? s->open_until
                               : s->hour + apr_time_from_sec(HOUR);
}

int storm_silences(const storm_t *s)
{
    return s->mails + 1 == s->limit;
}

void storm_sent(storm_t *s, apr_time_t now)
{
    if (s->mails == 0) {
        s->hour = now;
    }
    s->mails++;
    s->open_until = now + s->window;
    forget(s);
}
