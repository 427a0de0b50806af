/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "pdu.h"

#include <string.h>

#define FROM_CLIENT (1 << PDU_FROM_CLIENT)
#define FROM_SERVER (1 << PDU_FROM_SERVER)
#define DREP_LITTLE_ENDIAN 0x10

/* Who may send what over a connection; types of the datagram protocol have no
 * row.  RTS goes between client and proxy only: Samba's server never sends
 * one. */
/* clang-format off */
static const struct {
    const char *name;
    int senders;
} types[] = {
    [PDU_REQUEST]            = {"request",            FROM_CLIENT},
    [PDU_RESPONSE]           = {"response",           FROM_SERVER},
    [PDU_FAULT]              = {"fault",              FROM_SERVER},
    [PDU_BIND]               = {"bind",               FROM_CLIENT},
    [PDU_BIND_ACK]           = {"bind_ack",           FROM_SERVER},
    [PDU_BIND_NAK]           = {"bind_nak",           FROM_SERVER},
    [PDU_ALTER_CONTEXT]      = {"alter_context",      FROM_CLIENT},
    [PDU_ALTER_CONTEXT_RESP] = {"alter_context_resp", FROM_SERVER},
    [PDU_AUTH3]              = {"auth3",              FROM_CLIENT},
    [PDU_SHUTDOWN]           = {"shutdown",           FROM_SERVER},
    [PDU_CO_CANCEL]          = {"co_cancel",          FROM_CLIENT},
    [PDU_ORPHANED]           = {"orphaned",           FROM_CLIENT},
    [PDU_RTS]                = {"rts",                FROM_CLIENT},
};
/* clang-format on */

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

const char *pdu_type_name(unsigned char type)
{
    return type < TYPE_COUNT && types[type].name ? types[type].name : "unknown";
}

/* The bytes whose value does not depend on the others, each judged as soon as
 * it has arrived. */
static const char *check_fixed(const unsigned char *b, apr_size_t len,
                               pdu_sender_e sender)
{
    if (len > 0 && b[0] != 5) {
        return "version is not 5";
    }
    if (len > 1 && b[1] > 1) {
        return "minor version is not 0 or 1";
    }
    if (len > 2 &&
        (b[2] >= TYPE_COUNT || !(types[b[2]].senders & (1 << sender)))) {
        return b[2] == PDU_RTS ? "RTS PDU from the back end"
                               : "PDU type that this side never sends";
    }
    if (len > 4 && (b[4] & 0xe0)) {
        return "unknown integer representation";
    }
    if (len > 2 && b[2] == PDU_RTS) {
        /* [MS-RPCH] section 2.2.3.6.1 */
        static const unsigned char fixed[] = {3, DREP_LITTLE_ENDIAN, 0, 0, 0};
        apr_size_t have = len - 3 < sizeof(fixed) ? len - 3 : sizeof(fixed);

        if (b[1] != 0 || memcmp(b + 3, fixed, have) != 0) {
            return "RTS header with wrong flags or data representation";
        }
    }
    return NULL;
}

static apr_uint16_t get_u16(const unsigned char *b, int little)
{
    return (apr_uint16_t)(little ? b[0] | b[1] << 8 : b[0] << 8 | b[1]);
}

static apr_uint32_t get_u32(const unsigned char *b, int little)
{
    apr_uint32_t first = get_u16(b, little), second = get_u16(b + 2, little);

    return little ? first | second << 16 : first << 16 | second;
}

static const char *check_lengths(const pdu_header_t *h)
{
    if (h->fragment_length < PDU_HEADER_SIZE) {
        return "fragment shorter than its header";
    }
    if (h->fragment_length > PDU_FRAGMENT_MAX) {
        return "fragment longer than allowed";
    }
    if (h->auth_length > h->fragment_length - PDU_HEADER_SIZE) {
        return "verifier longer than the fragment";
    }
    if (h->type == PDU_RTS && (h->auth_length || h->call_id)) {
        return "RTS header with verifier or call id";
    }
    return NULL;
}

pdu_result_e pdu_read(pdu_header_t *h, const void *bytes, apr_size_t len,
                      pdu_sender_e sender, const char **why)
{
    const unsigned char *b = bytes;
    int little;

    memset(h, 0, sizeof(*h));
    *why = check_fixed(b, len, sender);
    if (*why) {
        return PDU_MALFORMED;
    }
    if (len < PDU_HEADER_SIZE) {
        return PDU_MORE;
    }
    little = b[4] & DREP_LITTLE_ENDIAN;
    h->type = b[2];
    h->flags = b[3];
    h->fragment_length = get_u16(b + 8, little);
    h->auth_length = get_u16(b + 10, little);
    h->call_id = get_u32(b + 12, little);
    *why = check_lengths(h);
    if (*why) {
        h->fragment_length = 0;
        return PDU_MALFORMED;
    }
    return len < h->fragment_length ? PDU_MORE : PDU_OK;
}
