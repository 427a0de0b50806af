/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "log_ingest.h"
#include "disk.h"
#include "enqueue.h"
#include "lib/utf8.h"
#include "storm.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW_SECONDS = 60, MAILS_AN_HOUR = 20, LINE_MAX_IN = 8192 };

/* Lines between two writes of the statistics. */
enum { STATISTICS_EVERY = 100 };

typedef struct reader_t {
    log_ingest_t *ingest;
    storm_t *storms;         /* one a target */
    trigger_state_t *states; /* one a trigger */
    log_statistics_t statistics;
    int unsaved;
    char line[LINE_MAX_IN];
    apr_size_t len;
    apr_pool_t *pool; /* of one line */
} reader_t;

/* ---- statistics ---- */

static const char *statistics_path(const spool_t *spool, apr_pool_t *pool)
{
    return apr_pstrcat(pool, spool->dir, "/log-statistics", NULL);
}

/* "received N TIME", then "accepted N ADDRESS". */
void log_statistics_read(log_statistics_t *s, const spool_t *spool,
                         apr_pool_t *pool)
{
    const char *text;
    char *line, *state, *copy;

    memset(s, 0, sizeof(*s));
    s->accepted = apr_hash_make(pool);
    if (disk_read(statistics_path(spool, pool), 1024 * 1024, &text, NULL,
                  pool) != 0) {
        return;
    }
    copy = apr_pstrdup(pool, text);
    for (line = apr_strtok(copy, "\n", &state); line;
         line = apr_strtok(NULL, "\n", &state)) {
        const char *number = strchr(line, ' ');
        const char *rest = number ? strchr(number + 1, ' ') : NULL;
        apr_uint64_t *value = apr_palloc(pool, sizeof(*value));

        if (!rest) {
            continue;
        }
        *value = (apr_uint64_t)apr_atoi64(number + 1);
        if (line[0] == 'r') {
            s->received = *value;
            s->last = apr_time_from_sec(apr_atoi64(rest + 1));
        }
        else {
            apr_hash_set(s->accepted, rest + 1, APR_HASH_KEY_STRING, value);
        }
    }
}

static void save_statistics(reader_t *r)
{
    const log_statistics_t *s = &r->statistics;
    const char *text = apr_psprintf(
        r->pool, "received %" APR_UINT64_T_FMT " %" APR_TIME_T_FMT "\n",
        s->received, apr_time_sec(s->last));
    apr_hash_index_t *i;

    for (i = apr_hash_first(r->pool, s->accepted); i; i = apr_hash_next(i)) {
        text = apr_psprintf(r->pool, "%saccepted %" APR_UINT64_T_FMT " %s\n",
                            text, *(apr_uint64_t *)apr_hash_this_val(i),
                            (const char *)apr_hash_this_key(i));
    }
    disk_replace(statistics_path(r->ingest->spool, r->pool), text, strlen(text),
                 0644, r->pool);
    r->unsaved = 0;
}

static void count_accepted(reader_t *r, const char *address)
{
    apr_uint64_t *value =
        apr_hash_get(r->statistics.accepted, address, APR_HASH_KEY_STRING);

    if (!value) {
        value = apr_pcalloc(r->ingest->pool, sizeof(*value));
        apr_hash_set(r->statistics.accepted, address, APR_HASH_KEY_STRING,
                     value);
    }
    ++*value;
}

/* ---- mails ---- */

/* Log text may be anything; a mail's text is UTF-8. */
static const char *as_utf8(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *s = copy;

    while (*s) {
        apr_size_t n = utf8_char_length(s, strlen(s) < 4 ? strlen(s) : 4);

        if (n == 0) {
            *s = '?';
            n = 1;
        }
        s += n;
    }
    return copy;
}

