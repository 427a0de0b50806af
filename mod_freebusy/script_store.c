/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "script_store.h"
#include "datetime.h"
#include "managesieve_session.h"
#include "script_file.h"
#include "sieve.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#define PORT 4190 /* RFC 5804 */
#define SCHEME "managesieve://"

static const char *parse_server(script_store_t *store, const char *text,
                                apr_pool_t *pool)
{
    const char *host = text + strlen(SCHEME);
    const char *colon = strrchr(host, ':'), *end = host + strlen(host);

    store->kind = SCRIPT_STORE_MANAGESIEVE;
    store->port = PORT;
    if (colon && !strchr(colon, ']')) {
        if (datetime_parse_int(&store->port, colon + 1, 1, 65535) !=
            APR_SUCCESS) {
            return "the port must be a number";
        }
        end = colon;
    }
    if (*host == '[' && end > host + 2 && end[-1] == ']') {
        host++;
        end--;
    }
    store->host = apr_pstrmemdup(pool, host, (apr_size_t)(end - host));
    if (end <= host || strpbrk(store->host, "/@ []%")) {
        return "behind managesieve:// stand only host and port";
    }
    return NULL;
}

const char *script_store_parse(script_store_t *store, const char *text,
                               apr_pool_t *pool)
{
    memset(store, 0, sizeof(*store));
    if (strncmp(text, SCHEME, strlen(SCHEME)) == 0) {
        return parse_server(store, text, pool);
    }
    if (strncmp(text, "file:/", 6) != 0) {
        return "it must start with file:/ or managesieve://";
    }
    store->kind = SCRIPT_STORE_FILE;
    store->path = apr_pstrdup(pool, text + 5);
    return placeholder_is_in(text)
               ? placeholder_check(text)
               : "it must hold a placeholder such as %{user}";
}

/* How much of the path the admin wrote out. */
static apr_size_t fixed(const script_store_t *store)
{
    return (apr_size_t)(strstr(store->path, "%{") - store->path);
}

