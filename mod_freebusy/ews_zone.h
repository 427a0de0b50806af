/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_EWS_ZONE_H
#define POSTERN_EWS_ZONE_H

/* The time zone of a request: the TimeZone element (SerializableTimeZone), or a
 * TimeZoneDefinition by the name of Windows or by explicit periods. */

#include "timezone.h"

#include "lib/xml.h"

/* Reads the children of a t:TimeZone.  Every way to say "no daylight saving"
 * passes: no periods, a Month or DayOrder of 0, equal biases.  APR_EINVAL with
 * a static reason in *why when it makes no sense. */
apr_status_t ews_zone_read(timezone_t **tz, xmlNodePtr zone, const char **why,
                           apr_pool_t *pool);

/* Reads a t:TimeZoneDefinition. */
apr_status_t ews_zone_read_definition(timezone_t **tz, xmlNodePtr definition,
                                      const char **why, apr_pool_t *pool);

/* Writes the children of a t:TimeZone: the rules in force at `utc`. */
void ews_zone_write(xml_out_t *x, const timezone_t *tz, apr_int64_t utc,
                    apr_pool_t *pool);

/* Writes a t:TimeZoneDefinition with the name of Windows `id`: the rules in force
 * at `utc`, or with `full` 0 only its names. */
void ews_zone_write_definition(xml_out_t *x, const char *id,
                               const timezone_t *tz, apr_int64_t utc, int full,
                               apr_pool_t *pool);

/* "Monday" to 1 and so on; -1 for none.  And back. */
int ews_zone_weekday(const char *name);
const char *ews_zone_weekday_name(int weekday);

#endif
