/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_rpcproxy/hello.h"
#include "mod_rpcproxy/rts.h"
#include "t/unit/tap.h"

#include <string.h>

#define COOKIE_A "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define COOKIE_B "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define COOKIE_C "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define VE "0600000001000000"
#define CK "03000000"

/* Every form between client and proxy, byte by byte: lengths, flags and
 * commands as in [MS-RPCH] section 2.2.4; the first four were also captured
 * from a real client. */
/* clang-format off */
static const struct {
    rts_form_e form;
    pdu_sender_e sender;
    const char *name;
    const char *hex;
} golden[] = {
    {RTS_CONN_A1, PDU_FROM_CLIENT, "CONN/A1",
     "0500140310000000" "4c000000" "00000000" "00000400"
     VE CK COOKIE_A CK COOKIE_B "0000000000000400"},
    {RTS_CONN_B1, PDU_FROM_CLIENT, "CONN/B1",
     "0500140310000000" "68000000" "00000000" "00000600"
     VE CK COOKIE_A CK COOKIE_B "0400000000000040" "05000000e0930400" "0c000000" COOKIE_C},
    {RTS_CONN_A3, PDU_FROM_SERVER, "CONN/A3",
     "0500140310000000" "1c000000" "00000000" "00000100" "02000000c0d40100"},
    {RTS_CONN_C2, PDU_FROM_SERVER, "CONN/C2",
     "0500140310000000" "2c000000" "00000000" "00000300" VE "0000000000000100" "02000000c0d40100"},
    {RTS_IN_R_A1, PDU_FROM_CLIENT, "IN_R/A1",
     "0500140310000000" "58000000" "00000000" "04000400" VE CK COOKIE_A CK COOKIE_B CK COOKIE_C},
    {RTS_IN_R1_A4, PDU_FROM_SERVER, "IN_R1/A4",
     "0500140310000000" "34000000" "00000000" "00000400" "0d00000000000000" VE "0000000000000100" "02000000c0d40100"},
    {RTS_IN_R2_A4, PDU_FROM_SERVER, "IN_R2/A4",
     "0500140310000000" "1c000000" "00000000" "00000100" "0d00000000000000"},
    {RTS_IN_R_A5, PDU_FROM_CLIENT, "IN_R/A5",
     "0500140310000000" "28000000" "00000000" "00000100" CK COOKIE_C},
    {RTS_OUT_R_A2, PDU_FROM_SERVER, "OUT_R/A2",
     "0500140310000000" "1c000000" "00000000" "04000100" "0d00000000000000"},
    {RTS_OUT_R_A3, PDU_FROM_CLIENT, "OUT_R/A3",
     "0500140310000000" "60000000" "00000000" "04000500" VE CK COOKIE_A CK COOKIE_B CK COOKIE_C "0000000000000100"},
    {RTS_OUT_R1_A6, PDU_FROM_SERVER, "OUT_R1/A6",
     "0500140310000000" "2c000000" "00000000" "10000300" "0d00000000000000" VE "02000000c0d40100"},
    {RTS_OUT_R1_A7, PDU_FROM_CLIENT, "OUT_R1/A7",
     "0500140310000000" "30000000" "00000000" "10000200" "0d00000002000000" CK COOKIE_C},
    {RTS_OUT_R1_A10, PDU_FROM_SERVER, "OUT_R1/A10",
     "0500140310000000" "18000000" "00000000" "00000100" "0a000000"},
    {RTS_OUT_R1_A11, PDU_FROM_CLIENT, "OUT_R1/A11",
     "0500140310000000" "18000000" "00000000" "00000100" "0a000000"},
    {RTS_OUT_R2_A6, PDU_FROM_SERVER, "OUT_R2/A6",
     "0500140310000000" "20000000" "00000000" "00000200" "0d00000000000000" "0a000000"},
    {RTS_OUT_R2_A7, PDU_FROM_CLIENT, "OUT_R2/A7",
     "0500140310000000" "38000000" "00000000" "10000300" "0d00000002000000" CK COOKIE_C VE},
    {RTS_OUT_R2_B3, PDU_FROM_SERVER, "OUT_R2/B3",
     "0500140310000000" "18000000" "00000000" "20000100" "0a000000"},
    {RTS_OUT_R2_C1, PDU_FROM_CLIENT, "OUT_R2/C1",
     "0500140310000000" "18000000" "00000000" "01000100" "07000000"},
    {RTS_OUT_R2_C1_PADDING, PDU_FROM_CLIENT, "OUT_R2/C1",
     "0500140310000000" "1c000000" "00000000" "01000100" "0800000000000000"},
    {RTS_KEEP_ALIVE, PDU_FROM_CLIENT, "Keep-Alive",
     "0500140310000000" "1c000000" "00000000" "02000100" "05000000e0930400"},
    {RTS_PING, PDU_FROM_CLIENT, "Ping",
     "0500140310000000" "14000000" "00000000" "01000000"},
    {RTS_PING, PDU_FROM_SERVER, "Ping",
     "0500140310000000" "14000000" "00000000" "01000000"},
    {RTS_ECHO, PDU_FROM_SERVER, "Echo",
     "0500140310000000" "14000000" "00000000" "40000000"},
    {RTS_FLOW_ACK, PDU_FROM_CLIENT, "FlowControlAck",
     "0500140310000000" "30000000" "00000000" "02000100" "0100000000010000" "00000100" COOKIE_B},
    {RTS_FLOW_ACK_DESTINATION, PDU_FROM_CLIENT, "FlowControlAckWithDestination",
     "0500140310000000" "38000000" "00000000" "02000200" "0d00000003000000" "0100000000010000" "00000100" COOKIE_B},
    {RTS_FLOW_ACK_DESTINATION, PDU_FROM_SERVER, "FlowControlAckWithDestination",
     "0500140310000000" "38000000" "00000000" "02000200" "0d00000000000000" "0100000000010000" "00000100" COOKIE_B},
};

