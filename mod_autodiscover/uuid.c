/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "uuid.h"

#include <apr_lib.h>
#include <apr_sha1.h>
#include <apr_strings.h>
#include <string.h>

/* Chosen once at random: the name space of all our UUIDs. */
static const unsigned char name_space[16] = {0x5d, 0x1f, 0x0c, 0x3a, 0x8e, 0x27,
                                             0x4b, 0x96, 0xa4, 0x61, 0x2e, 0xd9,
                                             0x70, 0x18, 0xc5, 0xbb};

const char *discover_uuid_of(const char *name, apr_pool_t *pool)
{
    unsigned char d[APR_SHA1_DIGESTSIZE];
    apr_sha1_ctx_t sha1;

    apr_sha1_init(&sha1);
    apr_sha1_update_binary(&sha1, name_space, sizeof(name_space));
    apr_sha1_update_binary(&sha1, (const unsigned char *)name,
                           (unsigned int)strlen(name));
    apr_sha1_final(d, &sha1);
    d[6] = (unsigned char)((d[6] & 0x0f) | 0x50); /* version 5 */
    d[8] = (unsigned char)((d[8] & 0x3f) | 0x80); /* variant */
    return apr_psprintf(pool,
                        "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                        "%02x%02x%02x%02x%02x%02x",
                        d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8],
                        d[9], d[10], d[11], d[12], d[13], d[14], d[15]);
}

int discover_uuid_is_valid(const char *text)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    apr_size_t i;

    if (strlen(text) != sizeof(shape) - 1) {
        return 0;
    }
    for (i = 0; shape[i]; i++) {
        if (shape[i] == 'x' ? !apr_isxdigit(text[i]) : text[i] != shape[i]) {
            return 0;
        }
    }
    return 1;
}
