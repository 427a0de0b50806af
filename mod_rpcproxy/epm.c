/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "epm.h"

#include <apr_lib.h>
#include <string.h>

#include "lib/bytes.h"
#include "pdu.h"

#define ONLY_FRAGMENT (PDU_FIRST_FRAG | PDU_LAST_FRAG)
#define DREP_LITTLE_ENDIAN 0x00000010u
#define FRAGMENT_SIZE 4280 /* we offer to take; every server offers more */

/* Call ids: an answer to another call is none. */
#define CALL_BIND 1u
#define CALL_MAP 2u

#define OPNUM_EPT_MAP 3
#define MAX_TOWERS 4u
#define EPT_S_NOT_REGISTERED 0x16c9a0d6u

/* Protocol identifiers of tower floors, [C706] appendix I. */
#define FLOOR_UUID 0x0d
#define FLOOR_NCACN 0x0b
#define FLOOR_TCP 0x07
#define FLOOR_IP 0x09

#define FLOORS 5 /* interface, transfer syntax, RPC, TCP, IP */
#define TOWER_SIZE 75

/* clang-format off */
/* e1af8308-5d1f-11c9-91a4-08002b14a0fa, [C706] appendix O */
static const epm_interface_t ept = {
    {0x08, 0x83, 0xaf, 0xe1, 0x1f, 0x5d, 0xc9, 0x11, 0x91, 0xa4, 0x08, 0x00, 0x2b, 0x14, 0xa0, 0xfa}, 3, 0};
/* 8a885d04-1ceb-11c9-9fe8-08002b104860, [C706] section 14.4 */
static const epm_interface_t ndr = {
    {0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60}, 2, 0};

/* Interfaces that may be named, and the port of Exchange where there is one. */
static const struct {
    const char *name;
    int port;
    epm_interface_t interface;
} named[] = {
    {"emsmdb", 6001, /* a4f1db00-ca47-1067-b31f-00dd010662da, [MS-OXCRPC] */
     {{0x00, 0xdb, 0xf1, 0xa4, 0x47, 0xca, 0x67, 0x10, 0xb3, 0x1f, 0x00, 0xdd, 0x01, 0x06, 0x62, 0xda}, 0, 81}},
    {"rfr", 6002, /* 1544f5e0-613c-11d1-93df-00c04fd7bd09, [MS-OXABREF] */
     {{0xe0, 0xf5, 0x44, 0x15, 0x3c, 0x61, 0xd1, 0x11, 0x93, 0xdf, 0x00, 0xc0, 0x4f, 0xd7, 0xbd, 0x09}, 1, 0}},
    {"nspi", 6004, /* f5cc5a18-4264-101a-8c59-08002b2f8426, [MS-OXNSPI] */
     {{0x18, 0x5a, 0xcc, 0xf5, 0x64, 0x42, 0x1a, 0x10, 0x8c, 0x59, 0x08, 0x00, 0x2b, 0x2f, 0x84, 0x26}, 56, 0}},
    {"samr", 0, /* 12345778-1234-abcd-ef00-0123456789ac, [MS-SAMR] */
     {{0x78, 0x57, 0x34, 0x12, 0x34, 0x12, 0xcd, 0xab, 0xef, 0x00, 0x01, 0x23, 0x45, 0x67, 0x89, 0xac}, 1, 0}},
    {"lsarpc", 0, /* 12345778-1234-abcd-ef00-0123456789ab, [MS-LSAD] */
     {{0x78, 0x57, 0x34, 0x12, 0x34, 0x12, 0xcd, 0xab, 0xef, 0x00, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab}, 0, 0}},
    {"netlogon", 0, /* 12345678-1234-abcd-ef00-01234567cffb, [MS-NRPC] */
     {{0x78, 0x56, 0x34, 0x12, 0x34, 0x12, 0xcd, 0xab, 0xef, 0x00, 0x01, 0x23, 0x45, 0x67, 0xcf, 0xfb}, 1, 0}},
    {"drsuapi", 0, /* e3514235-4b06-11d1-ab04-00c04fc2dcd2, [MS-DRSR] */
     {{0x35, 0x42, 0x51, 0xe3, 0x06, 0x4b, 0xd1, 0x11, 0xab, 0x04, 0x00, 0xc0, 0x4f, 0xc2, 0xdc, 0xd2}, 4, 0}},
};
/* clang-format on */

#define NAMED (sizeof(named) / sizeof(named[0]))

