/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "adstate.h"

#include <apr.h>
#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* [MS-ERREF] section 2.2 */
static const struct {
    apr_int64_t code;
    const char *reason;
} reasons[] = {
    {0x525, "user not found"},
    {0x52e, "wrong password"},
    {0x52f, "account restrictions"},
    {0x530, "not permitted at this time of day"},
    {0x531, "not permitted at this workstation"},
    {0x532, "password expired"},
    {0x533, "account disabled"},
    {0x701, "account expired"},
    {0x773, "password must be changed"},
    {0x775, "account locked"},
};

const char *adstate_reason(const char *diagnostic)
{
    static const char mark[] = ", data ";
    const char *at = diagnostic ? strstr(diagnostic, mark) : NULL;
    apr_int64_t code;
    char *end;
    apr_size_t i;

    if (!at || !apr_isxdigit(at[strlen(mark)])) {
        return NULL;
    }
    code = apr_strtoi64(at + strlen(mark), &end, 16);
    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (code == reasons[i].code && !apr_isxdigit(*end)) {
            return reasons[i].reason;
        }
    }
    return NULL;
}
