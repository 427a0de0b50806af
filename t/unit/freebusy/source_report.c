/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/source_report.h"
#include "lib/xml.h"
#include "t/unit/tap.h"

#include <apr_general.h>

#define CALDAV "urn:ietf:params:xml:ns:caldav"

int main(void)
{
    static const xml_limits_t limits = {1000, 4, 4};
    const busy_window_t window = {1774652400, 1774821600};
    const char *body, *why;
    apr_pool_t *pool;
    xmlDocPtr doc = NULL;
    xmlNodePtr range;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    xml_init();
    body = source_report_write(window, pool);
    is_int(xml_parse(&doc, body, strlen(body), &limits, &why, pool),
           APR_SUCCESS, "a document");
    ok(xml_is(xmlDocGetRootElement(doc), CALDAV, "free-busy-query"), "a query");
    range = xml_child(xmlDocGetRootElement(doc), CALDAV, "time-range");
    is_str(xml_attribute(range, "start", pool), "20260327T230000Z", "start");
    is_str(xml_attribute(range, "end", pool), "20260329T220000Z", "end");
    apr_terminate();
    return done_testing();
}
