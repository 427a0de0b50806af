/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The calendar server of FreeBusySource: what we show it, and the cache of its
 * answers. */

#include "mod_freebusy_calendar.h"

#include <apr_strings.h>
#include <http_protocol.h>

#define MAX_BYTES_DEFAULT (8 * 1024 * 1024)

/* The caller's own password, if he logged in by one and it stays private. */
static const char *password_of_caller(request_rec *r, const source_t *source)
{
    const char *password = NULL, *user;

    if (!r->ap_auth_type || ap_cstr_casecmp(r->ap_auth_type, "Basic") != 0 ||
        !source_is_secret(source) ||
        ap_get_basic_auth_components(r, &user, &password) != APR_SUCCESS) {
        return NULL;
    }
    return password;
}

/* A header that says for whom we ask is believed without a password. */
static int names_a_user(const source_t *source)
{
    int i;

    for (i = 0; source->headers && i < source->headers->nelts; i++) {
        if (placeholder_is_in(
                APR_ARRAY_IDX(source->headers, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

int freebusy_source_of(const freebusy_state_t *s, source_t *source,
                       const char **why)
{
    const freebusy_conf_t *conf = s->conf;

    *why = "no FreeBusySource is configured";
    if (!conf->source) {
        return 0;
    }
    *source = *conf->source;
    source->user = conf->source_user;
    source->password = conf->source_password;
    source->headers = conf->source_headers;
    source->ca_file = conf->source_ca;
    if (names_a_user(source) && !source_is_private(source, s->r->pool)) {
        *why = "FreeBusySourceHeader names a user, which only a server at "
               "localhost or at the literal address of a private network may "
               "be told";
        return 0;
    }
    if (source->user && !source->password) {
        *why = "the caller's password cannot be passed on: he has none, or the "
               "calendar server is asked without TLS";
        source->user = s->caller ? s->caller->user : s->r->user;
        source->password = password_of_caller(s->r, source);
        return source->password != NULL;
    }
    return 1;
}

const char *freebusy_source_scope(const freebusy_state_t *s,
                                  const source_t *source)
{
    apr_pool_t *pool = s->r->pool;
    const char *text =
        apr_pstrcat(pool, source->where, "\n", source->user ? source->user : "",
                    "\n", NULL);
    int i;

    for (i = 0; source->headers && i < source->headers->nelts; i++) {
        text = apr_pstrcat(pool, text,
                           APR_ARRAY_IDX(source->headers, i, const char *),
                           "\n", NULL);
    }
    if (source->kind == SOURCE_OUTBOX && s->caller) {
        text = apr_pstrcat(pool, text, s->caller->guid, NULL);
    }
    return text;
}

/* What the scope leaves out, and the text of a calendar depends on. */
static void text_key(unsigned char *key, const source_t *source,
                     const char *scope, busy_window_t window,
                     const placeholder_values_t *values)
{
    apr_sha1_ctx_t sha;

    freebusy_cache_key_init(&sha, "calendar", scope);
    if (source_has_window(source)) {
        apr_sha1_update_binary(&sha, (unsigned char *)&window, sizeof(window));
    }
    freebusy_cache_key_end(&sha, values, key);
}

/* Takes what the cache has.  Returns how many are missing, with their places in
 * `list`. */
static int take_kept(freebusy_state_t *s, const source_t *source,
                     const char *scope, busy_window_t window,
                     source_calendar_t *list, int count, int *places)
{
    unsigned char key[FREEBUSY_KEY_LENGTH];
    int i, missing = 0;

    for (i = 0; i < count; i++) {
        source_calendar_t *c = &list[i];

        text_key(key, source, scope, window, &c->values);
        if (freebusy_cache_get(s->r, key, &c->data, &c->len)) {
            c->rv = APR_SUCCESS;
        }
        else {
            places[missing++] = i;
        }
    }
    return missing;
}

void freebusy_source_read(freebusy_state_t *s, const source_t *source,
                          busy_window_t window, source_calendar_t *list,
                          int count, apr_interval_time_t lasts)
{
    apr_pool_t *pool = s->r->pool;
    const source_limits_t limits = {s->deadline - apr_time_now(),
                                    s->conf->max_bytes == FREEBUSY_UNSET
                                        ? MAX_BYTES_DEFAULT
                                        : (apr_size_t)s->conf->max_bytes};
    source_question_t question = {window, NULL};
    placeholder_values_t caller;
    const char *scope = freebusy_source_scope(s, source);
    int *places = apr_palloc(pool, sizeof(*places) * (apr_size_t)count);
    source_calendar_t *missing;
    unsigned char key[FREEBUSY_KEY_LENGTH];
    int i, n = count;

    for (i = 0; i < count; i++) {
        places[i] = i;
    }
    if (lasts) {
        n = take_kept(s, source, scope, window, list, count, places);
    }
    if (s->caller) {
        caller = freebusy_values(s->caller);
        question.caller = &caller;
    }
    missing = apr_palloc(pool, sizeof(*missing) * (apr_size_t)(n + 1));
    for (i = 0; i < n; i++) {
        missing[i] = list[places[i]];
    }
    if (n > 0) {
        source_read(source, &question, missing, n, &limits, pool);
    }
    for (i = 0; i < n; i++) {
        if (lasts && missing[i].rv == APR_SUCCESS) {
            text_key(key, source, scope, window, &missing[i].values);
            freebusy_cache_put(s->r, key, lasts, missing[i].data,
                               missing[i].len);
        }
        list[places[i]] = missing[i];
    }
}
