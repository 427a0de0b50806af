/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ews_zone.h"
#include "datetime.h"
#include "soap.h"
#include "tzif.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#define BIAS_MAX (24 * 60) /* minutes */
#define ERAS_MAX 200

/* By the numbers of timezone_rule_t. */
static const char *const weekdays[] = {
    "Sunday", "Monday",   "Tuesday", "Wednesday", "Thursday",
    "Friday", "Saturday", "Day",     "Weekday",   "WeekendDay",
};

int ews_zone_weekday(const char *name)
{
    int i;

    for (i = 0; name && i < (int)(sizeof(weekdays) / sizeof(weekdays[0]));
         i++) {
        if (strcmp(name, weekdays[i]) == 0) {
            return i;
        }
    }
    return -1;
}

const char *ews_zone_weekday_name(int weekday)
{
    return weekdays[weekday];
}

static int child_int(xmlNodePtr parent, const char *name, int min, int max,
                     int *value, apr_pool_t *pool)
{
    const char *text =
        xml_trimmed(xml_child(parent, SOAP_NS_TYPES, name), pool);

    return text && datetime_parse_int(value, text, min, max) == APR_SUCCESS;
}

/* StandardTime or DaylightTime.  rule->month is 0 when it never begins. */
static int read_period(xmlNodePtr node, int base, timezone_rule_t *rule,
                       apr_pool_t *pool)
{
    const char *time =
        xml_trimmed(xml_child(node, SOAP_NS_TYPES, "Time"), pool);
    const char *day =
        xml_trimmed(xml_child(node, SOAP_NS_TYPES, "DayOfWeek"), pool);
    int by_date = xml_child(node, SOAP_NS_TYPES, "Year") != NULL;
    int bias, order;

    memset(rule, 0, sizeof(*rule));
    if (!child_int(node, "Bias", -BIAS_MAX, BIAS_MAX, &bias, pool) ||
        !child_int(node, "Month", 0, 12, &rule->month, pool) ||
        !child_int(node, "DayOrder", 0, by_date ? 31 : 5, &order, pool) ||
        !time || datetime_parse_time(&rule->seconds, time) != APR_SUCCESS) {
        return 0;
    }
    rule->offset = -(base + bias) * DATETIME_MINUTE;
    if (order == 0) {
        rule->month = 0;
    }
    rule->order = by_date ? 0 : order;
    rule->day = by_date ? order : 0;
    rule->weekday = ews_zone_weekday(day);
    return rule->month == 0 || by_date || rule->weekday >= 0;
}

apr_status_t ews_zone_read(timezone_t **tz, xmlNodePtr zone, const char **why,
                           apr_pool_t *pool)
{
    xmlNodePtr standard = xml_child(zone, SOAP_NS_TYPES, "StandardTime");
    xmlNodePtr daylight = xml_child(zone, SOAP_NS_TYPES, "DaylightTime");
    timezone_rule_t rules[2];
    int bias;

    *why = "TimeZone has a Bias that is no number of minutes within a day";
    if (!child_int(zone, "Bias", -BIAS_MAX, BIAS_MAX, &bias, pool)) {
        return APR_EINVAL;
    }
    if (!standard && !daylight) {
        *tz = timezone_fixed(-bias * DATETIME_MINUTE, pool);
        return APR_SUCCESS;
    }
    *why = "TimeZone has a StandardTime or DaylightTime that makes no sense";
    if (!standard || !daylight ||
        !read_period(standard, bias, &rules[0], pool) ||
        !read_period(daylight, bias, &rules[1], pool)) {
        return APR_EINVAL;
    }
    if (!rules[0].month || !rules[1].month) {
        *tz = timezone_fixed(rules[0].offset, pool);
        return APR_SUCCESS;
    }
    *tz = timezone_create(pool);
    timezone_add_rules(*tz, APR_INT64_MIN, rules, 2);
    return APR_SUCCESS;
}