/* Well-framed PDUs whose commands are wrong. */
static const struct {
    const char *name;
    const char *hex;
} wrong[] = {
    {"no room for the flags", "0500140310000000" "12000000" "00000000" "0000"},
    {"nine commands", "0500140310000000" "38000000" "00000000" "00000900"
     "070000000700000007000000070000000700000007000000070000000700000007000000"},
    {"a count of 65535", "0500140310000000" "18000000" "00000000" "0000ffff" "07000000"},
    {"fewer commands than counted", "0500140310000000" "18000000" "00000000" "00000200" "07000000"},
    {"bytes after the commands", "0500140310000000" "1c000000" "00000000" "00000100" "0700000000000000"},
    {"unknown command", "0500140310000000" "18000000" "00000000" "00000100" "0f000000"},
    {"command 0xffffffff", "0500140310000000" "18000000" "00000000" "00000100" "ffffffff"},
    {"half a cookie", "0500140310000000" "20000000" "00000000" "00000100" "03000000" "a0a1a2a3a4a5a6a7"},
    {"window of 8191", "0500140310000000" "1c000000" "00000000" "00000100" "00000000ff1f0000"},
    {"window above 1 GiB", "0500140310000000" "1c000000" "00000000" "00000100" "0000000001000040"},
    {"timeout below 2 minutes", "0500140310000000" "1c000000" "00000000" "00000100" "02000000bfd40100"},
    {"timeout above 4 hours", "0500140310000000" "1c000000" "00000000" "00000100" "0200000001badb00"},
    {"lifetime below 128 KiB", "0500140310000000" "1c000000" "00000000" "00000100" "04000000ffff0100"},
    {"lifetime above 2 GiB", "0500140310000000" "1c000000" "00000000" "00000100" "0400000001000080"},
    {"destination 4", "0500140310000000" "1c000000" "00000000" "00000100" "0d00000004000000"},
    {"padding beyond the end", "0500140310000000" "1c000000" "00000000" "00000100" "0800000001000000"},
    {"padding of 4 GiB", "0500140310000000" "1c000000" "00000000" "00000100" "08000000ffffffff"},
    {"address of type 2", "0500140310000000" "38000000" "00000000" "00000100"
     "0b00000002000000" "0000000000000000000000000000000000000000000000000000000000000000"},
};
/* clang-format on */

static size_t unhex(unsigned char *out, const char *hex)
{
    size_t len = strlen(hex) / 2, i;

    for (i = 0; i < len; i++) {
        unsigned int byte = 0;

        sscanf(hex + 2 * i, "%2x", &byte);
        out[i] = (unsigned char)byte;
    }
    return len;
}

static void test_golden(void)
{
    unsigned char bytes[256], again[256];
    size_t i;

    for (i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        size_t len = unhex(bytes, golden[i].hex), written;
        pdu_header_t h;
        const char *why = NULL;
        rts_t rts, fresh;
        int c, same = 1;

        if (golden[i].sender == PDU_FROM_CLIENT) {
            is_int(pdu_read(&h, bytes, len, PDU_FROM_CLIENT, &why), PDU_OK,
                   golden[i].name);
            is_int(h.fragment_length, (long long)len, "its length");
        }
        is_int(rts_read(&rts, bytes, len, &why), PDU_OK, golden[i].name);
        is_int(rts_form(&rts, golden[i].sender), golden[i].form, "its form");
        is_str(rts_form_name(golden[i].form), golden[i].name, "its name");
        written = rts_write(&rts, again, sizeof(again));
        is_mem(again, written, bytes, len, "written as it was read");
        is_int(rts_write(&rts, again, len - 1), 0, "not into less room");
        rts_init(&fresh, golden[i].form);
        for (c = 0; c < fresh.count; c++) {
            same &= fresh.command[c].type == rts.command[c].type;
        }
        ok(same && fresh.flags == rts.flags && fresh.count == rts.count,
           "made with the same commands");
    }
}

