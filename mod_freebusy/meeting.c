/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "meeting.h"

#include <apr_base64.h>
#include <apr_cstr.h>
#include <apr_escape.h>
#include <apr_strings.h>
#include <string.h>

/* [MS-OXOCAL] section 2.2.1.27: the class, the date of the instance, the time of
 * creation, 8 zeros, the length of the data. */
#define DATE 16
#define DATE_LENGTH 4
#define DATA 40
#define ID_MAX 4096

static const unsigned char class_id[DATE] = {0x04, 0x00, 0x00, 0x00, 0x82, 0x00,
                                             0xe0, 0x00, 0x74, 0xc5, 0xb7, 0x10,
                                             0x1a, 0x82, 0xe0, 0x08};

/* [MS-OXCICAL] section 2.1.3.1.1.20.26: in front of a UID that came from
 * another system. */
static const char foreign[] = {'v', 'C', 'a', 'l', '-', 'U',
                               'i', 'd', 1,   0,   0,   0};

static int is_global(const unsigned char *id, apr_size_t len)
{
    return len >= DATA && memcmp(id, class_id, sizeof(class_id)) == 0;
}

static unsigned char *decode(const char *text, apr_size_t *len,
                             apr_pool_t *pool)
{
    apr_size_t n = strlen(text);
    unsigned char *id = apr_palloc(pool, n + 4);

    if (n <= ID_MAX && strspn(text, "0123456789abcdefABCDEF") == n &&
        apr_unescape_hex(id, text, APR_ESCAPE_STRING, 0, len) == APR_SUCCESS &&
        is_global(id, *len)) {
        return id;
    }
    if (n <= ID_MAX && n % 4 == 0) {
        *len = (apr_size_t)apr_base64_decode_binary(id, text);
        if (is_global(id, *len)) {
            return id;
        }
    }
    return NULL;
}

const char *meeting_uid(const char *text, apr_pool_t *pool)
{
    apr_size_t len;
    unsigned char *id = decode(text, &len, pool);

    if (!id) {
        return text;
    }
    if (len > DATA + sizeof(foreign) &&
        memcmp(id + DATA, foreign, sizeof(foreign)) == 0) {
        return apr_pstrmemdup(pool, (char *)id + DATA + sizeof(foreign),
                              len - DATA - sizeof(foreign));
    }
    /* The series, whichever instance it is. */
    memset(id + DATE, 0, DATE_LENGTH);
    return apr_pescape_hex(pool, id, len, 0);
}

int meeting_is(const meeting_t *meeting, const busy_period_t *period)
{
    if (meeting->uid && period->id) {
        return apr_cstr_casecmp(meeting->uid, period->id) == 0;
    }
    return meeting->has_time && period->start == meeting->start &&
           period->end == meeting->end;
}
