/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Apple's configuration profile for whoever is logged in. */

#include "mod_autodiscover.h"
#include "mobileconfig.h"

#include "glue/mod_glue.h"
#include "lib/log.h"

#include <http_log.h>

APLOG_USE_MODULE(autodiscover);

static int status_of(discover_error_e error)
{
    switch (error) {
    case DISCOVER_OK:
        return OK;
    case DISCOVER_INTERNAL:
        return HTTP_SERVICE_UNAVAILABLE;
    case DISCOVER_BROKEN:
        return HTTP_INTERNAL_SERVER_ERROR;
    default:
        return HTTP_NOT_FOUND;
    }
}

static int refuse(request_rec *r, discover_error_e error, const char *why)
{
    ap_log_rerror(APLOG_MARK, autodiscover_level_of(error), 0, r,
                  PN(12011) "has no profile for %s: %s", r->user, why);
    return status_of(error);
}

int autodiscover_handle_mobileconfig(request_rec *r)
{
    const discover_signer_t *signer = autodiscover_server_of(r->server)->signer;
    discover_answer_t answer;
    const char *bytes, *why = NULL;
    apr_size_t len;
    discover_error_e error;

    if (r->method_number != M_GET) {
        return glue_method_not_allowed(r, "GET");
    }
    if (!autodiscover_is_logged_in(r)) {
        return HTTP_FORBIDDEN;
    }
    error = autodiscover_own_answer(r, &answer, &why);
    if (error != DISCOVER_OK) {
        return refuse(r, error, why);
    }
    if (!discover_mobileconfig_is_complete(&answer)) {
        return refuse(r, DISCOVER_NO_CONFIGURATION,
                      "no mail, CalDAV, CardDAV or ActiveSync server is "
                      "configured");
    }
    if (discover_mobileconfig_print(&answer, &bytes, &len, r->pool) !=
            APR_SUCCESS ||
        (signer && discover_signer_sign(signer, bytes, len, &bytes, &len,
                                        r->pool) != APR_SUCCESS)) {
        return refuse(r, DISCOVER_BROKEN,
                      "the profile could not be printed or signed");
    }
    apr_table_setn(r->headers_out, "Content-Disposition",
                   "attachment; filename=\"mail.mobileconfig\"");
    return glue_send(r, "application/x-apple-aspen-config", bytes, len);
}
