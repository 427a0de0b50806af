/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "log_config.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

int log_config_is(command_id_t id)
{
    return id == COMMAND_LOG_EMAIL || id == COMMAND_LOG_EXCLUDE ||
           id == COMMAND_LOG_TIME || id == COMMAND_LOG_DEFAULT;
}

static log_target_t *find(const apr_array_header_t *targets,
                          const char *address)
{
    int i;

    for (i = 0; i < targets->nelts; i++) {
        log_target_t *target = &APR_ARRAY_IDX(targets, i, log_target_t);

        if (strcmp(target->address, address) == 0) {
            return target;
        }
    }
    return NULL;
}

static log_target_t *find_or_add(apr_array_header_t *targets,
                                 const char *address, apr_pool_t *pool)
{
    log_target_t *target = find(targets, address);

    if (!target) {
        target = apr_array_push(targets);
        memset(target, 0, sizeof(*target));
        target->address = address;
        target->filters = apr_array_make(pool, 4, sizeof(log_filter_t));
    }
    return target;
}

/* ---- filters ---- */

/* The filter of the command; 0 when it names no field. */
static int filter_of(log_filter_t *f, const command_t *command)
{
    const char *level = command_value(command, "LEVEL");
    const char *facility = command_value(command, "FACILITY");

    memset(f, 0, sizeof(*f));
    f->exclude = command->id == COMMAND_LOG_EXCLUDE;
    f->level = level ? log_level_of(level) : -1;
    f->facility = facility ? log_facility_of(facility) : -1;
    f->program = command_value(command, "PROGRAM");
    f->text = command_value(command, "TEXT");
    f->nocase = command_value(command, "msgtext-nocase") != NULL;
    return level || facility || f->program || f->text;
}

static void remove_at(apr_array_header_t *array, int i)
{
    char *at = array->elts + (apr_size_t)i * (apr_size_t)array->elt_size;
    apr_size_t behind = (apr_size_t)(array->nelts - i - 1);

    memmove(at, at + array->elt_size, behind * (apr_size_t)array->elt_size);
    array->nelts--;
}

static int index_of(const log_target_t *target, const log_filter_t *f)
{
    int i;

    for (i = 0; i < target->filters->nelts; i++) {
        if (log_filter_same(&APR_ARRAY_IDX(target->filters, i, log_filter_t),
                            f)) {
            return i;
        }
    }
    return -1;
}

static apr_status_t add_filter(log_target_t *target, const command_t *command)
{
    log_filter_t f;

    /* Without a field, the target alone: it sends nothing yet. */
    if ((filter_of(&f, command) || f.exclude) && index_of(target, &f) < 0) {
        APR_ARRAY_PUSH(target->filters, log_filter_t) = f;
    }
    return APR_SUCCESS;
}

static apr_status_t remove_filter(apr_array_header_t *targets,
                                  const command_t *command, const char **why)
{
    log_target_t *target = find(targets, command_value(command, "FROM"));
    log_filter_t f;
    int i;

    if (!target) {
        *why = "% Error: no log messages are sent to this address";
        return APR_EINVAL;
    }
    if (!filter_of(&f, command) && !f.exclude) {
        remove_at(targets, (int)(target - (log_target_t *)targets->elts));
        return APR_SUCCESS;
    }
    i = index_of(target, &f);
    if (i < 0) {
        *why = "% Error: this address has no such filter";
        return APR_EINVAL;
    }
    remove_at(target->filters, i);
    return APR_SUCCESS;
}

/* ---- time ---- */

/* "2" or "2:30" in minutes. */
static int minutes_of(const char *text)
{
    char *end;
    int minutes = (int)strtol(text, &end, 10) * 60;

    return *end == ':' ? minutes + (int)strtol(end + 1, NULL, 10) : minutes;
}

static void set_time(log_target_t *target, const command_t *command)
{
    const char *base = command_value(command, "BASE");
    const char *sign = command_value(command, "SIGN");

    target->utc = base && strcmp(base, "utc-offset") == 0;
    target->offset = base ? minutes_of(command_value(command, "HOURS")) : 0;
    if (sign && strcmp(sign, "minus") == 0) {
        target->offset = -target->offset;
    }
}

apr_status_t log_config_apply(apr_array_header_t *targets,
                              const command_t *command, const char **why,
                              apr_pool_t *pool)
{
    const char *address = command_value(command, "FROM");
    log_target_t *target;

    if (command->no) {
        return remove_filter(targets, command, why);
    }
    target = find_or_add(targets, address, pool);
    if (command->id == COMMAND_LOG_TIME) {
        set_time(target, command);
        return APR_SUCCESS;
    }
    if (command->id == COMMAND_LOG_DEFAULT) {
        target->filters->nelts = 0;
        target->utc = target->offset = 0;
        return APR_SUCCESS;
    }
    return add_filter(target, command);
}

