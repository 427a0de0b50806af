/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "trigger.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

enum { HYSTERESIS = 2 /* percent */ };

/* As the guide has it: a capital tells Saturday from Sunday. */
static const char every_day[] = "smtwtfS";
static const char rule[] = "-----\n";

static const struct {
    const char *keyword;
    const char *shown;
} types[TRIGGER_TYPES] = {
    {"", ""},
    {"periodic", "Periodic"},
    {"interface", "Interface"},
    {"cpu", "CPU"},
    {"memory", "Memory"},
    {"reboot", "Reboot"},
    {"ping-poll", "Ping-poll"},
    {"time", "Time"},
    {"log", "Log"},
    {"usb", "USB event"},
};

static const char *const directions[] = {"any", "up", "down"};

const char *trigger_type_name(trigger_type_t type)
{
    return types[type].keyword;
}

int trigger_is(command_id_t id)
{
    return id >= COMMAND_TRIGGER && id <= COMMAND_TRIGGER_TEST;
}

/* ---- changes ---- */

static trigger_t *find(apr_array_header_t *triggers, int id)
{
    int i;

    for (i = 0; i < triggers->nelts; i++) {
        trigger_t *t = &APR_ARRAY_IDX(triggers, i, trigger_t);

        if (t->id == id) {
            return t;
        }
    }
    return NULL;
}

/* The trigger of this id, made in the order of ids when there is none. */
static trigger_t *find_or_add(apr_array_header_t *triggers, int id)
{
    trigger_t *t = find(triggers, id);
    int i;

    if (t) {
        return t;
    }
    apr_array_push(triggers);
    i = triggers->nelts - 1;
    while (i > 0 && APR_ARRAY_IDX(triggers, i - 1, trigger_t).id > id) {
        APR_ARRAY_IDX(triggers, i, trigger_t) =
            APR_ARRAY_IDX(triggers, i - 1, trigger_t);
        i--;
    }
    t = &APR_ARRAY_IDX(triggers, i, trigger_t);
    memset(t, 0, sizeof(*t));
    t->id = id;
    t->days = every_day;
    return t;
}

static int number(const command_t *command, const char *name)
{
    const char *text = command_value(command, name);

    return text ? (int)strtol(text, NULL, 10) : 0;
}

static void set_type(trigger_t *t, const command_t *command)
{
    const char *direction = command_value(command, "DIRECTION");
    const char *clock = command_value(command, "CLOCK");
    int i;

    for (i = 1; i < TRIGGER_TYPES; i++) {
        if (command_value(command, types[i].keyword)) {
            t->type = (trigger_type_t)i;
        }
    }
    t->number = number(command, "PERCENT") + number(command, "LOAD") +
                number(command, "MINUTES") + number(command, "PORT");
    if (clock) {
        t->number = (int)strtol(clock, NULL, 10) * 60 +
                    (int)strtol(strchr(clock, ':') + 1, NULL, 10);
    }
    t->name = command_value(command, "INTERFACE");
    t->name = t->name ? t->name : command_value(command, "SERVER");
    t->name = t->name ? t->name : command_value(command, "TEXT");
    t->direction = TRIGGER_ANY;
    if (direction && t->type == TRIGGER_USB) {
        t->direction = strcmp(direction, "in") == 0 ? TRIGGER_UP : TRIGGER_DOWN;
    }
    for (i = 0; direction && i < 3; i++) {
        if (strcmp(directions[i], direction) == 0) {
            t->direction = (trigger_direction_t)i;
        }
    }
}

static apr_status_t remove_trigger(apr_array_header_t *triggers, int id,
                                   const char **why)
{
    trigger_t *t = find(triggers, id);
    apr_size_t behind;

    if (!t) {
        *why = "% Error: there is no such trigger";
        return APR_EINVAL;
    }
    behind = (apr_size_t)(&APR_ARRAY_IDX(triggers, triggers->nelts, trigger_t) -
                          (t + 1));
    memmove(t, t + 1, behind * sizeof(*t));
    triggers->nelts--;
    return APR_SUCCESS;
}

/* In the letters of every_day, whatever case they were written in. */
static const char *days_of(const char *text, apr_pool_t *pool)
{
    char *days = apr_pstrdup(pool, every_day);
    int i;

    for (i = 0; every_day[i]; i++) {
        days[i] = text[i] == '-' ? '-' : every_day[i];
    }
    return days;
}

