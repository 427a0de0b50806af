/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "vtimezone.h"
#include "datetime.h"

#include <stdlib.h>

#define OBSERVANCES_MAX 200
#define SWITCHES_MAX 4000

/* The years whose switches are written out.  Rules began in 1970 or earlier:
 * going through all years since costs more than reading the calendar. */
typedef struct years_t {
    int first, last;
} years_t;

typedef struct switch_t {
    apr_int64_t at; /* UTC */
    int before, after;
} switch_t;

static apr_int64_t local_seconds(struct icaltimetype t)
{
    return datetime_days(t.year, t.month, t.day) * DATETIME_DAY +
           t.hour * DATETIME_HOUR + t.minute * DATETIME_MINUTE + t.second;
}

static int offset_of(icalcomponent *observance, icalproperty_kind kind,
                     int *out)
{
    icalproperty *p = icalcomponent_get_first_property(observance, kind);

    if (!p) {
        return 0;
    }
    *out = kind == ICAL_TZOFFSETFROM_PROPERTY ? icalproperty_get_tzoffsetfrom(p)
                                              : icalproperty_get_tzoffsetto(p);
    return *out > -TIMEZONE_OFFSET_MAX && *out < TIMEZONE_OFFSET_MAX;
}

static int push(apr_array_header_t *list, switch_t s, struct icaltimetype local)
{
    if (list->nelts >= SWITCHES_MAX || local.year < DATETIME_YEAR_MIN ||
        local.year > DATETIME_YEAR_MAX || local.month < 1 || local.month > 12) {
        return 0;
    }
    s.at = local_seconds(local) - s.before;
    APR_ARRAY_PUSH(list, switch_t) = s;
    return 1;
}

/* Rules that go on may begin later: their phase is the year. */
static struct icaltimetype begin(const struct icalrecurrencetype *rule,
                                 struct icaltimetype start, years_t years)
{
    int goes_on = icaltime_is_null_time(rule->until) ||
                  rule->until.year > years.first + 1;

    if (goes_on && rule->count == 0 && rule->interval <= 1 &&
        start.year < years.first) {
        start.year = years.first;
        if (start.day > datetime_days_in_month(start.year, start.month)) {
            start.day--;
        }
    }
    return start;
}

/* The switches of a yearly rule, DTSTART being the first. */
static int push_rule(apr_array_header_t *list, switch_t s,
                     struct icalrecurrencetype rule, struct icaltimetype start,
                     years_t years)
{
    icalrecur_iterator *iterator;
    struct icaltimetype t;
    int good = 1;

    if (rule.freq != ICAL_YEARLY_RECURRENCE || rule.rscale ||
        rule.by_hour[0] != ICAL_RECURRENCE_ARRAY_MAX ||
        rule.by_minute[0] != ICAL_RECURRENCE_ARRAY_MAX ||
        rule.by_second[0] != ICAL_RECURRENCE_ARRAY_MAX) {
        return 0;
    }
    if (icaltime_is_utc(rule.until)) {
        icaltime_adjust(&rule.until, 0, 0, 0, s.before);
        rule.until.zone = NULL;
    }
    iterator = icalrecur_iterator_new(rule, begin(&rule, start, years));
    if (!iterator) {
        return 0;
    }
    for (t = icalrecur_iterator_next(iterator);
         good && !icaltime_is_null_time(t) && t.year <= years.last;
         t = icalrecur_iterator_next(iterator)) {
        good = push(list, s, t);
    }
    icalrecur_iterator_free(iterator);
    return good;
}

static int push_dates(apr_array_header_t *list, switch_t s,
                      icalcomponent *observance)
{
    icalproperty *p;

    for (p = icalcomponent_get_first_property(observance, ICAL_RDATE_PROPERTY);
         p;
         p = icalcomponent_get_next_property(observance, ICAL_RDATE_PROPERTY)) {
        struct icaldatetimeperiodtype date = icalproperty_get_rdate(p);

        if (!icaltime_is_null_time(date.time) && !push(list, s, date.time)) {
            return 0;
        }
    }
    return 1;
}

/* libical's own check lets months beyond 12 pass. */
static int is_sound(struct icaltimetype t)
{
    return !icaltime_is_null_time(t) && icaltime_is_valid_time(t) &&
           t.month >= 1 && t.month <= 12 && t.day >= 1 &&
           t.day <= datetime_days_in_month(t.year, t.month);
}

static int push_observance(apr_array_header_t *list, icalcomponent *observance,
                           years_t years)
{
    icalproperty *dtstart =
        icalcomponent_get_first_property(observance, ICAL_DTSTART_PROPERTY);
    struct icaltimetype start =
        dtstart ? icalproperty_get_dtstart(dtstart) : icaltime_null_time();
    icalproperty *rule =
        icalcomponent_get_first_property(observance, ICAL_RRULE_PROPERTY);
    switch_t s = {0, 0, 0};

    if (!is_sound(start) ||
        !offset_of(observance, ICAL_TZOFFSETFROM_PROPERTY, &s.before) ||
        !offset_of(observance, ICAL_TZOFFSETTO_PROPERTY, &s.after)) {
        return 0;
    }
    start.is_date = 0;
    start.zone = NULL;
    if (rule) {
        return push_rule(list, s, icalproperty_get_rrule(rule), start, years) &&
               push_dates(list, s, observance);
    }
    return push(list, s, start) && push_dates(list, s, observance);
}

static int by_time(const void *a, const void *b)
{
    const switch_t *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

apr_status_t vtimezone_read(timezone_t **tz, icalcomponent *vtimezone,
                            busy_window_t window, const char **why,
                            apr_pool_t *pool)
{
    const years_t years = {datetime_year_of(window.start) - 3,
                           datetime_year_of(window.end) + 1};
    apr_array_header_t *list = apr_array_make(pool, 16, sizeof(switch_t));
    icalcomponent *c;
    int i, count = 0;

    *why = "VTIMEZONE is malformed or has rules that are not yearly";
    for (c = icalcomponent_get_first_component(vtimezone, ICAL_ANY_COMPONENT);
         c;
         c = icalcomponent_get_next_component(vtimezone, ICAL_ANY_COMPONENT)) {
        icalcomponent_kind kind = icalcomponent_isa(c);

        if (kind != ICAL_XSTANDARD_COMPONENT &&
            kind != ICAL_XDAYLIGHT_COMPONENT) {
            continue;
        }
        if (++count > OBSERVANCES_MAX || !push_observance(list, c, years)) {
            return APR_EINVAL;
        }
    }
    if (list->nelts == 0) {
        return APR_EINVAL;
    }
    qsort(list->elts, (size_t)list->nelts, sizeof(switch_t), by_time);
    *tz = timezone_create(pool);
    timezone_add_fixed(*tz, APR_INT64_MIN,
                       APR_ARRAY_IDX(list, 0, switch_t).before);
    for (i = 0; i < list->nelts; i++) {
        const switch_t *s = &APR_ARRAY_IDX(list, i, switch_t);

        timezone_add_fixed(*tz, s->at, s->after);
    }
    *why = NULL;
    return APR_SUCCESS;
}