/* Where the bytes of a UUID in text stand on the wire. */
static const unsigned char uuid_order[16] = {3, 2, 1,  0,  5,  4,  7,  6,
                                             8, 9, 10, 11, 12, 13, 14, 15};

static int hex_value(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_tolower(c) - 'a' + 10;
}

/* Behind the UUID at `text`, or NULL. */
static const char *read_uuid(unsigned char uuid[16], const char *text)
{
    int i;

    for (i = 0; i < 16; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-') {
            return NULL;
        }
        if (!apr_isxdigit(text[0]) || !apr_isxdigit(text[1])) {
            return NULL;
        }
        uuid[uuid_order[i]] =
            (unsigned char)(hex_value(text[0]) << 4 | hex_value(text[1]));
        text += 2;
    }
    return text;
}

/* Behind the digits at `text`, or NULL. */
static const char *read_number(apr_uint16_t *number, const char *text)
{
    unsigned int value = 0;

    if (!apr_isdigit(*text)) {
        return NULL;
    }
    for (; apr_isdigit(*text); text++) {
        value = value * 10 + (unsigned int)(*text - '0');
        if (value > 0xffff) {
            return NULL;
        }
    }
    *number = (apr_uint16_t)value;
    return text;
}

apr_status_t epm_interface_parse(epm_interface_t *interface, const char *text)
{
    size_t i;

    for (i = 0; i < NAMED; i++) {
        if (strcasecmp(text, named[i].name) == 0) {
            *interface = named[i].interface;
            return APR_SUCCESS;
        }
    }
    memset(interface, 0, sizeof(*interface));
    text = read_uuid(interface->uuid, text);
    if (text && *text == '/') {
        text = read_number(&interface->major, text + 1);
        if (text && *text == '.') {
            text = read_number(&interface->minor, text + 1);
        }
        if (text && !*text) {
            return APR_SUCCESS;
        }
    }
    return APR_EINVAL;
}

const epm_interface_t *epm_interface_of_port(int port)
{
    size_t i;

    for (i = 0; i < NAMED; i++) {
        if (port && named[i].port == port) {
            return &named[i].interface;
        }
    }
    return NULL;
}

/* Writing. */

static void put_header(bytes_writer_t *w, pdu_type_e type, apr_uint32_t call)
{
    bytes_put_u8(w, 5); /* rpc_vers */
    bytes_put_u8(w, 0); /* rpc_vers_minor */
    bytes_put_u8(w, (unsigned char)type);
    bytes_put_u8(w, ONLY_FRAGMENT);
    bytes_put_u32(w, DREP_LITTLE_ENDIAN);
    bytes_put_u32(w, 0); /* frag_length comes last; no auth_length */
    bytes_put_u32(w, call);
}

static apr_size_t finish(bytes_writer_t *w)
{
    if (w->failed) {
        return 0;
    }
    w->start[8] = (unsigned char)(w->used & 0xff);
    w->start[9] = (unsigned char)(w->used >> 8);
    return w->used;
}

static void put_interface(bytes_writer_t *w, const epm_interface_t *interface)
{
    bytes_put(w, interface->uuid, sizeof(interface->uuid));
    bytes_put_u16(w, interface->major);
    bytes_put_u16(w, interface->minor);
}

apr_size_t epm_write_bind(void *out, apr_size_t room)
{
    bytes_writer_t w;

    bytes_writer_init(&w, out, room);
    put_header(&w, PDU_BIND, CALL_BIND);
    bytes_put_u16(&w, FRAGMENT_SIZE); /* max_xmit_frag */
    bytes_put_u16(&w, FRAGMENT_SIZE); /* max_recv_frag */
    bytes_put_u32(&w, 0);             /* assoc_group_id: a new one */
    bytes_put_u32(&w, 1);             /* n_context_elem, reserved */
    bytes_put_u16(&w, 0);             /* p_cont_id */
    bytes_put_u16(&w, 1);             /* n_transfer_syn, reserved */
    put_interface(&w, &ept);
    put_interface(&w, &ndr);
    return finish(&w);
}

/* A floor of which the first half is an interface. */
static void put_uuid_floor(bytes_writer_t *w, const epm_interface_t *interface)
{
    bytes_put_u16(w, 1 + 16 + 2);
    bytes_put_u8(w, FLOOR_UUID);
    bytes_put(w, interface->uuid, sizeof(interface->uuid));
    bytes_put_u16(w, interface->major);
    bytes_put_u16(w, 2);
    bytes_put_u16(w, interface->minor);
}

