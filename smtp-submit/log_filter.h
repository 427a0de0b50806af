/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_LOG_FILTER_H
#define SUBMIT_LOG_FILTER_H

/* Log lines, and which of them are mailed to whom.  Pure; any thread. */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

typedef struct log_record_t {
    int level;    /* 0 emergencies .. 7 debugging */
    int facility; /* 0 kern .. 23 local7 */
    const char *program;
    const char *text;
} log_record_t;

/* Everything that is set must fit. */
typedef struct log_filter_t {
    int exclude;
    int level;    /* this one and more severe ones; -1: any */
    int facility; /* -1: any */
    const char *program;
    const char *text; /* contained in the message */
    int nocase;       /* ... without regard to case (ASCII) */
} log_filter_t;

typedef struct log_target_t {
    const char *address;
    int utc;                     /* times are UTC, else local */
    int offset;                  /* plus these minutes */
    apr_array_header_t *filters; /* of log_filter_t */
} log_target_t;

/* The number of a level or facility by name or digits, or -1. */
int log_level_of(const char *name);
int log_facility_of(const char *name);
const char *log_level_name(int level);
const char *log_facility_name(int facility);

/* Takes one line of httpd's error log, of syslog (RFC 5424, RFC 3164, with or
 * without <PRI>), or any other text (informational, user). */
void log_parse(log_record_t *record, const char *line, apr_size_t len,
               apr_pool_t *pool);

/* 1 when the filter fits the record; exclude is not looked at. */
int log_filter_fits(const log_filter_t *filter, const log_record_t *record);

/* The number, from 1, of the filter that sends the record to the target; 0 when
 * none does; minus the number of the filter that excludes it. */
int log_target_takes(const log_target_t *target, const log_record_t *record);

/* 1 when both say the same. */
int log_filter_same(const log_filter_t *a, const log_filter_t *b);

/* A time as the target wants it: 2016 Oct 11 10:36:16. */
const char *log_time(const log_target_t *target, apr_time_t now,
                     apr_pool_t *pool);

#endif