apr_status_t trigger_apply(apr_array_header_t *triggers,
                           const command_t *command, const char **why,
                           apr_pool_t *pool)
{
    int id = number(command, "TRIGGER"), place;
    trigger_t *t;

    if (command->id == COMMAND_TRIGGER && command->no) {
        return remove_trigger(triggers, id, why);
    }
    t = find_or_add(triggers, id);
    switch ((int)command->id) {
    case COMMAND_TRIGGER_TYPE:
        set_type(t, command);
        break;
    case COMMAND_TRIGGER_SCRIPT:
        place = number(command, "PLACE") - 1;
        t->scripts[place] =
            command->no ? NULL : command_value(command, "SCRIPT");
        break;
    case COMMAND_TRIGGER_ACTIVE:
        t->inactive = command->no;
        break;
    case COMMAND_TRIGGER_TEST:
        t->test = !command->no;
        break;
    case COMMAND_TRIGGER_DESCRIPTION:
        t->description = command->no ? NULL : command_value(command, "TEXT");
        break;
    case COMMAND_TRIGGER_REPEAT:
        t->repeat = number(command, "COUNT");
        break;
    case COMMAND_TRIGGER_DAYS:
        t->days = command->no ? every_day
                              : days_of(command_value(command, "DAYS"), pool);
        break;
    default:
        break;
    }
    return APR_SUCCESS;
}

/* ---- print ---- */

/* "memory 90 up", as after "type". */
static const char *details(const trigger_t *t, int shown, apr_pool_t *pool)
{
    const char *direction =
        t->direction ? apr_pstrcat(pool, " ", directions[t->direction], NULL)
                     : "";
    const char *name = t->name ? command_quote(t->name, pool) : "";

    switch (t->type) {
    case TRIGGER_MEMORY:
    case TRIGGER_CPU:
        return apr_psprintf(pool, "%d%s%s", t->number, shown ? "%" : "",
                            direction);
    case TRIGGER_PERIODIC:
        return apr_psprintf(pool, "%d%s", t->number, shown ? " min" : "");
    case TRIGGER_TIME:
        return apr_psprintf(pool, "%02d:%02d", t->number / 60, t->number % 60);
    case TRIGGER_PING:
        return apr_psprintf(pool, "%s port %d%s", name, t->number, direction);
    case TRIGGER_USB:
        return t->direction == TRIGGER_UP     ? "in"
               : t->direction == TRIGGER_DOWN ? "out"
                                              : "";
    case TRIGGER_INTERFACE:
    case TRIGGER_LOG:
        return apr_pstrcat(pool, name, direction, NULL);
    default:
        return "";
    }
}

static const char *print_one(const trigger_t *t, apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool, "trigger %d\n", t->id);
    const char *more = details(t, 0, pool);
    int i;

    if (t->type) {
        text = apr_pstrcat(pool, text, "  type ", types[t->type].keyword,
                           *more ? " " : "", more, "\n", NULL);
    }
    if (t->description) {
        text = apr_pstrcat(pool, text, "  description ",
                           command_quote(t->description, pool), "\n", NULL);
    }
    if (t->repeat) {
        text = apr_psprintf(pool, "%s  repeat %d\n", text, t->repeat);
    }
    if (strcmp(t->days, every_day) != 0) {
        text = apr_pstrcat(pool, text, "  days ", t->days, "\n", NULL);
    }
    for (i = 0; i < TRIGGER_SCRIPTS; i++) {
        if (t->scripts[i]) {
            text = apr_psprintf(pool, "%s  script %d %s\n", text, i + 1,
                                command_quote(t->scripts[i], pool));
        }
    }
    return apr_pstrcat(pool, text, t->inactive ? "  no active\n" : "",
                       t->test ? "  test\n" : "", NULL);
}

const char *trigger_print(const apr_array_header_t *triggers, int id,
                          apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < triggers->nelts; i++) {
        const trigger_t *t = &APR_ARRAY_IDX(triggers, i, trigger_t);

        if (!id || id == t->id) {
            text = apr_pstrcat(pool, text, id ? "" : "!\n", print_one(t, pool),
                               NULL);
        }
    }
    if (!*text) {
        return NULL;
    }
    return id ? text : apr_pstrcat(pool, text, "!\n", NULL);
}

