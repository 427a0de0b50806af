/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "flow.h"

/* Where recycling starts, and what is kept back for A6, B3, acknowledgements
 * and pings that may have to go out before the successor takes over. */
#define RECYCLE_BEFORE_END 8192u
#define END_RESERVE 512u

void flow_sender_init(flow_sender_t *s, apr_uint32_t window)
{
    s->window = window;
    s->sent = s->received = 0;
    s->available = window;
    s->acked = s->lifted = 0;
}

int flow_sender_room(const flow_sender_t *s, apr_size_t len)
{
    /* A PDU larger than the whole window must not stop the tunnel for ever. */
    return s->lifted || s->available >= (apr_int64_t)len ||
           (len > s->window && s->available == (apr_int64_t)s->window);
}

void flow_sender_sent(flow_sender_t *s, apr_size_t len)
{
    s->sent += (apr_uint32_t)len;
    s->available -= (apr_int64_t)len;
}

apr_status_t flow_sender_ack(flow_sender_t *s, apr_uint32_t received,
                             apr_uint32_t window, const char **why)
{
    apr_int64_t available;

    if (received > s->sent) {
        *why = "acknowledgement of bytes that were not sent";
        return APR_EINVAL;
    }
    if (received < s->received) {
        *why = "acknowledgement goes back";
        return APR_EINVAL;
    }
    if (window > s->window) {
        *why = "acknowledgement opens more than the advertised window";
        return APR_EINVAL;
    }
    available = (apr_int64_t)window - (apr_int64_t)(s->sent - received);
    s->received = received;
    s->available = available;
    s->acked = 1;
    s->lifted = 0;
    return APR_SUCCESS;
}

void flow_sender_lift(flow_sender_t *s)
{
    s->lifted = 1;
}

void flow_receiver_init(flow_receiver_t *r, apr_uint32_t window)
{
    r->window = r->advertised = window;
    r->received = r->held = 0;
}

void flow_receiver_received(flow_receiver_t *r, apr_size_t len)
{
    apr_uint32_t n = (apr_uint32_t)len;

    r->received += n;
    r->held += n;
    r->advertised = r->advertised > n ? r->advertised - n : 0;
}

void flow_receiver_forwarded(flow_receiver_t *r, apr_size_t len)
{
    r->held = r->held > len ? r->held - (apr_uint32_t)len : 0;
}

static apr_uint32_t receiver_available(const flow_receiver_t *r)
{
    return r->held < r->window ? r->window - r->held : 0;
}

int flow_receiver_ack_due(const flow_receiver_t *r)
{
    return r->advertised < r->window / 2 &&
           receiver_available(r) > r->advertised;
}

apr_uint32_t flow_receiver_ack(flow_receiver_t *r)
{
    r->advertised = receiver_available(r);
    return r->advertised;
}

void flow_lifetime_init(flow_lifetime_t *l, apr_uint32_t limit)
{
    l->limit = limit;
    l->used = 0;
}

int flow_lifetime_room(const flow_lifetime_t *l, apr_size_t len)
{
    return l->used + END_RESERVE <= l->limit &&
           len <= l->limit - l->used - END_RESERVE;
}

void flow_lifetime_spend(flow_lifetime_t *l, apr_size_t len)
{
    l->used += (apr_uint32_t)len;
}

int flow_lifetime_near_end(const flow_lifetime_t *l)
{
    apr_uint32_t margin =
        l->limit < 2 * RECYCLE_BEFORE_END ? l->limit / 2 : RECYCLE_BEFORE_END;

    return l->limit - l->used <= margin || l->used > l->limit;
}
