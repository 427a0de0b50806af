/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "alternatives.h"
#include "settings.h"

/* MS-OXDSCLI section 2.2.4.1.1.2.5.  With SmtpAddress, which the client then
 * asks about, there is neither LegacyDN nor Server. */
static void print_one(xml_out_t *x, const char *name,
                      const discover_alternative_t *alternative)
{
    xml_out_start(x, name);
    xml_out_element(x, "Type", alternative->type);
    xml_out_element(x, "DisplayName", alternative->display_name);
    xml_out_element(x, "SmtpAddress", alternative->address);
    xml_out_element(x, "OwnerSmtpAddress", alternative->owner);
    xml_out_end(x);
}

void discover_alternatives_print(xml_out_t *x, const char *name,
                                 const apr_array_header_t *alternatives)
{
    int i;

    for (i = 0; alternatives && i < alternatives->nelts; i++) {
        print_one(x, name,
                  &APR_ARRAY_IDX(alternatives, i, discover_alternative_t));
    }
}
