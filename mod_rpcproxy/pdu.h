/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_PDU_H
#define POSTERN_PDU_H

/* The common header of connection-oriented DCE/RPC ([C706] section 12.6.3.1,
 * [MS-RPCE] section 2.2.2.1) and the gate that every fragment passes before
 * this proxy forwards it.  No allocation; any thread. */

#include <apr.h>

#define PDU_HEADER_SIZE 16
/* Samba and Windows negotiate 2048..5840; a bind with a Kerberos ticket is
 * larger, nothing honest is larger than this. */
#define PDU_FRAGMENT_MAX 16384

#define PDU_FIRST_FRAG 0x01
#define PDU_LAST_FRAG 0x02

typedef enum pdu_type_e {
    PDU_REQUEST = 0,
    PDU_RESPONSE = 2,
    PDU_FAULT = 3,
    PDU_BIND = 11,
    PDU_BIND_ACK = 12,
    PDU_BIND_NAK = 13,
    PDU_ALTER_CONTEXT = 14,
    PDU_ALTER_CONTEXT_RESP = 15,
    PDU_AUTH3 = 16,
    PDU_SHUTDOWN = 17,
    PDU_CO_CANCEL = 18,
    PDU_ORPHANED = 19,
    PDU_RTS = 20
} pdu_type_e;

typedef enum pdu_result_e {
    PDU_OK,       /* a whole fragment stands at the start of the bytes */
    PDU_MORE,     /* good so far, but more bytes are needed */
    PDU_MALFORMED /* never forward this; *why says what is wrong */
} pdu_result_e;

typedef enum pdu_sender_e { PDU_FROM_CLIENT, PDU_FROM_SERVER } pdu_sender_e;

typedef struct pdu_header_t {
    unsigned char type; /* pdu_type_e */
    unsigned char flags;
    apr_uint16_t fragment_length; /* 0 while the header is incomplete */
    apr_uint16_t auth_length;
    apr_uint32_t call_id;
} pdu_header_t;

/* Judges the fragment that starts at `bytes`, of which `len` have arrived from
 * `sender`.  A wrong byte is reported as soon as it is there.  On PDU_OK the
 * fragment is the first h->fragment_length bytes; on PDU_MORE `h` holds what
 * is known (fragment_length, once the header is complete). */
pdu_result_e pdu_read(pdu_header_t *h, const void *bytes, apr_size_t len,
                      pdu_sender_e sender, const char **why);

/* "request", "bind_ack", ...; "unknown" for what this proxy never forwards. */
const char *pdu_type_name(unsigned char type);

#endif