static void test_truncation(void)
{
    unsigned char bytes[256];
    size_t i, len;

    for (i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        size_t whole = unhex(bytes, golden[i].hex);
        const char *why;
        int good = 0;
        rts_t rts;

        for (len = 0; len < whole; len++) {
            good |= rts_read(&rts, bytes, len, &why) != PDU_MALFORMED || !why;
        }
        ok(!good, "%s: no part of it is a PDU", golden[i].name);
    }
}

static void test_wrong(void)
{
    unsigned char bytes[256];
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        size_t len = unhex(bytes, wrong[i].hex);
        const char *why = NULL;
        rts_t rts;

        ok(rts_read(&rts, bytes, len, &why) == PDU_MALFORMED && why, "%s: %s",
           wrong[i].name, why ? why : "-");
    }
}

static void test_addresses(void)
{
    static const char v4[] = "0500140310000000"
                             "2c000000"
                             "00000000"
                             "00000100"
                             "0b00000000000000"
                             "7f000001"
                             "000000000000000000000000";
    static const char v6[] = "0500140310000000"
                             "38000000"
                             "00000000"
                             "00000100"
                             "0b00000001000000"
                             "00000000000000000000000000000001"
                             "000000000000000000000000";
    unsigned char bytes[256], again[256];
    const char *why = NULL;
    size_t len = unhex(bytes, v4);
    rts_t rts;

    is_int(rts_read(&rts, bytes, len, &why), PDU_OK, "IPv4 address");
    is_int(rts.command[0].address_size, 4, "of 4 bytes");
    is_mem(again, rts_write(&rts, again, sizeof(again)), bytes, len,
           "written again");
    len = unhex(bytes, v6);
    is_int(rts_read(&rts, bytes, len, &why), PDU_OK, "IPv6 address");
    is_int(rts.command[0].address_size, 16, "of 16 bytes");
    is_mem(again, rts_write(&rts, again, sizeof(again)), bytes, len,
           "written again");
    is_int(rts_form(&rts, PDU_FROM_CLIENT), RTS_UNKNOWN,
           "no form between client and proxy");
}

/* clang-format off */
static const struct {
    const char *name;
    int golden, out;
    pdu_result_e result;
    hello_kind_e kind;
} hellos[] = {
    {"CONN/A1 on OUT",  0, 1, PDU_OK, HELLO_OUT},
    {"CONN/A1 on IN",   0, 0, PDU_MALFORMED, 0},
    {"CONN/B1 on IN",   1, 0, PDU_OK, HELLO_IN},
    {"CONN/B1 on OUT",  1, 1, PDU_MALFORMED, 0},
    {"CONN/A3 on OUT",  2, 1, PDU_MALFORMED, 0},
    {"IN_R/A1 on IN",   4, 0, PDU_OK, HELLO_IN_NEXT},
    {"IN_R/A1 on OUT",  4, 1, PDU_MALFORMED, 0},
    {"OUT_R/A3 on OUT", 9, 1, PDU_OK, HELLO_OUT_NEXT},
    {"OUT_R/A3 on IN",  9, 0, PDU_MALFORMED, 0},
    {"IN_R/A5 on IN",   7, 0, PDU_MALFORMED, 0},
    {"Ping on IN",     20, 0, PDU_MALFORMED, 0},
};
/* clang-format on */

static void test_hello(void)
{
    static const unsigned char request[24] = {5, 0, 0, 3, 0x10, 0, 0, 0, 24};
    unsigned char bytes[256];
    const char *why = NULL;
    hello_t hello;
    size_t i, len;

    for (i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
        len = unhex(bytes, golden[hellos[i].golden].hex);
        is_int(hello_read(&hello, hellos[i].out, bytes, len, &why),
               hellos[i].result, hellos[i].name);
        is_int(hello.kind, hellos[i].kind, "its kind");
    }
    is_int(hello_read(&hello, 0, request, sizeof(request), &why), PDU_MALFORMED,
           "a request cannot start a channel");
    len = unhex(bytes, golden[9].hex);
    hello_read(&hello, 1, bytes, len, &why);
    is_int(hello.vconn.bytes[0], 0xa0, "cookie of the connection");
    is_int(hello.predecessor.bytes[0], 0xb0, "of the predecessor");
    is_int(hello.channel.bytes[15], 0xcf, "of the channel");
    is_int(hello.window, 65536, "window");
    len = unhex(bytes, golden[1].hex);
    hello_read(&hello, 0, bytes, len, &why);
    is_int(hello.keepalive, 300000, "keep-alive");
}

int main(void)
{
    test_golden();
    test_truncation();
    test_wrong();
    test_addresses();
    test_hello();
    return done_testing();
}
