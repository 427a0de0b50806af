/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What anybody may ask at well-known places, without login: Thunderbird's
 * config-v1.1.xml, and where CalDAV and CardDAV are. */

#include "mod_autodiscover.h"
#include "autoconfig.h"
#include "query.h"

#include "glue/mod_glue.h"
#include "lib/log.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_request.h>
#include <string.h>

APLOG_USE_MODULE(autodiscover);

/* The domain that the request's host stands for: it only chooses among those
 * that are configured. */
static const char *host_domain(const request_rec *r)
{
    static const char *const prefixes[] = {"autoconfig.", "autodiscover.",
                                           "mail."};
    const char *host = r->hostname ? r->hostname : "";
    apr_size_t i;

    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        apr_size_t n = strlen(prefixes[i]);

        if (strncasecmp(host, prefixes[i], n) == 0) {
            return host + n;
        }
    }
    return host;
}

/* The answer for the address in the query, or for anybody in the domain that
 * the host stands for.  OK, or DECLINED: what another handler or a file may
 * answer is left to it. */
static int find_answer(request_rec *r, discover_answer_t *answer)
{
    const char *address =
        discover_query_parameter(r->args, "emailaddress", r->pool);
    const char *why = NULL;
    discover_error_e error =
        address && *address
            ? autodiscover_public_answer(r, address, answer, &why)
            : autodiscover_anybodys_answer(
                  r, host_domain(r), DISCOVER_AUTOCONFIG_MAIL,
                  DISCOVER_AUTOCONFIG_LOCAL, answer, &why);

    if (error != DISCOVER_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(12009) "has nothing to tell: %s", why);
        return DECLINED;
    }
    return OK;
}

int autodiscover_handle_autoconfig(request_rec *r)
{
    discover_answer_t answer;
    const char *bytes;
    apr_size_t len;
    int status;

    status = find_answer(r, &answer);
    if (status != OK) {
        return status;
    }
    if (r->method_number != M_GET) {
        return glue_method_not_allowed(r, "GET");
    }
    if (!discover_autoconfig_is_complete(&answer)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      PN(12010) "has nothing to tell: AutodiscoverSmtp and "
                                "AutodiscoverImap or AutodiscoverPop3 are "
                                "needed");
        return DECLINED;
    }
    if (discover_autoconfig_print(&answer, &bytes, &len, r->pool) !=
        APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return glue_send(r, "text/xml; charset=utf-8", bytes, len);
}

/* RFC 6764 section 5: whatever is asked at the well-known place is sent on.
 * Clients drop the body of a PROPFIND at 301. */
static int send_on(request_rec *r, const char *url)
{
    if (!url) {
        return DECLINED;
    }
    apr_table_setn(r->headers_out, "Location", url);
    return HTTP_TEMPORARY_REDIRECT;
}

int autodiscover_handle_caldav(request_rec *r)
{
    discover_answer_t answer;
    int status = find_answer(r, &answer);

    return status == OK ? send_on(r, answer.caldav_url) : status;
}

int autodiscover_handle_carddav(request_rec *r)
{
    discover_answer_t answer;
    int status = find_answer(r, &answer);

    return status == OK ? send_on(r, answer.carddav_url) : status;
}
