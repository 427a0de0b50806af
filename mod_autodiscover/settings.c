/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "settings.h"

#include <string.h>

void discover_settings_init(discover_settings_t *settings)
{
    memset(settings, 0, sizeof(*settings));
    settings->rpc_ssl = -1;
    settings->ttl = -1;
    settings->delegated = -1;
}

#define PICK(member) to->member = add->member ? add->member : base->member
#define PICK_NUMBER(member)                                                    \
    to->member = add->member != -1 ? add->member : base->member

void discover_settings_merge(discover_settings_t *to,
                             const discover_settings_t *base,
                             const discover_settings_t *add)
{
    PICK(server_name);
    PICK(organization);
    PICK(deployment_id);
    PICK(pox_url);
    PICK(ews_url);
    PICK(as_url);
    PICK(oof_url);
    PICK(oab_url);
    PICK(eas_url);
    PICK(ecp_url);
    PICK(owa_url);
    PICK(mapi_url);
    PICK(exchange_server);
    PICK(exchange_auth);
    PICK(server_dn);
    PICK(mdb_dn);
    PICK(version);
    PICK(rpc_host);
    PICK(rpc_auth);
    PICK_NUMBER(rpc_ssl);
    PICK(cert_principal);
    PICK(imap);
    PICK(pop3);
    PICK(smtp);
    PICK(login_name);
    PICK_NUMBER(ttl);
    PICK(public_folders);
    PICK(alternatives);
    PICK_NUMBER(delegated);
    PICK(display_name);
    PICK(caldav_url);
    PICK(carddav_url);
    if (add->redirect_address || add->redirect_url) {
        to->redirect_address = add->redirect_address;
        to->redirect_url = add->redirect_url;
    }
    else {
        PICK(redirect_address);
        PICK(redirect_url);
    }
}