/* The Id attribute of each child of `list`, to the child. */
static apr_hash_t *by_id(xmlNodePtr list, apr_pool_t *pool)
{
    apr_hash_t *hash = apr_hash_make(pool);
    xmlNodePtr n;

    for (n = xml_next(list, NULL); n; n = xml_next(list, n)) {
        const char *id = xml_attribute(n, "Id", pool);

        if (id) {
            apr_hash_set(hash, id, APR_HASH_KEY_STRING, n);
        }
    }
    return hash;
}

static xmlNodePtr target(apr_hash_t *hash, xmlNodePtr transition,
                         apr_pool_t *pool)
{
    const char *to =
        xml_trimmed(xml_child(transition, SOAP_NS_TYPES, "To"), pool);

    return to ? apr_hash_get(hash, to, APR_HASH_KEY_STRING) : NULL;
}

static int duration(const char *text, int *seconds)
{
    return text && datetime_parse_duration(seconds, text) == APR_SUCCESS &&
           *seconds <= TIMEZONE_OFFSET_MAX && *seconds >= -TIMEZONE_OFFSET_MAX;
}

/* One transition of a group.  rule->month stays 0 for the plain kind. */
static int read_transition(xmlNodePtr node, apr_hash_t *periods,
                           timezone_rule_t *rule, apr_pool_t *pool)
{
    xmlNodePtr period = target(periods, node, pool);
    int bias, order = 0;

    memset(rule, 0, sizeof(*rule));
    if (!period || !duration(xml_attribute(period, "Bias", pool), &bias)) {
        return 0;
    }
    rule->offset = -bias;
    if (xml_is(node, SOAP_NS_TYPES, "Transition")) {
        return 1;
    }
    if (!child_int(node, "Month", 1, 12, &rule->month, pool) ||
        !duration(
            xml_trimmed(xml_child(node, SOAP_NS_TYPES, "TimeOffset"), pool),
            &rule->seconds)) {
        return 0;
    }
    if (xml_is(node, SOAP_NS_TYPES, "RecurringDateTransition")) {
        return child_int(node, "Day", 1, 31, &rule->day, pool);
    }
    rule->weekday = ews_zone_weekday(
        xml_trimmed(xml_child(node, SOAP_NS_TYPES, "DayOfWeek"), pool));
    if (!xml_is(node, SOAP_NS_TYPES, "RecurringDayTransition") ||
        rule->weekday < 0 ||
        !child_int(node, "Occurrence", -1, 5, &order, pool) || order == 0) {
        return 0;
    }
    rule->order = order < 0 ? 5 : order;
    return 1;
}

/* A group of yearly transitions becomes an era. */
static int add_group(timezone_t *tz, apr_int64_t from, xmlNodePtr group,
                     apr_hash_t *periods, apr_pool_t *pool)
{
    timezone_rule_t rules[TIMEZONE_RULES_MAX];
    xmlNodePtr n;
    int count = 0;

    for (n = xml_next(group, NULL); n; n = xml_next(group, n)) {
        if (count == TIMEZONE_RULES_MAX ||
            !read_transition(n, periods, &rules[count], pool)) {
            return 0;
        }
        if (rules[count++].month == 0) {
            timezone_add_fixed(tz, from, rules[count - 1].offset);
            return 1;
        }
    }
    if (count == 0) {
        return 0;
    }
    timezone_add_rules(tz, from, rules, count);
    return 1;
}

/* The list that says from when which group holds. */
static int add_groups(timezone_t *tz, xmlNodePtr definition, apr_pool_t *pool)
{
    xmlNodePtr list = xml_child(definition, SOAP_NS_TYPES, "Transitions"), n;
    apr_hash_t *periods =
        by_id(xml_child(definition, SOAP_NS_TYPES, "Periods"), pool);
    apr_hash_t *groups =
        by_id(xml_child(definition, SOAP_NS_TYPES, "TransitionsGroups"), pool);
    apr_int64_t from, last = APR_INT64_MIN;

    for (n = xml_next(list, NULL); n; n = xml_next(list, n)) {
        const char *date =
            xml_trimmed(xml_child(n, SOAP_NS_TYPES, "DateTime"), pool);
        xmlNodePtr group = target(groups, n, pool);
        datetime_t at = {0};

        if (date && datetime_parse(&at, date) != APR_SUCCESS) {
            return 0;
        }
        from = date ? at.seconds - at.offset : APR_INT64_MIN;
        if (!group || from < last || tz->eras->nelts >= ERAS_MAX ||
            !add_group(tz, from, group, periods, pool)) {
            return 0;
        }
        last = from;
    }
    return tz->eras->nelts > 0;
}

