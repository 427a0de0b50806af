/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_EWS_REPLY_H
#define POSTERN_EWS_REPLY_H

/* From the answer, a plain struct, to the document.  Pure; any thread. */

#include "ews_request.h"

/* One `results` for each of the attendees, in their order; `days` are the
 * suggestions (suggest_day_t) when they were wanted and request->suggestions has
 * no error. */
xml_out_t *ews_reply_availability(const ews_request_t *request,
                                  const availability_result_t *results,
                                  const apr_array_header_t *days,
                                  apr_pool_t *pool);

/* The settings, or an error; `allowed` is what the server's policy lets out. */
xml_out_t *ews_reply_get_oof(soap_version_e version, const oof_t *oof,
                             oof_audience_e allowed,
                             const availability_error_t *error,
                             apr_pool_t *pool);
xml_out_t *ews_reply_set_oof(soap_version_e version,
                             const availability_error_t *error,
                             apr_pool_t *pool);

/* The time zones that were asked for, as they are at `now`. */
xml_out_t *ews_reply_time_zones(const ews_request_t *request, apr_int64_t now,
                                apr_pool_t *pool);

/* The error message for operation `name`. */
xml_out_t *ews_reply_not_offered(soap_version_e version, const char *name,
                                 apr_pool_t *pool);

#endif
