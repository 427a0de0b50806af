/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy_filters.h"

#include <errno.h>
#include <http_protocol.h>
#include <http_ssl.h>
#include <mpm_common.h>
#include <util_filter.h>

/* What the core's filter reads at once. */
#define READ_SIZE APR_BUCKET_BUFF_SIZE
/* After the use of a buffer until it is given back. */
#define REST_TIME apr_time_from_sec(10)

/* 1 when all that stands between the socket and us only counts. */
static int is_bare(const ap_filter_t *f)
{
    static const char *const known[] = {"http_in", "log_input_output",
                                        "core_in"};
    size_t i;

    for (; f; f = f->next) {
        for (i = 0; i < sizeof(known) / sizeof(known[0]) &&
                    strcasecmp(f->frec->name, known[i]) != 0;
             i++) {
        }
        if (i == sizeof(known) / sizeof(known[0])) {
            return 0;
        }
    }
    return 1;
}

/* What is to come of the body behind its first PDU, or -1. */
static apr_off_t body_left(const rpcproxy_chan_t *chan)
{
    const char *header = apr_table_get(chan->r->headers_in, "Content-Length");
    apr_off_t length;

    return header && ap_parse_strict_length(&length, header) &&
                   length >= (apr_off_t)chan->hello.size
               ? length - (apr_off_t)chan->hello.size
               : -1;
}

void rpcproxy_filters_init(rpcproxy_filters_t *f, const rpcproxy_chan_t *chan)
{
    conn_rec *c = chan->c;

    f->in = apr_brigade_create(c->pool, c->bucket_alloc);
    f->out = apr_brigade_create(c->pool, c->bucket_alloc);
    f->plain = !ap_ssl_conn_is_ssl(c) &&
               !apr_table_get(chan->r->headers_in, "Transfer-Encoding");
    f->left = body_left(chan);
    f->bare = f->plain && f->left >= 0 && is_bare(chan->r->input_filters);
    f->add_bytes_in = APR_RETRIEVE_OPTIONAL_FN(ap_logio_add_bytes_in);
}

/* A bucket that means nothing.  mod_ssl keeps small writes together until some
 * metadata comes; a FLUSH would make the core block. */

static apr_status_t nudge_read(apr_bucket *b, const char **bytes,
                               apr_size_t *len, apr_read_type_e block)
{
    (void)b;
    (void)block;
    *bytes = NULL;
    *len = 0;
    return APR_SUCCESS;
}

static const apr_bucket_type_t nudge_type = {"RPCPROXY_NUDGE",
                                             5,
                                             APR_BUCKET_METADATA,
                                             apr_bucket_destroy_noop,
                                             nudge_read,
                                             apr_bucket_setaside_noop,
                                             apr_bucket_split_notimpl,
                                             apr_bucket_simple_copy};

static apr_bucket *nudge_create(apr_bucket_alloc_t *alloc)
{
    apr_bucket *b = apr_bucket_alloc(sizeof(*b), alloc);

    APR_BUCKET_INIT(b);
    b->free = apr_bucket_free;
    b->list = alloc;
    b->type = &nudge_type;
    b->length = 0;
    b->start = 0;
    b->data = NULL;
    return b;
}

/* What the filters hold goes to the socket as far as it takes it: the last
 * filter, the core's, does that when it is given nothing. */
void rpcproxy_filters_flush(rpcproxy_chan_t *chan)
{
    ap_filter_t *f = chan->c->output_filters;
    apr_status_t rv;

    while (f->next) {
        f = f->next;
    }
    rv = f->frec->filter_func.out_func(f, NULL);
    if ((rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv)) || chan->c->aborted) {
        chan->broken = 1;
    }
    chan->blocked = !chan->broken && chan->c->data_in_output_filters;
}

/* A connection keeps the buffers that it has had, for a next request or the
 * next bytes.  None are due for a while here, and there are thousands of such
 * connections: the one from which buffers come first gives back some. */
