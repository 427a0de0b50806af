/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_EWS_REPLY_H
#define POSTERN_EWS_REPLY_H

/* From the answer, a plain struct, to the document.  Pure; any thread. */

#include "ews_request.h"

/* One `results` for each of request->attendees, in their order. */
xml_out_t *ews_reply_availability(soap_version_e version,
                                  const availability_request_t *request,
                                  const availability_result_t *results,
                                  apr_pool_t *pool);

/* The settings, or an error; `allowed` is what the server's policy lets out. */
xml_out_t *ews_reply_get_oof(soap_version_e version, const oof_t *oof,
                             oof_audience_e allowed,
                             const availability_error_t *error,
                             apr_pool_t *pool);
xml_out_t *ews_reply_set_oof(soap_version_e version,
                             const availability_error_t *error,
                             apr_pool_t *pool);

/* The error message for operation `name`. */
xml_out_t *ews_reply_not_offered(soap_version_e version, const char *name,
                                 apr_pool_t *pool);

#endif
