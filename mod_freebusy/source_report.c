/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "source_report.h"
#include "datetime.h"

#include "lib/xml.h"

#define CALDAV "urn:ietf:params:xml:ns:caldav"

/* All calendars below a home count, and the objects of a calendar. */
const char *const source_report_headers[] = {
    "Content-Type: application/xml; charset=utf-8", "Depth: infinity", NULL};

const char *source_report_write(busy_window_t window, apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);
    const char *body;
    apr_size_t len;

    xml_out_start(x, "C:free-busy-query");
    xml_out_attribute(x, "xmlns:C", CALDAV);
    xml_out_start(x, "C:time-range");
    xml_out_attribute(x, "start", datetime_print_basic(window.start, pool));
    xml_out_attribute(x, "end", datetime_print_basic(window.end, pool));
    return xml_out_finish(x, &body, &len) == APR_SUCCESS ? body : "";
}
