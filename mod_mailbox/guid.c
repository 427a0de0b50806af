/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "guid.h"

#include <apr_lib.h>
#include <apr_sha1.h>
#include <apr_strings.h>
#include <string.h>

/* Our name space: itself the version 5 GUID of the DNS name mailbox.postern
 * in RFC 4122's name space for DNS. */
static const unsigned char name_space[16] = {0x4b, 0xca, 0xe2, 0x9f, 0x2f, 0x74,
                                             0x54, 0x9f, 0xa4, 0x73, 0x6a, 0xb8,
                                             0xfd, 0x59, 0x02, 0x72};

/* The order in which the bytes of an objectGUID are shown. */
static const unsigned char shown[16] = {3, 2, 1,  0,  5,  4,  7,  6,
                                        8, 9, 10, 11, 12, 13, 14, 15};

static const char *print(const unsigned char b[16], apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                        "%02x%02x%02x%02x%02x%02x",
                        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8],
                        b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

const char *guid_from_bytes(const unsigned char bytes[16], apr_pool_t *pool)
{
    unsigned char ordered[16];
    int i;

    for (i = 0; i < 16; i++) {
        ordered[i] = bytes[shown[i]];
    }
    return print(ordered, pool);
}

const char *guid_from_text(const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *copy;
    apr_size_t i;

    if (len == GUID_TEXT_LENGTH + 2 && text[0] == '{' && text[len - 1] == '}') {
        text++;
        len -= 2;
    }
    if (len != GUID_TEXT_LENGTH) {
        return NULL;
    }
    copy = apr_pstrmemdup(pool, text, len);
    for (i = 0; i < len; i++) {
        int dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? copy[i] != '-' : !apr_isxdigit(copy[i])) {
            return NULL;
        }
        copy[i] = (char)apr_tolower(copy[i]);
    }
    return copy;
}

const char *guid_from_name(const char *name, apr_pool_t *pool)
{
    apr_sha1_ctx_t sha1;
    unsigned char digest[APR_SHA1_DIGESTSIZE];

    apr_sha1_init(&sha1);
    apr_sha1_update_binary(&sha1, name_space, sizeof(name_space));
    apr_sha1_update(&sha1, name, (unsigned int)strlen(name));
    apr_sha1_final(digest, &sha1);
    digest[6] = (digest[6] & 0x0f) | 0x50; /* version 5 */
    digest[8] = (digest[8] & 0x3f) | 0x80; /* variant of RFC 4122 */
    return print(digest, pool);
}