/* ---- show ---- */

static int count_scripts(const trigger_t *t)
{
    int i, count = 0;

    for (i = 0; i < TRIGGER_SCRIPTS; i++) {
        count += t->scripts[i] != NULL;
    }
    return count;
}

static const char *show_one(const trigger_t *t, apr_pool_t *pool)
{
    const char *more = details(t, 1, pool);
    const char *what =
        *more ? apr_pstrcat(pool, types[t->type].shown, " (", more, ")", NULL)
              : types[t->type].shown;

    return apr_psprintf(pool, "%03d %-19s %-20s %c  %c  %c  %-11s %-4d %s\n",
                        t->id, what, t->description ? t->description : "",
                        t->inactive ? 'N' : 'Y', t->test ? 'Y' : 'N', 'Y',
                        t->repeat ? apr_itoa(pool, t->repeat) : "Continuous",
                        count_scripts(t), t->days);
}

const char *trigger_show(const apr_array_header_t *triggers, apr_pool_t *pool)
{
    const char *text =
        apr_pstrcat(pool,
                    "TR# Type & Details      Description          Ac Te Tr "
                    "Repeat      #Scr Days/Date\n",
                    rule, NULL);
    int i;

    for (i = 0; i < triggers->nelts; i++) {
        text = apr_pstrcat(
            pool, text, show_one(&APR_ARRAY_IDX(triggers, i, trigger_t), pool),
            NULL);
    }
    return text;
}

const char *trigger_show_counts(const trigger_counts_t *c, apr_pool_t *pool)
{
    /* In the guide's order; what only a switch has stays at 0. */
    const struct {
        const char *label;
        long value;
    } rows[] = {
        {"Trigger activations", c->activations},
        {"Last trigger activated", c->last},
        {"Time triggers activated today", c->today[TRIGGER_TIME]},
        {"Periodic triggers activated today", c->today[TRIGGER_PERIODIC]},
        {"Interface triggers activated today", c->today[TRIGGER_INTERFACE]},
        {"CPU triggers activated today", c->today[TRIGGER_CPU]},
        {"Memory triggers activated today", c->today[TRIGGER_MEMORY]},
        {"Reboot triggers activated today", c->today[TRIGGER_REBOOT]},
        {"Ping-poll triggers activated today", c->today[TRIGGER_PING]},
        {"USB event triggers activated today", c->today[TRIGGER_USB]},
        {"Stack master fail triggers activated today", 0},
        {"Stack member triggers activated today", 0},
        {"Stack link triggers activated today", 0},
        {"ATMF node triggers activated today", 0},
        {"Log triggers activated today", c->today[TRIGGER_LOG]},
    };
    const char *text =
        apr_pstrcat(pool, "Trigger Module Counters\n", rule, NULL);
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        text =
            apr_psprintf(pool, "%s%-34s%s %ld\n", text, rows[i].label,
                         strlen(rows[i].label) > 34 ? " " : "", rows[i].value);
    }
    return apr_pstrcat(pool, text, rule, NULL);
}

/* ---- decisions ---- */

/* 1 above, 0 below, or what it was while the value is too near to tell. */
static int position(const trigger_t *t, int above, int value)
{
    int low = t->number, high = t->number;

    if (t->type != TRIGGER_MEMORY && t->type != TRIGGER_CPU) {
        return value;
    }
    if (t->direction == TRIGGER_DOWN) {
        high += HYSTERESIS;
    }
    else {
        low -= HYSTERESIS;
    }
    return value > high ? 1 : value < low ? 0 : above;
}

int trigger_crosses(const trigger_t *t, trigger_state_t *state, int value)
{
    int before = state->above;

    if (!state->known) {
        state->known = 1;
        state->above = t->type == TRIGGER_MEMORY || t->type == TRIGGER_CPU
                           ? value > t->number
                           : value;
        return 0;
    }
    state->above = position(t, before, value);
    return state->above != before &&
           (t->direction == TRIGGER_ANY ||
            (t->direction == TRIGGER_UP) == state->above);
}

int trigger_may_fire(const trigger_t *t, const trigger_state_t *state,
                     int weekday)
{
    return !t->inactive && (t->repeat == 0 || state->fired < t->repeat) &&
           t->days[weekday] != '-';
}
