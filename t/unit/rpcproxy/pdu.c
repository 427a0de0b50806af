/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/pdu.h"
#include "t/unit/tap.h"

#define C PDU_FROM_CLIENT
#define S PDU_FROM_SERVER

/* clang-format off */
static const struct {
    const char *name;
    pdu_sender_e sender;
    unsigned char bytes[16];
    pdu_result_e result; /* with the header alone */
    unsigned int length;
} rows[] = {
    {"request",            C, {5,0, 0,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},    PDU_MORE, 24},
    {"minor version 1",    C, {5,1, 0,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},    PDU_MORE, 24},
    {"big-endian",         C, {5,0, 0,3, 0,0,0,0, 0,24, 0,0, 0,0,0,7},       PDU_MORE, 24},
    {"just a header",      C, {5,0,18,3, 0x10,0,0,0, 16,0, 0,0, 7,0,0,0},    PDU_OK, 16},
    {"bind",               C, {5,0,11,3, 0x10,0,0,0, 72,0, 0,0, 1,0,0,0},    PDU_MORE, 72},
    {"auth3",              C, {5,0,16,3, 0x10,0,0,0, 99,0, 80,0, 1,0,0,0},   PDU_MORE, 99},
    {"largest",            C, {5,0, 0,3, 0x10,0,0,0, 0,0x40, 0,0, 1,0,0,0},  PDU_MORE, 16384},
    {"RTS",                C, {5,0,20,3, 0x10,0,0,0, 76,0, 0,0, 0,0,0,0},    PDU_MORE, 76},
    {"response",           S, {5,0, 2,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},    PDU_MORE, 24},
    {"fault",              S, {5,0, 3,3, 0x10,0,0,0, 32,0, 0,0, 7,0,0,0},    PDU_MORE, 32},
    {"bind_nak",           S, {5,0,13,3, 0x10,0,0,0, 24,0, 0,0, 1,0,0,0},    PDU_MORE, 24},
    {"RTS of a server",    S, {5,0,20,3, 0x10,0,0,0, 20,0, 0,0, 0,0,0,0},    PDU_MALFORMED, 0},
    {"response of a client", C, {5,0, 2,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},  PDU_MALFORMED, 0},
    {"request of a server", S, {5,0, 0,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},   PDU_MALFORMED, 0},
    {"datagram ping",      C, {5,0, 1,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},    PDU_MALFORMED, 0},
    {"type 21",            C, {5,0,21,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},    PDU_MALFORMED, 0},
    {"type 255",           C, {5,0,255,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},   PDU_MALFORMED, 0},
    {"version 4",          C, {4,0, 0,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},    PDU_MALFORMED, 0},
    {"minor version 2",    C, {5,2, 0,3, 0x10,0,0,0, 24,0, 0,0, 7,0,0,0},    PDU_MALFORMED, 0},
    {"unknown byte order", C, {5,0, 0,3, 0x20,0,0,0, 24,0, 0,0, 7,0,0,0},    PDU_MALFORMED, 0},
    {"length 15",          C, {5,0, 0,3, 0x10,0,0,0, 15,0, 0,0, 7,0,0,0},    PDU_MALFORMED, 0},
    {"length 0",           C, {5,0, 0,3, 0x10,0,0,0, 0,0, 0,0, 7,0,0,0},     PDU_MALFORMED, 0},
    {"length 16385",       C, {5,0, 0,3, 0x10,0,0,0, 1,0x40, 0,0, 7,0,0,0},  PDU_MALFORMED, 0},
    {"length 65535",       C, {5,0, 0,3, 0x10,0,0,0, 255,255, 0,0, 7,0,0,0}, PDU_MALFORMED, 0},
    {"verifier too long",  C, {5,0, 0,3, 0x10,0,0,0, 24,0, 9,0, 7,0,0,0},    PDU_MALFORMED, 0},
    {"RTS, one fragment flag", C, {5,0,20,1, 0x10,0,0,0, 20,0, 0,0, 0,0,0,0}, PDU_MALFORMED, 0},
    {"RTS, big-endian",    C, {5,0,20,3, 0,0,0,0, 0,20, 0,0, 0,0,0,0},       PDU_MALFORMED, 0},
    {"RTS, minor version", C, {5,1,20,3, 0x10,0,0,0, 20,0, 0,0, 0,0,0,0},    PDU_MALFORMED, 0},
    {"RTS, float format",  C, {5,0,20,3, 0x10,1,0,0, 20,0, 0,0, 0,0,0,0},    PDU_MALFORMED, 0},
    {"RTS with verifier",  C, {5,0,20,3, 0x10,0,0,0, 40,0, 4,0, 0,0,0,0},    PDU_MALFORMED, 0},
    {"RTS with call id",   C, {5,0,20,3, 0x10,0,0,0, 20,0, 0,0, 1,0,0,0},    PDU_MALFORMED, 0},
    {"HTTP",               S, "HTTP/1.1 400 Bad",                            PDU_MALFORMED, 0},
};
/* clang-format on */

static void test_rows(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pdu_header_t h;
        const char *why = NULL;
        pdu_result_e got =
            pdu_read(&h, rows[i].bytes, 16, rows[i].sender, &why);

        is_int(got, rows[i].result, rows[i].name);
        is_int(h.fragment_length, rows[i].length, "its length");
        ok((got == PDU_MALFORMED) == (why != NULL), "why: %s", why ? why : "-");
    }
}

/* What is good at the end is good at every byte before. */
static void test_truncation(void)
{
    size_t i, len;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int early = 0;

        for (len = 0; len < 16; len++) {
            pdu_header_t h;
            const char *why = NULL;
            pdu_result_e got =
                pdu_read(&h, rows[i].bytes, len, rows[i].sender, &why);

            early |= got == PDU_OK ||
                     (got == PDU_MALFORMED && rows[i].result != got) ||
                     h.fragment_length != 0;
        }
        ok(!early, "%s: nothing is decided too early", rows[i].name);
    }
}

static void test_whole(void)
{
    unsigned char bytes[40] = {5, 0, 0, 3, 0x10, 0, 0, 0, 40, 0, 4, 0, 9};
    pdu_header_t h;
    const char *why = NULL;

    is_int(pdu_read(&h, bytes, 39, PDU_FROM_CLIENT, &why), PDU_MORE,
           "one byte is missing");
    is_int(pdu_read(&h, bytes, 40, PDU_FROM_CLIENT, &why), PDU_OK, "whole");
    is_int(h.auth_length, 4, "verifier");
    is_int(h.call_id, 9, "call");
    is_str(pdu_type_name(h.type), "request", "name");
    is_str(pdu_type_name(1), "unknown", "no name for what is not forwarded");
    is_str(pdu_type_name(255), "unknown", "no name beyond the table");
}

int main(void)
{
    test_rows();
    test_truncation();
    test_whole();
    return done_testing();
}
