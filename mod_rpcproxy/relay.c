/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "relay.h"

#include <stddef.h>
#include <string.h>

/* The members before the strings travel as they are in memory: both ends run
 * on one machine, and their sizes must agree. */
#define IMAGE_SIZE offsetof(relay_hello_t, user)
#define VERSION 4
#define SIGNATURE                                                              \
    (VERSION << 24 ^ sizeof(hello_t) << 16 ^ sizeof(vconn_options_t) << 8 ^    \
     IMAGE_SIZE)

#define STRINGS 5
#define STRING_MAX 2000

static void strings_of(relay_hello_t *hello, const char **string[STRINGS])
{
    string[0] = &hello->user;
    string[1] = &hello->target;
    string[2] = &hello->client;
    string[3] = &hello->backend;
    string[4] = &hello->server;
}

apr_size_t relay_hello_write(const relay_hello_t *hello, void *bytes,
                             apr_size_t size)
{
    relay_head_t head = {RELAY_HELLO, (apr_uint32_t)SIGNATURE};
    relay_hello_t copy = *hello;
    const char **string[STRINGS];
    char *at = bytes, *end = at + size;
    int i;

    if (size < sizeof(head) + IMAGE_SIZE) {
        return 0;
    }
    memcpy(at, &head, sizeof(head));
    memcpy(at + sizeof(head), &copy, IMAGE_SIZE);
    at += sizeof(head) + IMAGE_SIZE;
    strings_of(&copy, string);
    for (i = 0; i < STRINGS; i++) {
        apr_size_t len = strlen(*string[i]) + 1;

        if (len > STRING_MAX || len > (apr_size_t)(end - at)) {
            return 0;
        }
        memcpy(at, *string[i], len);
        at += len;
    }
    return (apr_size_t)(at - (char *)bytes);
}

static int is_sane(const relay_hello_t *hello)
{
    int i;

    for (i = 0; i < hello->endpoints && i < TARGET_ENDPOINTS_MAX; i++) {
        if (hello->endpoint[i].size > sizeof(hello->endpoint[i].address)) {
            return 0;
        }
    }
    return hello->endpoints >= 0 && hello->endpoints <= TARGET_ENDPOINTS_MAX &&
           (unsigned int)hello->hello.kind <= HELLO_OUT_NEXT &&
           memchr(hello->network, 0, sizeof(hello->network)) &&
           hello->out == (hello->hello.kind == HELLO_OUT ||
                          hello->hello.kind == HELLO_OUT_NEXT);
}

apr_status_t relay_hello_read(relay_hello_t *hello, const void *bytes,
                              apr_size_t len, const char **why)
{
    const char *at = bytes, *end = at + len;
    const char **string[STRINGS];
    relay_head_t head;
    int i;

    *why = "a relayed channel of another version of this module";
    if (len < sizeof(head) + IMAGE_SIZE) {
        return APR_EINVAL;
    }
    memcpy(&head, at, sizeof(head));
    if (head.type != RELAY_HELLO || head.value != (apr_uint32_t)SIGNATURE) {
        return APR_EINVAL;
    }
    memcpy(hello, at + sizeof(head), IMAGE_SIZE);
    at += sizeof(head) + IMAGE_SIZE;
    *why = "a relayed channel that makes no sense";
    strings_of(hello, string);
    for (i = 0; i < STRINGS; i++) {
        const char *zero = memchr(at, 0, (apr_size_t)(end - at));

        if (!zero) {
            return APR_EINVAL;
        }
        *string[i] = at;
        at = zero + 1;
    }
    return at == end && is_sane(hello) ? APR_SUCCESS : APR_EINVAL;
}
