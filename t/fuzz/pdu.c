/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* A byte stream cut into PDUs as the proxy does it; RTS PDUs are read, written
 * again and must come out the same. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mod_rpcproxy/hello.h"
#include "mod_rpcproxy/rts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int has_padding(const rts_t *rts)
{
    int i;

    for (i = 0; i < rts->count; i++) {
        if (rts->command[i].type == RTS_PADDING ||
            rts->command[i].type == RTS_CLIENT_ADDRESS) {
            return 1; /* padding bytes are not kept */
        }
    }
    return 0;
}

static void read_rts(const uint8_t *data, size_t len)
{
    static unsigned char again[PDU_FRAGMENT_MAX];
    const char *why = NULL;
    hello_t hello;
    rts_t rts;

    if (rts_read(&rts, data, len, &why) == PDU_OK) {
        size_t written = rts_write(&rts, again, sizeof(again));

        rts_form_name(rts_form(&rts, PDU_FROM_CLIENT));
        if (written != len ||
            (!has_padding(&rts) && memcmp(data, again, len) != 0)) {
            abort();
        }
    }
    else if (!why) {
        abort();
    }
    hello_read(&hello, 0, data, len, &why);
    hello_read(&hello, 1, data, len, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pdu_sender_e sender =
        size && data[0] == 'S' ? PDU_FROM_SERVER : PDU_FROM_CLIENT;

    if (size && (data[0] == 'S' || data[0] == 'C')) {
        data++;
        size--;
    }
    while (size > 0) {
        pdu_header_t h;
        const char *why = NULL;
        pdu_result_e result = pdu_read(&h, data, size, sender, &why);

        if (result != PDU_OK) {
            if ((result == PDU_MALFORMED) != (why != NULL)) {
                abort();
            }
            break;
        }
        if (h.fragment_length < PDU_HEADER_SIZE || h.fragment_length > size) {
            abort();
        }
        if (h.type == PDU_RTS) {
            read_rts(data, h.fragment_length);
        }
        data += h.fragment_length;
        size -= h.fragment_length;
    }
    return 0;
}
