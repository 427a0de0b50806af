/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The hello of a relayed channel, as it comes and with a head that the reader
 * knows; what is read must be written again as the same bytes. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mod_rpcproxy/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t use(const char *string)
{
    return strlen(string);
}

static void read_hello(const uint8_t *data, size_t size)
{
    static unsigned char again[2 * RELAY_HELLO_MAX];
    relay_hello_t hello;
    const char *why = NULL;
    apr_size_t written;

    if (relay_hello_read(&hello, data, size, &why) != APR_SUCCESS) {
        if (!why) {
            abort();
        }
        return;
    }
    use(hello.user);
    use(hello.target);
    use(hello.client);
    use(hello.backend);
    use(hello.server);
    if (hello.endpoints < 0 || hello.endpoints > TARGET_ENDPOINTS_MAX) {
        abort();
    }
    /* A name may be too long for writing; then there is nothing to compare. */
    written = relay_hello_write(&hello, again, sizeof(again));
    if (written && (written != size || memcmp(again, data, size) != 0)) {
        abort();
    }
}

/* The head that relay_hello_write makes. */
static void put_head(uint8_t *bytes)
{
    static unsigned char whole[RELAY_HELLO_MAX];
    relay_hello_t hello;

    memset(&hello, 0, sizeof(hello));
    hello.user = hello.target = hello.client = hello.backend = hello.server =
        "";
    relay_hello_write(&hello, whole, sizeof(whole));
    memcpy(bytes, whole, sizeof(relay_head_t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_hello(data, size);
    if (size >= sizeof(relay_head_t)) {
        uint8_t *copy = malloc(size);

        if (!copy) {
            abort();
        }
        memcpy(copy, data, size);
        put_head(copy);
        read_hello(copy, size);
        free(copy);
    }
    return 0;
}
