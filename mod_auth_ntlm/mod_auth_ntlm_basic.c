/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Basic beside NTLM in one location: httpd has one AuthType a location, so
 * the providers of mod_auth_basic's kind are asked from here. */

#include "mod_auth_ntlm.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>

#include "lib/log.h"

APLOG_USE_MODULE(auth_ntlm);

static int refuse(request_rec *r, const auth_ntlm_dir_t *conf, const char *user,
                  const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  PN(11020) "Basic login of \"%s\" refused: %s", user, why);
    return auth_ntlm_offer(r, conf);
}

/* The first answer that is not "I do not know this user". */
static authn_status ask_providers(request_rec *r,
                                  const authn_provider_list *provider,
                                  const char *user, const char *password)
{
    authn_status status = AUTH_USER_NOT_FOUND;

    for (; provider && status == AUTH_USER_NOT_FOUND;
         provider = provider->next) {
        /* mod_authn_core's aliases look here. */
        apr_table_setn(r->notes, AUTHN_PROVIDER_NAME_NOTE,
                       provider->provider_name);
        status = provider->provider->check_password(r, user, password);
        apr_table_unset(r->notes, AUTHN_PROVIDER_NAME_NOTE);
    }
    return status;
}

int auth_ntlm_basic(request_rec *r, const auth_ntlm_dir_t *conf)
{
    const char *user, *password;

    if (ap_get_basic_auth_components(r, &user, &password) != APR_SUCCESS ||
        !user || !password) {
        return refuse(r, conf, "", "header is malformed");
    }
    if (!*user || !*password) {
        return refuse(r, conf, user, "user or password is empty");
    }
    r->user = apr_pstrdup(r->pool, user);
    r->ap_auth_type = "Basic";
    switch (ask_providers(r, conf->basic, user, password)) {
    case AUTH_GRANTED:
        return OK;
    case AUTH_DENIED:
        return refuse(r, conf, user, "wrong password");
    case AUTH_USER_NOT_FOUND:
        return refuse(r, conf, user, "unknown user");
    default:
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      PN(11021) "Basic login of \"%s\" is not possible: the "
                                "provider cannot tell",
                      user);
        return HTTP_SERVICE_UNAVAILABLE;
    }
}
