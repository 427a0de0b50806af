/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "hello.h"

#include <string.h>

/* Where each form has its values: indexes into the commands, 0 for none
 * (command 0 is Version in all of them). */
/* clang-format off */
static const struct {
    rts_form_e form;
    hello_kind_e kind;
    int out;
    unsigned char vconn, predecessor, channel, window, keepalive;
} kinds[] = {
    {RTS_CONN_A1,  HELLO_OUT,      1, 1, 0, 2, 3, 0},
    {RTS_CONN_B1,  HELLO_IN,       0, 1, 0, 2, 0, 4},
    {RTS_IN_R_A1,  HELLO_IN_NEXT,  0, 1, 2, 3, 0, 0},
    {RTS_OUT_R_A3, HELLO_OUT_NEXT, 1, 1, 2, 3, 4, 0},
};
/* clang-format on */

pdu_result_e hello_read(hello_t *hello, int out, const void *bytes,
                        apr_size_t len, const char **why)
{
    pdu_header_t header;
    pdu_result_e result = pdu_read(&header, bytes, len, PDU_FROM_CLIENT, why);
    rts_form_e form;
    rts_t rts;
    size_t i;

    memset(hello, 0, sizeof(*hello));
    if (result != PDU_OK) {
        return result;
    }
    *why = "a channel must start with CONN/A1, CONN/B1, IN_R/A1 or OUT_R/A3";
    if (header.type != PDU_RTS || header.fragment_length != len) {
        return PDU_MALFORMED;
    }
    if (rts_read(&rts, bytes, len, why) != PDU_OK) {
        return PDU_MALFORMED;
    }
    form = rts_form(&rts, PDU_FROM_CLIENT);
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].form == form && kinds[i].out == !!out) {
            hello->kind = kinds[i].kind;
            hello->size = len;
            hello->vconn = rts.command[kinds[i].vconn].cookie;
            hello->predecessor = rts.command[kinds[i].predecessor].cookie;
            hello->channel = rts.command[kinds[i].channel].cookie;
            hello->window = rts.command[kinds[i].window].number;
            hello->keepalive = rts.command[kinds[i].keepalive].number;
            return PDU_OK;
        }
    }
    *why = "this PDU cannot start a channel of this method";
    return PDU_MALFORMED;
}
