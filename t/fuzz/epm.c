/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Answers of an endpoint mapper: B and a bind_ack, or M and what ept_map
 * returns for samr, as they come in pieces. */

#include <stdint.h>
#include <stdlib.h>

#include "mod_rpcproxy/epm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static epm_result_e judge(int map, const uint8_t *data, size_t len)
{
    const char *why = NULL;
    epm_interface_t samr;
    epm_result_e result;
    int port = 1;

    epm_interface_parse(&samr, "samr");
    result = map ? epm_read_map(&port, &samr, data, len, &why)
                 : epm_read_bind(data, len, &why);
    if ((result == EPM_REFUSED || result == EPM_MALFORMED) && !why) {
        abort();
    }
    if (map && (result == EPM_OK) != (port > 0 && port <= 65535)) {
        abort();
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int map = size && data[0] == 'M';
    epm_result_e whole;

    if (!size) {
        return 0;
    }
    data++;
    size--;
    whole = judge(map, data, size);
    /* The engine's buffer is never full while more is needed. */
    if (whole == EPM_MORE && size >= EPM_ANSWER_MAX) {
        abort();
    }
    /* A part of a good answer is never wrong. */
    if (size && whole == EPM_OK && judge(map, data, size - 1) != EPM_MORE) {
        abort();
    }
    return 0;
}
