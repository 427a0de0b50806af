/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_EWS_REQUEST_H
#define POSTERN_EWS_REQUEST_H

/* From the bytes of a request to the question: a plain struct.  Pure; any
 * thread. */

#include "availability.h"
#include "ews_operation.h"
#include "oof.h"
#include "soap.h"
#include "suggest.h"

/* The mailbox and settings of Get/SetUserOofSettings. */
typedef struct ews_oof_request_t {
    availability_attendee_t mailbox;
    oof_t oof;                                    /* of Set */
    int has_internal, has_external, has_duration; /* what Set brought */
    availability_error_t error;
} ews_oof_request_t;

/* SuggestionsViewOptions, when they were sent. */
typedef struct ews_suggestions_t {
    int wanted;
    suggest_options_t options;
    availability_error_t error;
} ews_suggestions_t;

typedef struct ews_request_t {
    soap_version_e version;
    const char *name; /* of the operation, or NULL when there was none */
    ews_operation_e operation;
    availability_error_t fault; /* code NULL unless the request deserves one */
    availability_request_t availability;
    ews_suggestions_t suggestions;
    ews_oof_request_t oof;
    apr_array_header_t *zone_ids; /* const char *, of GetServerTimeZones; NULL:
                                     all */
    int full_zone_data;
} ews_request_t;

/* Reads the `len` bytes at `bytes`.  Never fails: what is wrong stands in
 * request->fault, or in the error of the part. */
void ews_request_read(ews_request_t *request, const char *bytes, apr_size_t len,
                      apr_pool_t *pool);

#endif
