/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "rts.h"
#include "lib/bytes.h"

#include <string.h>

#define KIB 1024u
#define GIB 0x40000000u
#define ANY 0xffffffffu
#define PADDING_MAX 0xffffu

/* The commands (section 2.2.3.5).  `fields` names what follows the type:
 *   n  number, within [min, max]     w  window of an acknowledgement
 *   c  cookie                        p  count of padding bytes, and they
 *   a  address type, address, 12 bytes of padding
 * Receive windows may be larger than the specification's 256 KiB because
 * Windows' registry lets them. */
/* clang-format off */
static const struct {
    const char *name;
    const char *fields;
    apr_uint32_t min, max;
} commands[RTS_COMMAND_COUNT] = {
    [RTS_RECEIVE_WINDOW_SIZE]      = {"ReceiveWindowSize",     "n", 8 * KIB, GIB},
    [RTS_FLOW_CONTROL_ACK]         = {"FlowControlAck",        "nwc", 0, ANY},
    [RTS_CONNECTION_TIMEOUT]       = {"ConnectionTimeout",     "n", 120000, 14400000},
    [RTS_COOKIE]                   = {"Cookie",                "c", 0, 0},
    [RTS_CHANNEL_LIFETIME]         = {"ChannelLifetime",       "n", 128 * KIB, 2 * GIB},
    [RTS_CLIENT_KEEPALIVE]         = {"ClientKeepalive",       "n", 0, ANY},
    [RTS_VERSION]                  = {"Version",               "n", 0, ANY},
    [RTS_EMPTY]                    = {"Empty",                 "", 0, 0},
    [RTS_PADDING]                  = {"Padding",               "p", 0, PADDING_MAX},
    [RTS_NEGATIVE_ANCE]            = {"NegativeANCE",          "", 0, 0},
    [RTS_ANCE]                     = {"ANCE",                  "", 0, 0},
    [RTS_CLIENT_ADDRESS]           = {"ClientAddress",         "a", 0, 0},
    [RTS_ASSOCIATION_GROUP_ID]     = {"AssociationGroupId",    "c", 0, 0},
    [RTS_DESTINATION]              = {"Destination",           "n", RTS_FD_CLIENT, RTS_FD_OUT_PROXY},
    [RTS_PING_TRAFFIC_SENT_NOTIFY] = {"PingTrafficSentNotify", "n", 0, ANY},
};

#define VE RTS_VERSION
#define CK RTS_COOKIE
#define RW RTS_RECEIVE_WINDOW_SIZE
#define CT RTS_CONNECTION_TIMEOUT
#define CL RTS_CHANNEL_LIFETIME
#define KA RTS_CLIENT_KEEPALIVE
#define AG RTS_ASSOCIATION_GROUP_ID
#define DE RTS_DESTINATION
#define FA RTS_FLOW_CONTROL_ACK
#define CLIENT (1 << PDU_FROM_CLIENT)
#define PROXY (1 << PDU_FROM_SERVER)

