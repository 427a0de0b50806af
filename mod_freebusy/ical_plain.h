/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ICAL_PLAIN_H
#define POSTERN_ICAL_PLAIN_H

/* The rules that most recurring events have: every n days, or some days of
 * every n weeks (RFC 5545 section 3.3.10).  libical computes the calendar of
 * the world for each instance; these need an addition.  Pure; any thread. */

#include <apr_errno.h>
#include <libical/ical.h>

/* 1 for a rule of that kind. */
int ical_plain_is(const struct icalrecurrencetype *rule);

/* The days of a plain weekly rule that starts at `first`: bit 0 Sunday. */
unsigned ical_plain_days(const struct icalrecurrencetype *rule,
                         struct icaltimetype first);

/* Instances in each step of a plain rule. */
int ical_plain_instances(const struct icalrecurrencetype *rule);

/* Calls `each` for the instances of a plain rule from `first` on, in order,
 * until COUNT or UNTIL (on the clock of `first`, as `first` a date or a time)
 * ends it, or `each` returns anything but APR_SUCCESS, which it returns.  A
 * rule without end is for `each` to end. */
typedef apr_status_t ical_plain_each_fn(void *data, struct icaltimetype clock);
apr_status_t ical_plain_run(const struct icalrecurrencetype *rule,
                            struct icaltimetype first, ical_plain_each_fn *each,
                            void *data);

#endif