/* The first message, cut where a character ends. */
static const char *subject_of(const reader_t *r, const storm_t *storm)
{
    const storm_line_t *first = &APR_ARRAY_IDX(storm->lines, 0, storm_line_t);
    char *subject =
        apr_pstrcat(r->pool, submit_config_hostname(r->ingest->config, r->pool),
                    ": ", first->text, NULL);
    apr_size_t len = strlen(subject);

    if (len > 120) {
        len = 120;
        while (len > 0 && ((unsigned char)subject[len] & 0xc0) == 0x80) {
            len--;
        }
        subject[len] = '\0';
    }
    return subject;
}

static const char *body_of(const reader_t *r, const storm_t *storm,
                           const log_target_t *target)
{
    apr_array_header_t *parts = apr_array_make(r->pool, 16, sizeof(char *));
    int i;

    for (i = 0; i < storm->lines->nelts; i++) {
        const storm_line_t *line =
            &APR_ARRAY_IDX(storm->lines, i, storm_line_t);

        APR_ARRAY_PUSH(parts, const char *) = apr_pstrcat(
            r->pool, log_time(target, line->first, r->pool), " ", line->text,
            line->count > 1
                ? apr_psprintf(r->pool,
                               " (repeated %" APR_UINT64_T_FMT " times)",
                               line->count)
                : "",
            "\n", NULL);
    }
    if (storm->more) {
        APR_ARRAY_PUSH(parts, const char *) = apr_psprintf(
            r->pool, "... and %" APR_UINT64_T_FMT " more messages\n",
            storm->more);
    }
    if (storm_silences(storm)) {
        APR_ARRAY_PUSH(parts, const char *) =
            "\nFurther notices are silenced; what comes within the hour is "
            "collected.\n";
    }
    return apr_array_pstrcat(r->pool, parts, 0);
}

static void send_mail(reader_t *r, storm_t *storm, const log_target_t *target)
{
    const log_ingest_t *in = r->ingest;
    enqueue_request_t request = {0};
    apr_array_header_t *to = apr_array_make(r->pool, 1, sizeof(const char *));
    const char *id, *text, *why = NULL;

    APR_ARRAY_PUSH(to, const char *) = target->address;
    request.config = in->config;
    request.spool = in->spool;
    request.to = to;
    /* What a log says is no instruction: % means nothing here. */
    request.verbatim = 1;
    request.subject = subject_of(r, storm);
    text = body_of(r, storm, target);
    request.body = disk_bytes(text, strlen(text));
    if (enqueue_mail(&request, &id, &why, r->pool) != ENQUEUE_OK) {
        in->failed(in->baton, target->address, why);
    }
    else {
        in->queued(in->baton, id);
    }
    storm_sent(storm, apr_time_now());
}

/* Sends what is due; the time at which to look again, 0: when a line comes. */
static apr_time_t send_due(reader_t *r, int last)
{
    const apr_array_header_t *targets = r->ingest->config->targets;
    apr_time_t next = 0;
    int i;

    for (i = 0; i < targets->nelts; i++) {
        apr_time_t one;

        if (storm_due(&r->storms[i], apr_time_now(), last)) {
            send_mail(r, &r->storms[i],
                      &APR_ARRAY_IDX(targets, i, log_target_t));
        }
        one = storm_next(&r->storms[i]);
        next = one && (!next || one < next) ? one : next;
    }
    return next;
}

/* ---- lines ---- */

static void call_triggers(reader_t *r, const log_record_t *record)
{
    const apr_array_header_t *triggers = r->ingest->config->triggers;
    apr_time_exp_t now;
    int i;

    apr_time_exp_lt(&now, apr_time_now());
    for (i = 0; r->ingest->triggered && i < triggers->nelts; i++) {
        const trigger_t *t = &APR_ARRAY_IDX(triggers, i, trigger_t);

        if (t->type == TRIGGER_LOG && strstr(record->text, t->name) &&
            trigger_may_fire(t, &r->states[i], now.tm_wday)) {
            r->states[i].fired++;
            r->ingest->triggered(r->ingest->baton, t, record->text);
        }
    }
}

