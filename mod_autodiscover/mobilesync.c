/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mobilesync.h"
#include "response.h"

apr_status_t discover_mobilesync_print(const discover_answer_t *a,
                                       const char **bytes, apr_size_t *len,
                                       apr_pool_t *pool)
{
    xml_out_t *x = discover_response_open(DISCOVER_SCHEMA_MOBILESYNC, pool);

    xml_out_element(x, "Culture", "en:us");
    xml_out_start(x, "User");
    xml_out_element(x, "DisplayName", a->mailbox.display_name);
    xml_out_element(x, "EMailAddress", a->mailbox.mail);
    xml_out_end(x);
    xml_out_start(x, "Action");
    if (a->redirect_address) {
        xml_out_element(x, "Redirect", a->redirect_address);
        return xml_out_finish(x, bytes, len);
    }
    xml_out_start(x, "Settings");
    xml_out_start(x, "Server");
    xml_out_element(x, "Type", "MobileSync");
    xml_out_element(x, "Url", a->eas_url);
    xml_out_element(x, "Name", a->eas_url);
    return xml_out_finish(x, bytes, len);
}
