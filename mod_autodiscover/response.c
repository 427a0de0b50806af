/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "response.h"

#include <apr_strings.h>

/* The name space of Response. */
static const char *name_space(discover_schema_e schema)
{
    switch (schema) {
    case DISCOVER_SCHEMA_OUTLOOK:
        return DISCOVER_NS_OUTLOOK;
    case DISCOVER_SCHEMA_MOBILESYNC:
        return DISCOVER_NS_MOBILESYNC;
    default:
        return DISCOVER_NS_BASE;
    }
}

xml_out_t *discover_response_open(discover_schema_e schema, apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);

    xml_out_start(x, "Autodiscover");
    xml_out_attribute(x, "xmlns", DISCOVER_NS_BASE);
    xml_out_start(x, "Response");
    xml_out_attribute(x, "xmlns", name_space(schema));
    return x;
}

/* FNV-1a: all that is asked of Id is that it stays the same. */
static const char *id_of(const char *name, apr_pool_t *pool)
{
    apr_uint32_t hash = 2166136261u;

    for (; *name; name++) {
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    }
    return apr_psprintf(pool, "%u", hash);
}

/* Time of day in UTC with seven decimals. */
static const char *time_of_day(apr_time_t now, apr_pool_t *pool)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, now);
    return apr_psprintf(pool, "%02d:%02d:%02d.%06d0", t.tm_hour, t.tm_min,
                        t.tm_sec, t.tm_usec);
}

apr_status_t discover_response_error(discover_error_e error,
                                     discover_schema_e schema,
                                     const char *server_name, apr_time_t now,
                                     const char **bytes, apr_size_t *len,
                                     apr_pool_t *pool)
{
    /* exchangelib reads an error in the base name space alone. */
    xml_out_t *x = discover_response_open(
        schema == DISCOVER_SCHEMA_OUTLOOK ? DISCOVER_SCHEMA_UNKNOWN : schema,
        pool);

    xml_out_start(x, "Error");
    xml_out_attribute(x, "Time", time_of_day(now, pool));
    xml_out_attribute(x, "Id", id_of(server_name, pool));
    xml_out_element(x, "ErrorCode", apr_itoa(pool, error));
    xml_out_element(x, "Message", discover_errors_message(error));
    xml_out_element(x, "DebugData", "");
    xml_out_end(x);
    return xml_out_finish(x, bytes, len);
}
