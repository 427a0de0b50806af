/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "oof.h"
#include "datetime.h"

#include <apr_cstr.h>
#include <string.h>

static const char *const states[] = {"Disabled", "Enabled", "Scheduled"};
static const char *const audiences[] = {"None", "Known", "All"};

const char *oof_state_name(oof_state_e state)
{
    return states[state];
}

const char *oof_audience_name(oof_audience_e audience)
{
    return audiences[audience];
}

static int find(const char *const *names, const char *text)
{
    int i;

    for (i = 0; text && i < 3; i++) {
        if (strcmp(names[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

int oof_state_read(oof_state_e *state, const char *text)
{
    int i = find(states, text);

    *state = i < 0 ? OOF_DISABLED : (oof_state_e)i;
    return i >= 0;
}

int oof_audience_read(oof_audience_e *audience, const char *text)
{
    int i = find(audiences, text);

    *audience = i < 0 ? OOF_AUDIENCE_NONE : (oof_audience_e)i;
    return i >= 0;
}

void oof_defaults(oof_t *oof, apr_int64_t now)
{
    memset(oof, 0, sizeof(*oof));
    oof->state = OOF_DISABLED;
    oof->audience = OOF_AUDIENCE_ALL;
    oof->start = now - now % DATETIME_HOUR;
    oof->end = oof->start + DATETIME_DAY;
    oof->internal.message = oof->external.message = "";
}

apr_status_t oof_check(const oof_t *oof, apr_int64_t now, const char **code,
                       const char **why)
{
    if (strlen(oof->internal.message) > OOF_MESSAGE_MAX ||
        strlen(oof->external.message) > OOF_MESSAGE_MAX) {
        *code = "ErrorInvalidUserOofSettings";
        *why = "A reply message is too long.";
        return APR_EINVAL;
    }
    if (oof->state == OOF_SCHEDULED &&
        (oof->end <= oof->start || oof->end <= now)) {
        *code = "ErrorInvalidScheduledOofDuration";
        *why = "The scheduled period must end after its start and after now.";
        return APR_EINVAL;
    }
    *code = *why = NULL;
    return APR_SUCCESS;
}

int oof_is_html(const char *message)
{
    static const char *const tags[] = {"<html", "<body", "<!doctype",
                                       "<div",  "<p>",   "<p ",
                                       "<br",   "<span", "<table"};
    const char *at;
    size_t i;

    for (at = strchr(message, '<'); at; at = strchr(at + 1, '<')) {
        for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
            if (apr_cstr_casecmpn(at, tags[i], strlen(tags[i])) == 0) {
                return 1;
            }
        }
    }
    return 0;
}
