/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

/* Our message numbers.  httpd keeps APLOGNO for its own modules, so a message
 * of ours starts with PN and five digits: ap_log_rerror(..., PN(12001) "text").
 *
 * One range a room; a number is used in one place and never used again:
 *   10001.. mod_mailbox        11001.. mod_auth_ntlm    12001.. mod_autodiscover
 *   13001.. mod_rpcproxy       14001.. mod_freebusy     15001.. smtp-submit
 *   19001.. glue
 * Every message from level error down to debug has one; trace has none. */
#define PN(number) "PN" #number ": "

#endif
