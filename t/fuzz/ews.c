/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A request of Exchange Web Services, whatever it asks: read, and answered from
 * what was read; each answer is a document that we can read again. */

#include "mod_freebusy/ews_reply.h"

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(xml_out_t *x, apr_pool_t *pool)
{
    static const xml_limits_t generous = {1 << 26, 64, 1000000};
    const char *bytes, *why;
    apr_size_t len;
    xmlDocPtr doc;

    if (xml_out_finish(x, &bytes, &len) != APR_SUCCESS ||
        xml_parse(&doc, bytes, len, &generous, &why, pool) != APR_SUCCESS) {
        abort();
    }
}

/* Every mailbox is busy for the second half of the window. */
static const apr_array_header_t *suggestions(const ews_request_t *request,
                                             availability_result_t *results,
                                             apr_pool_t *pool)
{
    static const hours_t hours = {NULL, 1, {{0x3e, 480, 1020}}};
    int i, count = request->availability.attendees->nelts;
    suggest_attendee_t *attendees =
        apr_pcalloc(pool, (apr_size_t)count * sizeof(*attendees));

    if (!request->suggestions.wanted || request->suggestions.error.code) {
        return NULL;
    }
    for (i = 0; i < count; i += 2) {
        attendees[i].busy = results[i].suggest_busy =
            busy_create(suggest_window(&request->suggestions.options), pool);
        attendees[i].role = (availability_role_e)(i % 4);
    }
    return suggest_days(&request->suggestions.options, attendees, count,
                        request->availability.zone, &hours, pool);
}

static xml_out_t *availability(const ews_request_t *request, apr_pool_t *pool)
{
    static const hours_t hours = {NULL, 1, {{0x3e, 480, 1020}}};
    const availability_request_t *a = &request->availability;
    apr_size_t count = (apr_size_t)a->attendees->nelts, i;
    availability_result_t *results =
        apr_pcalloc(pool, count * sizeof(*results));

    for (i = 0; i < count; i++) {
        results[i].error = a->error;
        results[i].grant = AVAILABILITY_GRANT_DETAILED;
        results[i].hours = &hours;
        if (a->wants_view && !a->error.code) {
            busy_period_t p = {.type = BUSY_BUSY, .end = a->window.end};

            p.start = a->window.start + (a->window.end - a->window.start) / 2;
            results[i].busy = busy_create(a->window, pool);
            results[i].busy->has_details = 1;
            busy_add(results[i].busy, &p);
            if (strlen(busy_merge(results[i].busy, a->interval, pool)) !=
                busy_slots(a->window, a->interval)) {
                abort();
            }
        }
    }
    return ews_reply_availability(request, results,
                                  suggestions(request, results, pool), pool);
}

static xml_out_t *answer(const ews_request_t *request, apr_pool_t *pool)
{
    static int whole_list;

    if (request->fault.code) {
        return soap_fault(request->version, SOAP_CLIENT, request->fault.code,
                          request->fault.text, pool);
    }
    switch (request->operation) {
    case EWS_GET_USER_AVAILABILITY:
        return availability(request, pool);
    case EWS_SET_USER_OOF_SETTINGS:
    case EWS_GET_USER_OOF_SETTINGS:
        return request->oof.oof.internal.message
                   ? ews_reply_get_oof(request->version, &request->oof.oof,
                                       OOF_AUDIENCE_ALL, &request->oof.error,
                                       pool)
                   : ews_reply_set_oof(request->version, &request->oof.error,
                                       pool);
    case EWS_GET_SERVER_TIME_ZONES:
        /* The whole list is the same each time, and takes a hundred files. */
        return request->zone_ids || !whole_list++
                   ? ews_reply_time_zones(request, 1774652400, pool)
                   : ews_reply_not_offered(request->version, request->name,
                                           pool);
    default:
        return ews_reply_not_offered(request->version, request->name, pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    ews_request_t request;
    apr_pool_t *pool;

    if (!global) {
        apr_initialize();
        xml_init();
        apr_pool_create(&global, NULL);
    }
    apr_pool_create(&pool, global);
    ews_request_read(&request, (const char *)data, size, pool);
    check(answer(&request, pool), pool);
    apr_pool_destroy(pool);
    return 0;
}
