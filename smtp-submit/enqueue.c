/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "enqueue.h"
#include "body.h"
#include "lib/mailaddr.h"
#include "lib/utf8.h"
#include "message.h"
#include "substitute.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- addresses ---- */

static int add_address(const submit_config_t *config, const char *text,
                       apr_array_header_t *addresses, const char **why,
                       apr_pool_t *pool)
{
    const char *reason, *alias;
    mailaddr_t addr;
    char *name = apr_pstrdup(pool, text);
    int i;

    apr_collapse_spaces(name, name);
    alias = strchr(name, '@') ? NULL : submit_config_alias(config, name);
    if (alias) {
        text = alias;
    }
    if (mailaddr_parse(&addr, text, strlen(text), &reason, pool) !=
        APR_SUCCESS) {
        *why = apr_psprintf(pool, "%% Error: \"%s\": %s", text, reason);
        return ENQUEUE_DATA;
    }
    for (i = 0; i < addresses->nelts; i++) {
        if (mailaddr_same(APR_ARRAY_IDX(addresses, i, const char *),
                          addr.text)) {
            return ENQUEUE_OK;
        }
    }
    APR_ARRAY_PUSH(addresses, const char *) = addr.text;
    return ENQUEUE_OK;
}

int enqueue_addresses(const submit_config_t *config,
                      const apr_array_header_t *list,
                      apr_array_header_t *addresses, const char **why,
                      apr_pool_t *pool)
{
    int i, rv = ENQUEUE_OK;

    for (i = 0; list && i < list->nelts; i++) {
        char *copy = apr_pstrdup(pool, APR_ARRAY_IDX(list, i, const char *));
        char *state, *one;

        for (one = apr_strtok(copy, ",", &state); one && rv == ENQUEUE_OK;
             one = apr_strtok(NULL, ",", &state)) {
            rv = add_address(config, one, addresses, why, pool);
        }
    }
    return rv;
}

/* ---- subject and file ---- */

const char *enqueue_subject(const submit_config_t *config, const char *subject,
                            apr_pool_t *pool)
{
    substitute_facts_t facts;

    if (!subject || !strchr(subject, '%')) {
        return subject ? subject : "";
    }
    facts.hostname = submit_config_hostname(config, pool);
    facts.serial = config->serial ? config->serial : substitute_serial(pool);
    facts.now = apr_time_now();
    return substitute_subject(subject, &facts, pool);
}

static const char *bad_subject(const char *subject)
{
    const char *s;

    for (s = subject; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            return "% Error: the subject holds a control character";
        }
    }
    return utf8_is_valid(subject, strlen(subject))
               ? NULL
               : "% Error: the subject is not UTF-8";
}

static int open_beneath(const char *root, const char *name)
{
    struct open_how how;
    int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

    if (dir < 0) {
        return -1;
    }
    memset(&how, 0, sizeof(how));
    how.flags = O_RDONLY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
    close(dir);
    return fd;
}

int enqueue_open_file(const submit_config_t *config, const char *name,
                      const char **why, apr_pool_t *pool)
{
    int fd = config->file_root ? open_beneath(config->file_root, name)
                               : open(name, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        *why =
            apr_psprintf(pool, "%% Error: file %s: %s", name, strerror(errno));
    }
    return fd;
}

/* ---- the mail ---- */

typedef struct enqueue_t {
    const enqueue_request_t *request;
    apr_array_header_t *to, *cc, *all;
    const char *from, *subject;
    body_t *body;
    apr_array_header_t *attachments; /* of body_t * */
    apr_pool_t *pool;
} enqueue_t;

/* 64 random bits; the process id and the clock, should there be none. */
static const char *random_hex(apr_pool_t *pool)
{
    apr_uint64_t bits =
        (apr_uint64_t)apr_time_now() << 16 ^ (apr_uint64_t)getpid();

    (void)apr_generate_random_bytes((unsigned char *)&bits, sizeof(bits));
    return apr_psprintf(pool, "%016" APR_UINT64_T_HEX_FMT, bits);
}

const char *enqueue_message_id(const submit_config_t *config, const char *id,
                               apr_pool_t *pool)
{
    return apr_pstrcat(pool, id, ".", random_hex(pool), "@",
                       submit_config_hostname(config, pool), NULL);
}

