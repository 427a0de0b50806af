/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_RPCPROXY_FILTERS_H
#define POSTERN_MOD_RPCPROXY_FILTERS_H

/* The bytes of a suspended channel: through httpd's filters or, where these
 * would only count them, past them.  Nothing here blocks; all of it is for the
 * thread that has the channel. */

#include "mod_rpcproxy.h"

/* The first member of what chan->private points to. */
typedef struct rpcproxy_filters_t {
    apr_bucket_brigade *in, *out;
    int plain;      /* no filter keeps bytes back */
    int bare;       /* nor changes one: once drained, */
    int direct;     /* they can be passed by */
    apr_off_t left; /* of the body, when bare */
    APR_OPTIONAL_FN_TYPE(ap_logio_add_bytes_in) * add_bytes_in;
    int used; /* buffers, not long ago */
} rpcproxy_filters_t;

/* For a channel whose first PDU has been read. */
void rpcproxy_filters_init(rpcproxy_filters_t *f, const rpcproxy_chan_t *chan);

/* `read` and `write` of rpcproxy_chan_ops_t.  Having used buffers they start
 * chan->timer, at which rpcproxy_filters_rest() is due. */
apr_status_t rpcproxy_filters_read(rpcproxy_chan_t *chan, void *buf,
                                   apr_size_t *len);
void rpcproxy_filters_write(rpcproxy_chan_t *chan, const void *bytes,
                            apr_size_t len);

/* Sends what the filters hold as far as the socket takes it; sets
 * chan->blocked, or chan->broken. */
void rpcproxy_filters_flush(rpcproxy_chan_t *chan);

/* Gives back buffers that have not been used for a while. */
void rpcproxy_filters_rest(rpcproxy_chan_t *chan);

#endif