void rpcproxy_filters_rest(rpcproxy_chan_t *chan)
{
    rpcproxy_filters_t *f = chan->private;
    apr_allocator_t *allocator = apr_pool_allocator_get(chan->c->pool);
    apr_memnode_t *first = apr_allocator_alloc(allocator, READ_SIZE);
    apr_memnode_t *second = apr_allocator_alloc(allocator, READ_SIZE);

    f->used = 0;
    apr_allocator_max_free_set(allocator, 1);
    if (first) {
        apr_allocator_free(allocator, first);
    }
    if (second) {
        apr_allocator_free(allocator, second);
    }
    apr_allocator_max_free_set(allocator, ap_max_mem_free);
}

static void note_use(rpcproxy_chan_t *chan)
{
    rpcproxy_filters_t *f = chan->private;

    if (!f->used) {
        f->used = 1;
        rpcproxy_poller_timer(chan->poller, &chan->timer,
                              chan->poller->now + REST_TIME);
    }
}

/* Straight from the socket: half the calls and none of the copies. */
static apr_status_t read_socket(rpcproxy_chan_t *chan, void *buf,
                                apr_size_t *len)
{
    rpcproxy_filters_t *f = chan->private;
    apr_size_t wanted = (apr_off_t)*len < f->left ? *len : (apr_size_t)f->left;
    ssize_t n = wanted ? recv(chan->watch.fd, buf, wanted, MSG_DONTWAIT) : 0;

    *len = 0;
    chan->drained = n < (ssize_t)wanted;
    if (n == 0) {
        return APR_EOF;
    }
    if (n < 0) {
        return errno == EINTR ? APR_EAGAIN : errno;
    }
    if (f->add_bytes_in) {
        f->add_bytes_in(chan->c, n);
    }
    f->left -= n;
    *len = (apr_size_t)n;
    return APR_SUCCESS;
}

static apr_status_t read_filters(rpcproxy_chan_t *chan, void *buf,
                                 apr_size_t *len)
{
    rpcproxy_filters_t *f = chan->private;
    int ended;
    apr_status_t rv =
        ap_get_brigade(chan->r->input_filters, f->in, AP_MODE_READBYTES,
                       APR_NONBLOCK_READ, (apr_off_t)*len);

    note_use(chan);
    if (rv == APR_SUCCESS) {
        ended = !APR_BRIGADE_EMPTY(f->in) &&
                APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(f->in));
        rv = apr_brigade_flatten(f->in, buf, len);
        if (rv == APR_SUCCESS && *len == 0) {
            rv = ended ? APR_EOF : APR_EAGAIN;
        }
        /* The core filter gives all of what it has read from the socket. */
        chan->drained = f->plain && !ended && *len < READ_SIZE;
    }
    apr_brigade_cleanup(f->in);
    if (chan->c->data_in_output_filters) {
        rpcproxy_filters_flush(chan); /* TLS answers some of what it reads */
    }
    f->left -= rv == APR_SUCCESS ? (apr_off_t)*len : 0;
    f->direct = f->bare && chan->drained;
    return rv;
}

apr_status_t rpcproxy_filters_read(rpcproxy_chan_t *chan, void *buf,
                                   apr_size_t *len)
{
    const rpcproxy_filters_t *f = chan->private;

    return f->direct ? read_socket(chan, buf, len)
                     : read_filters(chan, buf, len);
}

void rpcproxy_filters_write(rpcproxy_chan_t *chan, const void *bytes,
                            apr_size_t len)
{
    rpcproxy_filters_t *f = chan->private;
    apr_bucket_alloc_t *alloc = chan->c->bucket_alloc;
    apr_status_t rv;

    note_use(chan);
    if (len) {
        APR_BRIGADE_INSERT_TAIL(f->out,
                                apr_bucket_transient_create(bytes, len, alloc));
    }
    APR_BRIGADE_INSERT_TAIL(f->out, nudge_create(alloc));
    rv = ap_pass_brigade(chan->r->output_filters, f->out);
    apr_brigade_cleanup(f->out);
    if (rv != APR_SUCCESS) {
        chan->broken = 1;
    }
    else {
        rpcproxy_filters_flush(chan);
    }
}