/* A floor of a protocol, whose address of `size` bytes is to be told. */
static void put_protocol_floor(bytes_writer_t *w, unsigned char protocol,
                               apr_uint16_t size)
{
    bytes_put_u16(w, 1);
    bytes_put_u8(w, protocol);
    bytes_put_u16(w, size);
    bytes_put_zeros(w, size);
}

apr_size_t epm_write_map(const epm_interface_t *interface, void *out,
                         apr_size_t room)
{
    bytes_writer_t w;

    bytes_writer_init(&w, out, room);
    put_header(&w, PDU_REQUEST, CALL_MAP);
    bytes_put_u32(&w, 0); /* alloc_hint */
    bytes_put_u16(&w, 0); /* p_cont_id */
    bytes_put_u16(&w, OPNUM_EPT_MAP);
    bytes_put_u32(&w, 1); /* object: a pointer to the nil UUID */
    bytes_put_zeros(&w, 16);
    bytes_put_u32(&w, 2); /* map_tower: a pointer to a conformant structure */
    bytes_put_u32(&w, TOWER_SIZE);
    bytes_put_u32(&w, TOWER_SIZE);
    bytes_put_u16(&w, FLOORS);
    put_uuid_floor(&w, interface);
    put_uuid_floor(&w, &ndr);
    put_protocol_floor(&w, FLOOR_NCACN, 2);
    put_protocol_floor(&w, FLOOR_TCP, 2);
    put_protocol_floor(&w, FLOOR_IP, 4);
    bytes_put_zeros(&w, (4 - TOWER_SIZE % 4) % 4);
    bytes_put_zeros(&w, 20); /* entry_handle: from the beginning */
    bytes_put_u32(&w, MAX_TOWERS);
    return finish(&w);
}

/* Reading. */

static epm_result_e malformed(const char **why, const char *reason)
{
    *why = reason;
    return EPM_MALFORMED;
}

static epm_result_e refused(const char **why, const char *reason)
{
    *why = reason;
    return EPM_REFUSED;
}

/* The header of an answer to `call`; on EPM_OK all of it is there and `r` reads
 * behind the header. */
static epm_result_e read_header(pdu_header_t *h, bytes_reader_t *r,
                                apr_uint32_t call, const void *bytes,
                                apr_size_t len, const char **why)
{
    pdu_result_e result = pdu_read(h, bytes, len, PDU_FROM_SERVER, why);

    if (result == PDU_MALFORMED) {
        return EPM_MALFORMED;
    }
    if (h->fragment_length > EPM_ANSWER_MAX) {
        return malformed(why, "endpoint mapper's answer is too long");
    }
    if (result == PDU_MORE) {
        return EPM_MORE;
    }
    if (!(((const unsigned char *)bytes)[4] & DREP_LITTLE_ENDIAN) ||
        (h->flags & ONLY_FRAGMENT) != ONLY_FRAGMENT || h->auth_length ||
        h->call_id != call || len != h->fragment_length) {
        return malformed(why, "endpoint mapper answers something else");
    }
    bytes_reader_init(r, (const unsigned char *)bytes + PDU_HEADER_SIZE,
                      len - PDU_HEADER_SIZE);
    return EPM_OK;
}

epm_result_e epm_read_bind(const void *bytes, apr_size_t len, const char **why)
{
    bytes_reader_t r;
    pdu_header_t h;
    apr_size_t address_len, results;
    epm_result_e result = read_header(&h, &r, CALL_BIND, bytes, len, why);

    if (result != EPM_OK) {
        return result;
    }
    if (h.type == PDU_BIND_NAK) {
        return refused(why, "endpoint mapper refuses the bind");
    }
    if (h.type != PDU_BIND_ACK) {
        return malformed(why, "endpoint mapper answers no bind_ack");
    }
    bytes_get(&r, 8); /* max_xmit_frag, max_recv_frag, assoc_group_id */
    address_len = bytes_get_u16(&r);
    bytes_get(&r, address_len);
    bytes_get(&r, (4 - (2 + address_len) % 4) % 4);
    results = bytes_get_u32(&r) & 0xff;
    if (r.failed || results != 1 || r.left < 24) {
        return malformed(why, "endpoint mapper's bind_ack is malformed");
    }
    return bytes_get_u16(&r) == 0 ? EPM_OK
                                  : refused(why, "no endpoint mapper is there");
}