static void take_line(reader_t *r, const char *line, apr_size_t len)
{
    const apr_array_header_t *targets = r->ingest->config->targets;
    log_record_t record;
    const char *text;
    int i;

    if (r->ingest->copy >= 0) {
        disk_write(r->ingest->copy,
                   apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, line, len),
                               "\n", NULL),
                   len + 1);
    }
    log_parse(&record, line, len, r->pool);
    r->statistics.received++;
    r->statistics.last = apr_time_now();
    r->unsaved++;
    /* What we log about our own mails must not make mails. */
    if (!*record.text || strcmp(record.program, "smtp-submit") == 0) {
        return;
    }
    call_triggers(r, &record);
    text = as_utf8(apr_pstrcat(r->pool, log_level_name(record.level),
                               *record.program ? " " : "", record.program, ": ",
                               record.text, NULL),
                   r->pool);
    for (i = 0; i < targets->nelts; i++) {
        const log_target_t *target = &APR_ARRAY_IDX(targets, i, log_target_t);

        if (log_target_takes(target, &record) > 0) {
            count_accepted(r, target->address);
            storm_add(&r->storms[i], apr_time_now(), text);
        }
    }
}

/* Cuts what has been read into lines; a line that is too long is cut. */
static void take_bytes(reader_t *r, const char *data, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (data[i] == '\n') {
            take_line(r, r->line, r->len);
            r->len = 0;
        }
        else if (r->len < sizeof(r->line)) {
            r->line[r->len++] = data[i];
        }
    }
}

/* 0 at the end of the source. */
static int read_source(reader_t *r)
{
    char piece[LINE_MAX_IN];
    ssize_t n = read(r->ingest->source, piece, sizeof(piece));

    if (n < 0) {
        return errno == EINTR || errno == EAGAIN;
    }
    if (n == 0 && !r->ingest->datagram) {
        return 0;
    }
    take_bytes(r, piece, (apr_size_t)n);
    if (r->ingest->datagram) {
        take_bytes(r, "\n", 1);
    }
    return 1;
}

static int milliseconds(apr_time_t next)
{
    apr_time_t left = next - apr_time_now();

    if (next == 0) {
        return -1;
    }
    return left <= 0                      ? 0
           : left > apr_time_from_sec(60) ? 60000
                                          : (int)apr_time_as_msec(left) + 1;
}

static void prepare(reader_t *r, log_ingest_t *in)
{
    int i, count = in->config->targets->nelts;
    int window = submit_config_seconds(in->config->log_window, WINDOW_SECONDS);
    int limit = submit_config_seconds(in->config->log_limit, MAILS_AN_HOUR);

    r->ingest = in;
    r->len = 0;
    r->unsaved = 0;
    apr_pool_create(&r->pool, in->pool);
    log_statistics_read(&r->statistics, in->spool, in->pool);
    r->storms = apr_palloc(in->pool, sizeof(storm_t) * (apr_size_t)(count + 1));
    r->states = apr_pcalloc(in->pool,
                            sizeof(trigger_state_t) *
                                (apr_size_t)(in->config->triggers->nelts + 1));
    for (i = 0; i < count; i++) {
        storm_init(&r->storms[i], window, limit, in->pool);
    }
}

int log_ingest(log_ingest_t *in, const char **why)
{
    reader_t *r = apr_palloc(in->pool, sizeof(*r));
    struct pollfd one = {in->source, POLLIN, 0};
    int more = 1;

    prepare(r, in);
    while (more) {
        int ready = poll(&one, 1, milliseconds(send_due(r, 0)));

        if (ready < 0 && errno != EINTR) {
            *why = "% Error: the log cannot be read";
            return errno;
        }
        if (ready > 0) {
            more = read_source(r);
        }
        if (ready == 0 || r->unsaved >= STATISTICS_EVERY) {
            save_statistics(r);
        }
        apr_pool_clear(r->pool);
    }
    if (r->len > 0) {
        take_bytes(r, "\n", 1);
    }
    send_due(r, 1);
    save_statistics(r);
    return 0;
}