static apr_status_t load_file(script_state_t *state,
                              const script_store_t *store,
                              const placeholder_values_t *values,
                              const char **why, apr_pool_t *pool)
{
    const char *path;
    apr_status_t rv = placeholder_expand(&path, store->path, values,
                                         PLACEHOLDER_PATH, why, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *why = "the file cannot be read";
    state->active = 1;
    rv = script_file_read(&state->script, &state->len, path, fixed(store),
                          SIEVE_MAX, pool);
    if (APR_STATUS_IS_ENOENT(rv)) {
        state->script = NULL;
        rv = APR_SUCCESS;
    }
    return rv;
}

static apr_status_t save_file(const script_store_t *store,
                              const placeholder_values_t *values,
                              const char *script, const char **why,
                              apr_pool_t *pool)
{
    const char *path;
    apr_status_t rv = placeholder_expand(&path, store->path, values,
                                         PLACEHOLDER_PATH, why, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *why = "the file cannot be written; its folder must exist and be writable "
           "for httpd's user or group";
    return script_file_write(path, fixed(store), script, strlen(script), pool);
}

static apr_status_t open_session(managesieve_session_t **session,
                                 const script_store_t *store,
                                 const placeholder_values_t *values,
                                 apr_time_t deadline, const char **why,
                                 apr_pool_t *pool)
{
    managesieve_login_t login = {store->host, store->port, store->ca_file,
                                 NULL,        store->user, store->password,
                                 deadline};
    apr_status_t rv = placeholder_expand(&login.authorize, store->authorize,
                                         values, PLACEHOLDER_HEADER, why, pool);

    if (!login.user) {
        *why = "no FreeBusyOofStoreLogin is configured";
        return APR_EACCES;
    }
    return rv == APR_SUCCESS
               ? managesieve_session_open(session, &login, why, pool)
               : rv;
}

static const char *word(const apr_array_header_t *line, int i)
{
    return i < line->nelts ? APR_ARRAY_IDX(line, i, const char *) : "";
}

/* LISTSCRIPTS: is ours there, and which one is active? */
static int read_list(script_state_t *state, const managesieve_answer_t *answer)
{
    int i, ours = 0;

    for (i = 0; i < answer->lines->nelts; i++) {
        const apr_array_header_t *line =
            APR_ARRAY_IDX(answer->lines, i, apr_array_header_t *);
        int is_ours = strcmp(word(line, 0), SCRIPT_STORE_NAME) == 0;

        ours |= is_ours;
        if (apr_cstr_casecmp(word(line, 1), "ACTIVE") == 0) {
            state->active = is_ours;
            state->own = is_ours ? NULL : word(line, 0);
        }
    }
    return ours;
}

static apr_status_t load_server(script_state_t *state,
                                const script_store_t *store,
                                const placeholder_values_t *values,
                                apr_time_t deadline, const char **why,
                                apr_pool_t *pool)
{
    managesieve_session_t *session;
    managesieve_answer_t answer;
    apr_status_t rv =
        open_session(&session, store, values, deadline, why, pool);

    if (rv == APR_SUCCESS) {
        rv = managesieve_session_call(
            session, managesieve_command(pool, "LISTSCRIPTS", NULL), &answer,
            why);
    }
    if (rv != APR_SUCCESS || !read_list(state, &answer)) {
        return rv;
    }
    rv = managesieve_session_call(
        session,
        managesieve_command(pool, "GETSCRIPT", SCRIPT_STORE_NAME, NULL),
        &answer, why);
    if (rv == APR_SUCCESS && answer.lines->nelts > 0) {
        state->script =
            word(APR_ARRAY_IDX(answer.lines, 0, apr_array_header_t *), 0);
        state->len = strlen(state->script);
    }
    return rv;
}

static apr_status_t set_active(managesieve_session_t *session, const char *name,
                               const char **why, apr_pool_t *pool)
{
    managesieve_answer_t answer;
    apr_status_t rv = managesieve_session_call(
        session, managesieve_command(pool, "SETACTIVE", name ? name : "", NULL),
        &answer, why);

    /* The user may have deleted his script: then none is active. */
    return rv == APR_NOTFOUND && name && *name
               ? set_active(session, NULL, why, pool)
               : rv;
}

static apr_status_t save_server(const script_store_t *store,
                                const placeholder_values_t *values,
                                apr_time_t deadline, const char *script,
                                int activate, int was_active, const char *own,
                                const char **why, apr_pool_t *pool)
{
    managesieve_session_t *session;
    managesieve_answer_t answer;
    apr_status_t rv =
        open_session(&session, store, values, deadline, why, pool);

    if (rv == APR_SUCCESS) {
        rv = managesieve_session_call(session,
                                      managesieve_command(pool, "PUTSCRIPT",
                                                          SCRIPT_STORE_NAME,
                                                          script, NULL),
                                      &answer, why);
    }
    if (rv == APR_SUCCESS && activate) {
        rv = set_active(session, SCRIPT_STORE_NAME, why, pool);
    }
    else if (rv == APR_SUCCESS && was_active) {
        rv = set_active(session, own, why, pool);
    }
    return rv;
}

apr_status_t script_store_load(script_state_t *state,
                               const script_store_t *store,
                               const placeholder_values_t *values,
                               apr_time_t deadline, const char **why,
                               apr_pool_t *pool)
{
    memset(state, 0, sizeof(*state));
    return store->kind == SCRIPT_STORE_FILE
               ? load_file(state, store, values, why, pool)
               : load_server(state, store, values, deadline, why, pool);
}

apr_status_t script_store_save(const script_store_t *store,
                               const placeholder_values_t *values,
                               apr_time_t deadline, const char *script,
                               int activate, int was_active, const char *own,
                               const char **why, apr_pool_t *pool)
{
    return store->kind == SCRIPT_STORE_FILE
               ? save_file(store, values, script, why, pool)
               : save_server(store, values, deadline, script, activate,
                             was_active, own, why, pool);
}
