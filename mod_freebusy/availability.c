/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "availability.h"

#include <string.h>

/* What each view consists of, and what it needs. */
static const struct {
    const char *name;
    availability_grant_e events; /* the grant for its list of events */
    int digits;
} views[] = {
    {"None", AVAILABILITY_GRANT_NONE, 0},
    {"MergedOnly", AVAILABILITY_GRANT_MERGED, 1},
    {"FreeBusy", AVAILABILITY_GRANT_FREE_BUSY, 0},
    {"FreeBusyMerged", AVAILABILITY_GRANT_FREE_BUSY, 1},
    {"Detailed", AVAILABILITY_GRANT_DETAILED, 0},
    {"DetailedMerged", AVAILABILITY_GRANT_DETAILED, 1},
};

#define VIEWS (sizeof(views) / sizeof(views[0]))

void availability_fail(availability_result_t *result, const char *code,
                       const char *text)
{
    result->error.code = code;
    result->error.text = text;
}

availability_view_e availability_view(availability_view_e asked,
                                      availability_grant_e granted,
                                      int has_details)
{
    if (!has_details && granted > AVAILABILITY_GRANT_FREE_BUSY) {
        granted = AVAILABILITY_GRANT_FREE_BUSY;
    }
    if (views[asked].events <= granted) {
        return asked;
    }
    if (granted == AVAILABILITY_GRANT_NONE) {
        return AVAILABILITY_VIEW_NONE;
    }
    if (granted == AVAILABILITY_GRANT_MERGED) {
        return AVAILABILITY_VIEW_MERGED_ONLY;
    }
    return views[asked].digits ? AVAILABILITY_VIEW_FREE_BUSY_MERGED
                               : AVAILABILITY_VIEW_FREE_BUSY;
}

int availability_view_has_digits(availability_view_e view)
{
    return views[view].digits;
}

int availability_view_has_events(availability_view_e view)
{
    return views[view].events >= AVAILABILITY_GRANT_FREE_BUSY;
}

int availability_view_has_details(availability_view_e view)
{
    return views[view].events == AVAILABILITY_GRANT_DETAILED;
}

const char *availability_view_name(availability_view_e view)
{
    return views[view].name;
}

int availability_view_read(availability_view_e *view, const char *text)
{
    unsigned i;

    for (i = 0; i < VIEWS; i++) {
        if (strcmp(text, views[i].name) == 0) {
            *view = (availability_view_e)i;
            return 1;
        }
    }
    return 0;
}

const char *availability_busy_name(busy_type_e type)
{
    static const char *const names[] = {
        "Free", "Tentative", "Busy", "OOF", "NoData", "WorkingElsewhere"};

    return names[type];
}
