/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ERRORS_H
#define POSTERN_ERRORS_H

/* The error codes of autodiscover (MS-OXDSCLI section 2.2.4.1.1.2.1), which
 * the outlook and the mobilesync schema share.  Pure. */

typedef enum discover_error_e {
    DISCOVER_OK = 0,
    DISCOVER_UNKNOWN_ADDRESS = 500,  /* also: may not ask about it */
    DISCOVER_NO_CONFIGURATION = 501, /* address known, nothing to offer */
    DISCOVER_MALFORMED = 600,
    DISCOVER_NO_PROVIDER = 601, /* AcceptableResponseSchema is not served */
    DISCOVER_BROKEN = 602,      /* address known, configuration broken */
    DISCOVER_INTERNAL = 603     /* directory down: try later */
} discover_error_e;

/* The text that goes with a code; static. */
const char *discover_errors_message(discover_error_e error);

#endif