apr_status_t ews_zone_read_definition(timezone_t **tz, xmlNodePtr definition,
                                      const char **why, apr_pool_t *pool)
{
    const char *id = xml_attribute(definition, "Id", pool);

    if (xml_child(definition, SOAP_NS_TYPES, "Transitions")) {
        *tz = timezone_create(pool);
        *why =
            "TimeZoneDefinition has periods or transitions that make no sense";
        return add_groups(*tz, definition, pool) ? APR_SUCCESS : APR_EINVAL;
    }
    *why = "TimeZoneDefinition has an Id that is not known";
    return id && tzif_load(tz, id, pool) == APR_SUCCESS ? APR_SUCCESS
                                                        : APR_EINVAL;
}

static void write_int(xml_out_t *x, const char *name, int value,
                      apr_pool_t *pool)
{
    xml_out_element(x, name, apr_itoa(pool, value));
}

/* Zone files switch at times beyond the day (Thursday, 26:00); EWS has no such
 * times, but the next weekday. */
static timezone_rule_t within_day(const timezone_rule_t *rule)
{
    timezone_rule_t r = *rule;

    if (r.weekday < TIMEZONE_ANY_DAY && r.order) {
        apr_int64_t days = datetime_day_of(r.seconds);

        r.weekday = (int)((r.weekday + days % 7 + 7) % 7);
        r.seconds -= (int)days * DATETIME_DAY;
    }
    return r;
}

static void write_period(xml_out_t *x, const char *name,
                         const timezone_rule_t *rule, int base, int year,
                         apr_pool_t *pool)
{
    timezone_rule_t r = within_day(rule);

    xml_out_start(x, name);
    write_int(x, "t:Bias", -r.offset / DATETIME_MINUTE - base, pool);
    xml_out_element(x, "t:Time", datetime_print_time(r.seconds, pool));
    write_int(x, "t:DayOrder", r.order ? r.order : r.day, pool);
    write_int(x, "t:Month", r.month, pool);
    xml_out_element(x, "t:DayOfWeek", weekdays[r.weekday]);
    if (r.month && !r.order) {
        write_int(x, "t:Year", year, pool);
    }
    xml_out_end(x);
}

/* The two rules in force at `utc`; without daylight saving both are `none`, a
 * rule that never begins. */
static void standard_and_daylight(const timezone_t *tz, apr_int64_t utc,
                                  timezone_rule_t *none,
                                  const timezone_rule_t **standard,
                                  const timezone_rule_t **daylight)
{
    const timezone_rule_t *rules;

    memset(none, 0, sizeof(*none));
    none->offset = timezone_offset(tz, utc);
    *standard = *daylight = none;
    if (timezone_rules(tz, utc, &rules) == 2) {
        int first = rules[0].offset < rules[1].offset;

        *standard = first ? &rules[0] : &rules[1];
        *daylight = first ? &rules[1] : &rules[0];
    }
}

void ews_zone_write(xml_out_t *x, const timezone_t *tz, apr_int64_t utc,
                    apr_pool_t *pool)
{
    const timezone_rule_t *standard, *daylight;
    timezone_rule_t none;
    int base, year = datetime_year_of(utc);

    standard_and_daylight(tz, utc, &none, &standard, &daylight);
    base = -standard->offset / DATETIME_MINUTE;
    write_int(x, "t:Bias", base, pool);
    write_period(x, "t:StandardTime", standard, base, year, pool);
    write_period(x, "t:DaylightTime", daylight, base, year, pool);
}

