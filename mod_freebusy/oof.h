/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_OOF_H
#define POSTERN_OOF_H

/* Out-of-office settings of one mailbox (UserOofSettings of EWS).  Pure; any
 * thread. */

#include <apr_pools.h>

#define OOF_MESSAGE_MAX (128 * 1024) /* bytes of one reply */

typedef enum oof_state_e {
    OOF_DISABLED,
    OOF_ENABLED,
    OOF_SCHEDULED
} oof_state_e;

typedef enum oof_audience_e {
    OOF_AUDIENCE_NONE,
    OOF_AUDIENCE_KNOWN,
    OOF_AUDIENCE_ALL
} oof_audience_e;

typedef struct oof_reply_t {
    const char *message;  /* as the client sent it, byte for byte */
    const char *language; /* xml:lang, or NULL */
} oof_reply_t;

typedef struct oof_t {
    oof_state_e state;
    oof_audience_e audience; /* of the external reply */
    apr_int64_t start, end;  /* UTC; count in state OOF_SCHEDULED */
    oof_reply_t internal, external;
} oof_t;

/* What holds before anything was set: disabled, with a duration of a day from
 * the full hour of `now`, because Outlook crashes without one. */
void oof_defaults(oof_t *oof, apr_int64_t now);

/* Whether `oof` may be stored at the time `now`.  Else the ResponseCode of EWS
 * in *code and a static text in *why. */
apr_status_t oof_check(const oof_t *oof, apr_int64_t now, const char **code,
                       const char **why);

/* The words of EWS; the readers return 0 for an unknown one. */
const char *oof_state_name(oof_state_e state);
const char *oof_audience_name(oof_audience_e audience);
int oof_state_read(oof_state_e *state, const char *text);
int oof_audience_read(oof_audience_e *audience, const char *text);

/* 1 when the message is HTML rather than plain text. */
int oof_is_html(const char *message);

#endif
