/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ADSTATE_H
#define POSTERN_ADSTATE_H

/* Why Active Directory refused a bind.  Result code 49 says "invalid
 * credentials" for all of it; the diagnostic text tells more, as in
 *   80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error,
 *   data 533, v1db1
 * where the number is the Windows error code in hexadecimal.  Pure. */

/* The reason in words, static; NULL when `diagnostic` (or NULL) has none that
 * is known. */
const char *adstate_reason(const char *diagnostic);

#endif