/* ---- print ---- */

static const char *fields(const log_filter_t *f, apr_pool_t *pool)
{
    const char *text = "";

    if (f->level >= 0) {
        text =
            apr_pstrcat(pool, text, " level ", log_level_name(f->level), NULL);
    }
    if (f->program) {
        text = apr_pstrcat(pool, text, " program ",
                           command_quote(f->program, pool), NULL);
    }
    if (f->facility >= 0) {
        text = apr_pstrcat(pool, text, " facility ",
                           log_facility_name(f->facility), NULL);
    }
    if (f->text) {
        text = apr_pstrcat(pool, text,
                           f->nocase ? " msgtext-nocase " : " msgtext ",
                           command_quote(f->text, pool), NULL);
    }
    return text;
}

static const char *hours(const log_target_t *t, apr_pool_t *pool)
{
    int minutes = abs(t->offset);

    return apr_psprintf(pool, "%d:%02d", minutes / 60, minutes % 60);
}

static const char *print_target(const log_target_t *t, apr_pool_t *pool)
{
    const char *start = apr_pstrcat(pool, "log email ", t->address, NULL);
    const char *text = "";
    int i;

    for (i = 0; i < t->filters->nelts; i++) {
        const log_filter_t *f = &APR_ARRAY_IDX(t->filters, i, log_filter_t);

        text = apr_pstrcat(pool, text, start, f->exclude ? " exclude" : "",
                           fields(f, pool), "\n", NULL);
    }
    if (t->utc || t->offset) {
        text = apr_pstrcat(pool, text, start, " time ",
                           t->utc ? "utc-offset " : "local-offset ",
                           t->offset < 0 ? "minus " : "plus ", hours(t, pool),
                           "\n", NULL);
    }
    return *text ? text : apr_pstrcat(pool, start, "\n", NULL);
}

const char *log_config_print(const apr_array_header_t *targets,
                             const char *address, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < targets->nelts; i++) {
        const log_target_t *t = &APR_ARRAY_IDX(targets, i, log_target_t);

        if (!address || strcmp(address, t->address) == 0) {
            text = apr_pstrcat(pool, text, print_target(t, pool), NULL);
        }
    }
    return *text ? text : NULL;
}

/* ---- show ---- */

static const char *show_filter(const log_filter_t *f, int number,
                               apr_pool_t *pool)
{
    return apr_psprintf(
        pool,
        "  %d Level ..... %s%s\n    Program ..... %s\n    Facility ..... %s\n"
        "    Message text . %s%s%s%s\n",
        number, log_level_name(f->level), f->exclude ? " (exclude)" : "",
        f->program ? f->program : "any", log_facility_name(f->facility),
        f->text ? "\"" : "", f->text ? f->text : "any", f->text ? "\"" : "",
        f->nocase ? " (any case)" : "");
}

static const char *show_target(const log_target_t *t,
                               const log_statistics_t *statistics,
                               apr_pool_t *pool)
{
    const apr_uint64_t *accepted =
        apr_hash_get(statistics->accepted, t->address, APR_HASH_KEY_STRING);
    const char *filters = "";
    int i;

    for (i = 0; i < t->filters->nelts; i++) {
        filters =
            apr_pstrcat(pool, filters,
                        show_filter(&APR_ARRAY_IDX(t->filters, i, log_filter_t),
                                    i + 1, pool),
                        NULL);
    }
    return apr_psprintf(
        pool,
        "Email %s:\nTime offset .... %s%s\nOffset type .... %s\nFilters:\n%s"
        "  Statistics ..... %" APR_UINT64_T_FMT
        " messages received, %" APR_UINT64_T_FMT " accepted by filter (%s)\n",
        t->address, t->offset < 0 ? "-" : "+", hours(t, pool),
        t->utc ? "UTC" : "Local", filters, statistics->received,
        accepted ? *accepted : 0,
        statistics->last ? log_time(t, statistics->last, pool) : "-");
}

const char *log_config_show(const apr_array_header_t *targets,
                            const log_statistics_t *statistics,
                            apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < targets->nelts; i++) {
        text = apr_pstrcat(pool, text,
                           show_target(&APR_ARRAY_IDX(targets, i, log_target_t),
                                       statistics, pool),
                           NULL);
    }
    return text;
}