/* The forms (section 2.2.4).  Within one sender no two rows are alike. */
static const struct {
    const char *name;
    int senders;
    apr_uint16_t flags, count;
    unsigned char commands[6];
} forms[RTS_FORM_COUNT] = {
    [RTS_UNKNOWN]              = {"unknown RTS",    0,              0,    0, {0}},
    [RTS_CONN_A1]              = {"CONN/A1",        CLIENT,         0,    4, {VE, CK, CK, RW}},
    [RTS_CONN_A3]              = {"CONN/A3",        PROXY,          0,    1, {CT}},
    [RTS_CONN_B1]              = {"CONN/B1",        CLIENT,         0,    6, {VE, CK, CK, CL, KA, AG}},
    [RTS_CONN_C2]              = {"CONN/C2",        PROXY,          0,    3, {VE, RW, CT}},
    [RTS_IN_R_A1]              = {"IN_R/A1",        CLIENT,         0x04, 4, {VE, CK, CK, CK}},
    [RTS_IN_R1_A4]             = {"IN_R1/A4",       PROXY,          0,    4, {DE, VE, RW, CT}},
    [RTS_IN_R2_A4]             = {"IN_R2/A4",       PROXY,          0,    1, {DE}},
    [RTS_IN_R_A5]              = {"IN_R/A5",        CLIENT,         0,    1, {CK}},
    [RTS_OUT_R_A2]             = {"OUT_R/A2",       PROXY,          0x04, 1, {DE}},
    [RTS_OUT_R_A3]             = {"OUT_R/A3",       CLIENT,         0x04, 5, {VE, CK, CK, CK, RW}},
    [RTS_OUT_R1_A6]            = {"OUT_R1/A6",      PROXY,          0x10, 3, {DE, VE, CT}},
    [RTS_OUT_R1_A7]            = {"OUT_R1/A7",      CLIENT,         0x10, 2, {DE, CK}},
    [RTS_OUT_R1_A10]           = {"OUT_R1/A10",     PROXY,          0,    1, {RTS_ANCE}},
    [RTS_OUT_R1_A11]           = {"OUT_R1/A11",     CLIENT,         0,    1, {RTS_ANCE}},
    [RTS_OUT_R2_A6]            = {"OUT_R2/A6",      PROXY,          0,    2, {DE, RTS_ANCE}},
    [RTS_OUT_R2_A7]            = {"OUT_R2/A7",      CLIENT,         0x10, 3, {DE, CK, VE}},
    [RTS_OUT_R2_B3]            = {"OUT_R2/B3",      PROXY,          0x20, 1, {RTS_ANCE}},
    [RTS_OUT_R2_C1]            = {"OUT_R2/C1",      CLIENT,         0x01, 1, {RTS_EMPTY}},
    [RTS_OUT_R2_C1_PADDING]    = {"OUT_R2/C1",      CLIENT,         0x01, 1, {RTS_PADDING}},
    [RTS_KEEP_ALIVE]           = {"Keep-Alive",     CLIENT,         0x02, 1, {KA}},
    [RTS_PING]                 = {"Ping",           CLIENT | PROXY, 0x01, 0, {0}},
    [RTS_ECHO]                 = {"Echo",           PROXY,          0x40, 0, {0}},
    [RTS_FLOW_ACK]             = {"FlowControlAck", CLIENT,         0x02, 1, {FA}},
    [RTS_FLOW_ACK_DESTINATION] = {"FlowControlAckWithDestination", CLIENT | PROXY, 0x02, 2, {DE, FA}},
};
/* clang-format on */

static void read_address(rts_command_t *c, bytes_reader_t *r, const char **why)
{
    apr_uint32_t type = bytes_get_u32(r);
    apr_size_t size = type == 0 ? 4 : 16;
    const unsigned char *at = bytes_get(r, size);

    if (type > 1) {
        *why = "address of unknown type";
    }
    if (at) {
        memcpy(c->address, at, size);
        c->address_size = (unsigned char)size;
    }
    bytes_get(r, 12);
}

static void read_cookie(rts_command_t *c, bytes_reader_t *r)
{
    const unsigned char *at = bytes_get(r, RTS_COOKIE_SIZE);

    if (at) {
        memcpy(c->cookie.bytes, at, RTS_COOKIE_SIZE);
    }
}

static void read_command(rts_command_t *c, bytes_reader_t *r, const char **why)
{
    const char *field;

    c->type = bytes_get_u32(r);
    if (c->type >= RTS_COMMAND_COUNT) {
        *why = "unknown RTS command";
        return;
    }
    for (field = commands[c->type].fields; *field; field++) {
        switch (*field) {
        case 'n':
        case 'p':
            c->number = bytes_get_u32(r);
            if (!r->failed && (c->number < commands[c->type].min ||
                               c->number > commands[c->type].max)) {
                *why = "value of an RTS command out of range";
                return;
            }
            if (*field == 'p') {
                bytes_get(r, c->number);
            }
            break;
        case 'w':
            c->window = bytes_get_u32(r);
            break;
        case 'c':
            read_cookie(c, r);
            break;
        default:
            read_address(c, r, why);
            break;
        }
    }
}