/* The form that the guide shows. */
static const char *received_line(const enqueue_t *e, const char *hostname)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, apr_time_now());
    return apr_psprintf(
        e->pool,
        "Received: by %s (smtp-submit) for uid %ld\r\n <%s>; "
        "%s, %d %s %d %02d:%02d:%02d +0000 (UTC)\r\n",
        hostname, (long)getuid(), APR_ARRAY_IDX(e->all, 0, const char *),
        apr_day_snames[t.tm_wday], t.tm_mday, apr_month_snames[t.tm_mon],
        t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static int check_people(enqueue_t *e, const char **why)
{
    const enqueue_request_t *r = e->request;
    int rv;

    e->from = r->from ? r->from : r->config->from;
    if (!e->from) {
        *why = "% Error: no sender is configured, use \"mail from\"";
        return ENQUEUE_CONFIG;
    }
    e->to = apr_array_make(e->pool, 4, sizeof(const char *));
    e->cc = apr_array_make(e->pool, 4, sizeof(const char *));
    rv = enqueue_addresses(r->config, r->to, e->to, why, e->pool);
    rv = rv ? rv : enqueue_addresses(r->config, r->cc, e->cc, why, e->pool);
    if (rv) {
        return rv;
    }
    e->all = apr_array_make(e->pool, 8, sizeof(const char *));
    rv = enqueue_addresses(r->config, e->to, e->all, why, e->pool);
    rv = rv ? rv : enqueue_addresses(r->config, e->cc, e->all, why, e->pool);
    rv = rv ? rv : enqueue_addresses(r->config, r->bcc, e->all, why, e->pool);
    if (!rv && e->all->nelts == 0) {
        *why = "% Error: the mail has no recipient, use \"to\"";
        rv = ENQUEUE_USAGE;
    }
    if (!rv && e->all->nelts > SPOOL_RECIPIENTS_MAX) {
        *why = "% Error: the mail has more than 1000 recipients";
        rv = ENQUEUE_DATA;
    }
    return rv;
}

static int read_bodies(enqueue_t *e, const char **why)
{
    const enqueue_request_t *r = e->request;
    int i, rv = body_open(&e->body, r->body, r->spool->dir, why, e->pool);

    e->attachments = apr_array_make(e->pool, 2, sizeof(body_t *));
    for (i = 0; !rv && r->attach && i < r->attach->nelts; i++) {
        const char *name = APR_ARRAY_IDX(r->attach, i, const char *);
        int fd = enqueue_open_file(r->config, name, why, e->pool);
        body_t *body;

        if (fd < 0) {
            return ENQUEUE_INPUT;
        }
        rv = body_open(&body, fd, r->spool->dir, why, e->pool);
        if (!rv) {
            body->name = name;
            APR_ARRAY_PUSH(e->attachments, body_t *) = body;
        }
    }
    return rv ? ENQUEUE_INPUT : ENQUEUE_OK;
}

/* Where the bodies go: into the queue, and past whoever watches. */
typedef struct sink_t {
    spool_writer_t *writer;
    progress_t *progress;
} sink_t;

static int sink(void *baton, const char *data, apr_size_t len)
{
    sink_t *s = baton;

    progress_bytes(s->progress, s->writer->message_len, 0);
    return spool_write(s->writer, data, len);
}

/* Writes envelope, header and bodies. */
static int write_mail(enqueue_t *e, spool_writer_t *w, const char **why)
{
    const submit_config_t *config = e->request->config;
    const char *hostname = submit_config_hostname(config, e->pool);
    const char *text;
    spool_envelope_t envelope = {0};
    message_header_t header = {0};
    sink_t to = {w, e->request->progress};
    int rv;

    envelope.sender = header.from = e->from;
    envelope.recipients = e->all;
    envelope.to = APR_ARRAY_IDX(e->to->nelts ? e->to : e->all, 0, const char *);
    envelope.subject = header.subject = e->subject;
    envelope.date = header.date = apr_time_now();
    envelope.message_id = header.message_id =
        enqueue_message_id(config, w->id, e->pool);
    envelope.notice = e->request->notice;
    envelope.notify = e->request->notify;
    envelope.returns = e->request->returns;
    header.to = e->to;
    header.cc = e->cc;
    header.encoding = e->body->encoding;
    header.charset = e->body->charset;
    header.received = config->add_received ? received_line(e, hostname) : NULL;
    header.boundary =
        e->attachments->nelts
            ? apr_pstrcat(e->pool, "=_", random_hex(e->pool), NULL)
            : NULL;
    text = message_header(&header, e->pool);
    rv = spool_begin(w, &envelope, why);
    rv = rv ? rv : spool_write(w, text, strlen(text));
    rv = rv ? rv
            : body_write(e->body, e->attachments, header.boundary, sink, &to,
                         e->pool);
    if (rv && !*why) {
        *why = apr_psprintf(e->pool, "%% Error: mail queue: %s", strerror(rv));
    }
    return rv ? rv : spool_commit(w, why);
}

static int check_subject(enqueue_t *e, const char **why)
{
    const enqueue_request_t *r = e->request;

    e->subject = r->verbatim ? r->subject
                             : enqueue_subject(r->config, r->subject, e->pool);
    *why = bad_subject(e->subject);
    return *why ? ENQUEUE_DATA : ENQUEUE_OK;
}

int enqueue_mail(const enqueue_request_t *request, const char **id,
                 const char **why, apr_pool_t *pool)
{
    enqueue_t e = {0};
    spool_writer_t *w;
    int rv;

    *why = NULL;
    e.request = request;
    e.pool = pool;
    rv = check_people(&e, why);
    rv = rv ? rv : check_subject(&e, why);
    if (rv) {
        if (request->body >= 0) {
            close(request->body);
        }
        return rv;
    }
    rv = read_bodies(&e, why);
    if (rv) {
        return rv;
    }
    if (spool_new(&w, request->spool, why, pool) != 0 ||
        write_mail(&e, w, why) != 0) {
        return ENQUEUE_IO;
    }
    *id = apr_pstrdup(pool, w->id);
    return ENQUEUE_OK;
}
