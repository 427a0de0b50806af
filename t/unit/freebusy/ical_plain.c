/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Plain rules by chance against two judges: libical's own walk where weeks start
 * on Monday (with other starts and an interval it sorts the days of a week as if
 * they did not), and a walk through all days one by one. */

#include "mod_freebusy/ical_plain.h"
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 40 /* instances of a rule that are compared */

typedef struct list_t {
    struct icaltimetype at[MANY];
    int count;
} list_t;

static apr_status_t push(void *data, struct icaltimetype t)
{
    list_t *list = data;

    list->at[list->count++] = t;
    return list->count == MANY ? APR_EOF : APR_SUCCESS;
}

static void judge(list_t *list, struct icalrecurrencetype rule,
                  struct icaltimetype first)
{
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, first);
    struct icaltimetype t;

    list->count = 0;
    do {
        t = icalrecur_iterator_next(iterator);
    } while (!icaltime_is_null_time(t) && push(list, t) == APR_SUCCESS);
    icalrecur_iterator_free(iterator);
}

/* The number of the week of `t`, weeks starting on day `starts` (0 Sunday). */
static int week_of(struct icaltimetype t, int starts)
{
    const struct icaltimetype sunday = icaltime_from_string("19800106");

    t.is_date = 1;
    t.hour = t.minute = t.second = 0;
    return ((int)((icaltime_as_timet(t) - icaltime_as_timet(sunday)) / 86400) -
            starts) /
           7;
}

static int is_instance(const struct icalrecurrencetype *rule,
                       struct icaltimetype first, struct icaltimetype t,
                       int age)
{
    int starts = (int)rule->week_start - 1, i;

    if (rule->freq == ICAL_DAILY_RECURRENCE) {
        return age % rule->interval == 0;
    }
    if ((week_of(t, starts) - week_of(first, starts)) % rule->interval != 0) {
        return 0;
    }
    for (i = 0; rule->by_day[i] != ICAL_RECURRENCE_ARRAY_MAX; i++) {
        if (rule->by_day[i] == icaltime_day_of_week(t)) {
            return 1;
        }
    }
    return i == 0 && icaltime_day_of_week(t) == icaltime_day_of_week(first);
}

static void judge_by_days(list_t *list, const struct icalrecurrencetype *rule,
                          struct icaltimetype first)
{
    struct icaltimetype t = first;
    int age;

    list->count = 0;
    for (age = 0; age < 10000; age++, icaltime_adjust(&t, 1, 0, 0, 0)) {
        if (!is_instance(rule, first, t, age)) {
            continue;
        }
        if ((!icaltime_is_null_time(rule->until) &&
             icaltime_compare(t, rule->until) > 0) ||
            push(list, t) != APR_SUCCESS ||
            (rule->count && list->count == rule->count)) {
            return;
        }
    }
}

static int same(const list_t *a, const list_t *b)
{
    int i;

    for (i = 0; i < a->count && i < b->count; i++) {
        if (icaltime_compare(a->at[i], b->at[i]) != 0) {
            return 0;
        }
    }
    return a->count == b->count;
}

static const char *const names[] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

static void start_by_chance(struct icaltimetype *first)
{
    *first = icaltime_null_time();
    first->year = 1990 + rand() % 40;
    first->month = 1 + rand() % 12;
    first->day = 1 + rand() % 28;
    first->is_date = rand() % 3 == 0;
    first->hour = first->is_date ? 0 : rand() % 24;
    first->minute = first->is_date ? 0 : rand() % 60;
}

/* The start is one of the days: what a rule means without it is not defined. */
static void by_chance(char *text, size_t room, struct icaltimetype *first)
{
    unsigned days = (unsigned)rand() & 127U;
    int n, weekly = rand() % 3 > 0, i, comma = 0;

    start_by_chance(first);
    days |= 1U << (unsigned)(icaltime_day_of_week(*first) - 1);
    n = snprintf(text, room, "FREQ=%s;INTERVAL=%d", weekly ? "WEEKLY" : "DAILY",
                 1 + rand() % 5);
    if (weekly && rand() % 4) {
        n += snprintf(text + n, room - (size_t)n, ";BYDAY=");
        for (i = 0; i < 7; i++) {
            if (days & 1U << (unsigned)i) {
                n += snprintf(text + n, room - (size_t)n, "%s%s",
                              comma++ ? "," : "", names[i]);
            }
        }
    }
    if (rand() % 2) {
        n +=
            snprintf(text + n, room - (size_t)n, ";WKST=%s", names[rand() % 7]);
    }
    switch (rand() % 3) {
    case 0:
        snprintf(text + n, room - (size_t)n, ";COUNT=%d", 1 + rand() % 30);
        break;
    case 1:
        snprintf(text + n, room - (size_t)n, ";UNTIL=%04d%02d%02d%s",
                 first->year + rand() % 2, 1 + rand() % 12, 1 + rand() % 28,
                 first->is_date ? "" : "T120000");
        break;
    default:
        break;
    }
}

static int complain(const char *text, struct icaltimetype first,
                    const list_t *ours, const list_t *theirs)
{
    if (same(ours, theirs)) {
        return 0;
    }
    printf("# %s from %s: %d instances, the judge has %d\n", text,
           icaltime_as_ical_string(first), ours->count, theirs->count);
    return 1;
}

static void compare(int rounds)
{
    char text[200] = "";
    int i, differ = 0, differ_libical = 0, plain = 0;

    for (i = 0; i < rounds; i++) {
        struct icaltimetype first;
        struct icalrecurrencetype rule;
        list_t ours = {.count = 0}, theirs;

        by_chance(text, sizeof(text), &first);
        rule = icalrecurrencetype_from_string(text);
        plain += ical_plain_is(&rule);
        ical_plain_run(&rule, first, push, &ours);
        judge_by_days(&theirs, &rule, first);
        differ += complain(text, first, &ours, &theirs);
        if (rule.week_start == ICAL_MONDAY_WEEKDAY) {
            judge(&theirs, rule, first);
            differ_libical += complain(text, first, &ours, &theirs);
        }
    }
    ok(plain == rounds, "all of them are plain");
    ok(differ == 0, "%d rules have the instances that a walk finds", rounds);
    ok(differ_libical == 0, "and libical");
}

static const struct {
    const char *text;
    int plain, instances;
} rows[] = {
    {"FREQ=DAILY", 1, 1},
    {"FREQ=DAILY;BYDAY=MO", 0, 0},
    {"FREQ=WEEKLY;BYDAY=MO,WE,WE", 1, 2},
    {"FREQ=WEEKLY;BYDAY=1MO", 0, 0},
    {"FREQ=WEEKLY;BYDAY=MO;BYSETPOS=1", 0, 0},
    {"FREQ=WEEKLY;BYMONTH=3", 0, 0},
    {"FREQ=WEEKLY;BYHOUR=3,4", 0, 0},
    {"FREQ=MONTHLY", 0, 0},
    {"FREQ=HOURLY", 0, 0},
};

int main(void)
{
    size_t i;

    icalerror_set_errors_are_fatal(0);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct icalrecurrencetype rule =
            icalrecurrencetype_from_string(rows[i].text);
        int plain = ical_plain_is(&rule);

        ok(plain == rows[i].plain &&
               (!plain || ical_plain_instances(&rule) == rows[i].instances),
           "%s", rows[i].text);
    }
    srand(6);
    compare(10000);
    return done_testing();
}