/* The names of periods that Exchange gives; clients read the year in them. */
static const char *period_id(const char *zone, int year, const char *name,
                             apr_pool_t *pool)
{
    return apr_psprintf(pool, "trule:Microsoft/Registry/%s/%d-%s", zone, year,
                        name);
}

static void named_period(xml_out_t *x, const char *id, const char *name,
                         int offset, apr_pool_t *pool)
{
    int minutes = (offset < 0 ? -offset : offset) / DATETIME_MINUTE;

    xml_out_start(x, "t:Period");
    xml_out_attribute(x, "Bias",
                      apr_psprintf(pool, "%sPT%dH%dM", offset > 0 ? "-" : "",
                                   minutes / 60, minutes % 60));
    xml_out_attribute(x, "Name", name);
    xml_out_attribute(x, "Id", id);
    xml_out_end(x);
}

static void transition_to(xml_out_t *x, const char *kind, const char *id)
{
    xml_out_start(x, "t:To");
    xml_out_attribute(x, "Kind", kind);
    xml_out_text(x, id);
    xml_out_end(x);
}

static void recurring_transition(xml_out_t *x, const char *id,
                                 const timezone_rule_t *rule, apr_pool_t *pool)
{
    timezone_rule_t r = within_day(rule);
    int minutes = r.seconds / DATETIME_MINUTE;

    xml_out_start(x, "t:RecurringDayTransition");
    transition_to(x, "Period", id);
    xml_out_element(x, "t:TimeOffset",
                    apr_psprintf(pool, "PT%dH%dM", minutes / 60, minutes % 60));
    write_int(x, "t:Month", r.month, pool);
    xml_out_element(x, "t:DayOfWeek", weekdays[r.weekday]);
    write_int(x, "t:Occurrence", r.order == 5 ? -1 : r.order, pool);
    xml_out_end(x);
}

static void write_transitions(xml_out_t *x, const char *id,
                              const timezone_t *tz, apr_int64_t utc,
                              apr_pool_t *pool)
{
    const timezone_rule_t *standard, *daylight;
    timezone_rule_t none;
    int year = datetime_year_of(utc);
    const char *std = period_id(id, year, "Standard", pool);
    const char *dlt = period_id(id, year, "Daylight", pool);

    standard_and_daylight(tz, utc, &none, &standard, &daylight);
    xml_out_start(x, "t:Periods");
    named_period(x, std, "Standard", standard->offset, pool);
    if (daylight != standard) {
        named_period(x, dlt, "Daylight", daylight->offset, pool);
    }
    xml_out_end(x);
    xml_out_start(x, "t:TransitionsGroups");
    xml_out_start(x, "t:TransitionsGroup");
    xml_out_attribute(x, "Id", "0");
    if (daylight != standard) {
        recurring_transition(x, dlt, daylight, pool);
        recurring_transition(x, std, standard, pool);
    }
    else {
        xml_out_start(x, "t:Transition");
        transition_to(x, "Period", std);
        xml_out_end(x);
    }
    xml_out_end(x);
    xml_out_end(x);
    xml_out_start(x, "t:Transitions");
    xml_out_start(x, "t:Transition");
    transition_to(x, "Group", "0");
    xml_out_end(x);
    xml_out_end(x);
}

void ews_zone_write_definition(xml_out_t *x, const char *id,
                               const timezone_t *tz, apr_int64_t utc, int full,
                               apr_pool_t *pool)
{
    int minutes = timezone_offset(tz, utc) / DATETIME_MINUTE;
    int size = minutes < 0 ? -minutes : minutes;

    xml_out_start(x, "t:TimeZoneDefinition");
    xml_out_attribute(x, "Id", id);
    xml_out_attribute(x, "Name",
                      apr_psprintf(pool, "(UTC%c%02d:%02d) %s",
                                   minutes < 0 ? '-' : '+', size / 60,
                                   size % 60, id));
    if (full) {
        write_transitions(x, id, tz, utc, pool);
    }
    xml_out_end(x);
}
