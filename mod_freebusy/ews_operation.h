/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_EWS_OPERATION_H
#define POSTERN_EWS_OPERATION_H

/* Which operations of Exchange Web Services there are, and which of them are
 * answered here.  Pure; any thread. */

typedef enum ews_operation_e {
    EWS_UNKNOWN,     /* no operation of EWS: a fault */
    EWS_FAULT,       /* one whose clients only understand a fault */
    EWS_NOT_OFFERED, /* one of EWS: an error message with HTTP 200, because
                        Outlook asks for the password again after a fault */
    EWS_GET_USER_AVAILABILITY,
    EWS_GET_USER_OOF_SETTINGS,
    EWS_SET_USER_OOF_SETTINGS,
    EWS_GET_SERVER_TIME_ZONES
} ews_operation_e;

/* By the local name of the element in the SOAP body. */
ews_operation_e ews_operation_find(const char *name);

/* 1 when RequestServerVersion may be `name`. */
int ews_operation_is_version(const char *name);

#endif
