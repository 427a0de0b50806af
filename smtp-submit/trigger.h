/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_TRIGGER_H
#define SUBMIT_TRIGGER_H

/* Triggers: what is watched, and which scripts run when it happens.  Pure; any
 * thread. */

#include "command.h"

#define TRIGGER_MAX 250
#define TRIGGER_SCRIPTS 5

typedef enum trigger_type_t {
    TRIGGER_NONE = 0,
    TRIGGER_PERIODIC,  /* every `number` minutes */
    TRIGGER_INTERFACE, /* `name` goes up or down */
    TRIGGER_CPU,       /* load passes `number` percent */
    TRIGGER_MEMORY,    /* use passes `number` percent */
    TRIGGER_REBOOT,    /* the machine was started */
    TRIGGER_PING,      /* `name` answers on TCP port `number`, or ceases to */
    TRIGGER_TIME,      /* at `number` minutes after midnight */
    TRIGGER_LOG,       /* a log message contains `name` */
    TRIGGER_USB,       /* a device comes (up) or goes (down) */
    TRIGGER_TYPES
} trigger_type_t;

typedef enum trigger_direction_t {
    TRIGGER_ANY = 0,
    TRIGGER_UP,
    TRIGGER_DOWN
} trigger_direction_t;

typedef struct trigger_t {
    int id; /* 1..TRIGGER_MAX */
    trigger_type_t type;
    int number;
    const char *name;
    trigger_direction_t direction;
    const char *description;
    int inactive, test;
    int repeat;       /* 0: always */
    const char *days; /* smtwtfS, - for a day without */
    const char *scripts[TRIGGER_SCRIPTS];
} trigger_t;

/* 1 when the command is one of "trigger N ...". */
int trigger_is(command_id_t id);

/* Changes `triggers` (of trigger_t).  APR_EINVAL with a sentence. */
apr_status_t trigger_apply(apr_array_header_t *triggers,
                           const command_t *command, const char **why,
                           apr_pool_t *pool);

/* The blocks of all triggers, set apart by !, or that of trigger `id` alone;
 * NULL when there is none. */
const char *trigger_print(const apr_array_header_t *triggers, int id,
                          apr_pool_t *pool);

/* What has been counted; "today" counts by type. */
typedef struct trigger_counts_t {
    long activations;
    int last; /* id of the last trigger, 0: none yet */
    int day;  /* year * 1000 + day of the year, of `today` */
    long today[TRIGGER_TYPES];
} trigger_counts_t;

/* "show trigger", "show trigger count" */
const char *trigger_show(const apr_array_header_t *triggers, apr_pool_t *pool);
const char *trigger_show_counts(const trigger_counts_t *counts,
                                apr_pool_t *pool);

/* What a trigger was told last. */
typedef struct trigger_state_t {
    int known, above;
    int fired; /* how often */
} trigger_state_t;

/* 1 when the new value makes the trigger fire: only when it passes the level,
 * and not again before it has clearly come back. */
int trigger_crosses(const trigger_t *trigger, trigger_state_t *state,
                    int value);

/* 1 when the trigger may fire now: active, repeat left, on this weekday (0 is
 * Sunday). */
int trigger_may_fire(const trigger_t *trigger, const trigger_state_t *state,
                     int weekday);

const char *trigger_type_name(trigger_type_t type);

#endif