/* One half of a floor. */
typedef struct half_t {
    const unsigned char *at;
    apr_size_t len;
} half_t;

static half_t read_half(bytes_reader_t *r)
{
    half_t half;

    half.len = bytes_get_u16(r);
    half.at = bytes_get(r, half.len);
    return half;
}

static int is_protocol(const half_t *left, unsigned char protocol)
{
    return left->len >= 1 && left->at[0] == protocol;
}

/* The port of a tower of our interface over TCP, or 0; -1 when the tower is cut
 * off.  The address in it is not looked at: the host is known. */
static int read_tower(const epm_interface_t *interface, const void *bytes,
                      apr_size_t len)
{
    half_t left[FLOORS], right[FLOORS];
    bytes_reader_t r;
    int i;

    bytes_reader_init(&r, bytes, len);
    if (bytes_get_u16(&r) != FLOORS) {
        return r.failed ? -1 : 0;
    }
    for (i = 0; i < FLOORS; i++) {
        left[i] = read_half(&r);
        right[i] = read_half(&r);
    }
    if (r.failed) {
        return -1;
    }
    if (!is_protocol(&left[0], FLOOR_UUID) || left[0].len != 1 + 16 + 2 ||
        memcmp(left[0].at + 1, interface->uuid, 16) != 0 ||
        (left[0].at[17] | left[0].at[18] << 8) != interface->major ||
        !is_protocol(&left[2], FLOOR_NCACN) ||
        !is_protocol(&left[3], FLOOR_TCP) || right[3].len != 2) {
        return 0;
    }
    return right[3].at[0] << 8 | right[3].at[1]; /* in network byte order */
}

/* The first tower that fits; the array of pointers has been read. */
static epm_result_e read_towers(int *port, const epm_interface_t *interface,
                                bytes_reader_t *r, int towers, const char **why)
{
    int told = 0;

    while (towers-- > 0) {
        apr_size_t most = bytes_get_u32(r), len = bytes_get_u32(r);
        const unsigned char *tower = bytes_get(r, len);
        int found;

        bytes_get(r, towers ? (4 - len % 4) % 4 : 0);
        if (r->failed || len != most) {
            return malformed(why, "endpoint mapper's towers are malformed");
        }
        found = read_tower(interface, tower, len);
        if (found < 0) {
            return malformed(why, "endpoint mapper's tower is malformed");
        }
        told = told ? told : found;
    }
    *port = told;
    return told ? EPM_OK
                : refused(why, "endpoint mapper knows no TCP port of the "
                               "interface");
}

/* Behind the header of a response: what ept_map returns. */
static epm_result_e read_map(int *port, const epm_interface_t *interface,
                             bytes_reader_t *r, const char **why)
{
    apr_uint32_t count, most, first, actual, i;
    int towers = 0;

    bytes_get(r, 8);  /* alloc_hint, p_cont_id, cancel_count, reserved */
    bytes_get(r, 20); /* entry_handle */
    count = bytes_get_u32(r);
    most = bytes_get_u32(r);
    first = bytes_get_u32(r);
    actual = bytes_get_u32(r);
    if (r->failed || r->left < 4) {
        return malformed(why, "endpoint mapper's answer is cut off");
    }
    if (count > MAX_TOWERS || most > MAX_TOWERS || first != 0 ||
        actual != count || actual > most) {
        return malformed(why, "endpoint mapper's answer has wrong counts");
    }
    for (i = 0; i < actual; i++) {
        towers += bytes_get_u32(r) != 0; /* the pointers come first */
    }
    if (count == 0) {
        return refused(why, bytes_get_u32(r) == EPT_S_NOT_REGISTERED
                                ? "the interface is not registered with the "
                                  "endpoint mapper"
                                : "endpoint mapper says no");
    }
    return read_towers(port, interface, r, towers, why);
}

epm_result_e epm_read_map(int *port, const epm_interface_t *interface,
                          const void *bytes, apr_size_t len, const char **why)
{
    bytes_reader_t r;
    pdu_header_t h;
    epm_result_e result = read_header(&h, &r, CALL_MAP, bytes, len, why);

    *port = 0;
    if (result != EPM_OK) {
        return result;
    }
    if (h.type == PDU_FAULT) {
        return refused(why, "endpoint mapper answers a fault");
    }
    if (h.type != PDU_RESPONSE) {
        return malformed(why, "endpoint mapper answers no response");
    }
    return read_map(port, interface, &r, why);
}