pdu_result_e rts_read(rts_t *rts, const void *bytes, apr_size_t len,
                      const char **why)
{
    bytes_reader_t r;
    int i;

    *why = NULL;
    memset(rts, 0, sizeof(*rts));
    bytes_reader_init(&r, bytes, len);
    bytes_get(&r, PDU_HEADER_SIZE);
    rts->flags = bytes_get_u16(&r);
    rts->count = bytes_get_u16(&r);
    if (rts->count > RTS_COMMANDS_MAX) {
        *why = "too many RTS commands";
        rts->count = 0;
    }
    for (i = 0; i < rts->count && !*why && !r.failed; i++) {
        read_command(&rts->command[i], &r, why);
    }
    if (!*why && (r.failed || r.left)) {
        *why = "RTS commands do not fill their PDU";
    }
    return *why ? PDU_MALFORMED : PDU_OK;
}

static void write_command(const rts_command_t *c, bytes_writer_t *w)
{
    const char *field;

    bytes_put_u32(w, c->type);
    for (field = commands[c->type].fields; *field; field++) {
        switch (*field) {
        case 'n':
            bytes_put_u32(w, c->number);
            break;
        case 'p':
            bytes_put_u32(w, c->number);
            bytes_put_zeros(w, c->number);
            break;
        case 'w':
            bytes_put_u32(w, c->window);
            break;
        case 'c':
            bytes_put(w, c->cookie.bytes, RTS_COOKIE_SIZE);
            break;
        default:
            bytes_put_u32(w, c->address_size == 16);
            bytes_put(w, c->address, c->address_size == 16 ? 16 : 4);
            bytes_put_zeros(w, 12);
            break;
        }
    }
}

apr_size_t rts_write(const rts_t *rts, void *out, apr_size_t room)
{
    static const unsigned char start[] = {
        5, 0, PDU_RTS, PDU_FIRST_FRAG | PDU_LAST_FRAG, 0x10, 0, 0, 0};
    bytes_writer_t w, length;
    int i;

    bytes_writer_init(&w, out, room);
    bytes_put(&w, start, sizeof(start));
    bytes_put_u16(&w, 0); /* the length, below */
    bytes_put_zeros(&w, 6);
    bytes_put_u16(&w, rts->flags);
    bytes_put_u16(&w, rts->count);
    for (i = 0; i < rts->count; i++) {
        write_command(&rts->command[i], &w);
    }
    if (w.failed) {
        return 0;
    }
    bytes_writer_init(&length, w.start + 8, 2);
    bytes_put_u16(&length, (apr_uint16_t)w.used);
    return w.used;
}

static int form_matches(const rts_t *rts, int form)
{
    int i;

    if (rts->flags != forms[form].flags || rts->count != forms[form].count) {
        return 0;
    }
    for (i = 0; i < rts->count; i++) {
        if (rts->command[i].type != forms[form].commands[i]) {
            return 0;
        }
    }
    return 1;
}

rts_form_e rts_form(const rts_t *rts, pdu_sender_e sender)
{
    int form;

    for (form = RTS_UNKNOWN + 1; form < RTS_FORM_COUNT; form++) {
        if ((forms[form].senders & (1 << sender)) && form_matches(rts, form)) {
            return (rts_form_e)form;
        }
    }
    return RTS_UNKNOWN;
}

void rts_init(rts_t *rts, rts_form_e form)
{
    int i;

    memset(rts, 0, sizeof(*rts));
    rts->flags = forms[form].flags;
    rts->count = forms[form].count;
    for (i = 0; i < rts->count; i++) {
        rts->command[i].type = forms[form].commands[i];
        if (rts->command[i].type == RTS_VERSION) {
            rts->command[i].number = 1;
        }
    }
}

const char *rts_form_name(rts_form_e form)
{
    return forms[form < RTS_FORM_COUNT ? form : RTS_UNKNOWN].name;
}

int rts_cookie_same(const rts_cookie_t *a, const rts_cookie_t *b)
{
    return memcmp(a->bytes, b->bytes, RTS_COOKIE_SIZE) == 0;
}
