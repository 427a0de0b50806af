/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_RTS_H
#define POSTERN_RTS_H

/* RTS PDUs ([MS-RPCH] sections 2.2.3 and 2.2.4): commands, and the forms that
 * a client and a proxy send each other.  Reading and writing use one table.
 * No allocation; any thread. */

#include <apr.h>

#include "pdu.h"

#define RTS_HEADER_SIZE 20
#define RTS_COMMANDS_MAX 8
/* The largest RTS PDU this proxy writes (IN_R1/A1 class PDUs are read only). */
#define RTS_WRITE_MAX 64
#define RTS_COOKIE_SIZE 16

typedef struct rts_cookie_t {
    unsigned char bytes[RTS_COOKIE_SIZE];
} rts_cookie_t;

enum {
    RTS_FLAG_NONE = 0,
    RTS_FLAG_PING = 0x01,
    RTS_FLAG_OTHER_CMD = 0x02,
    RTS_FLAG_RECYCLE_CHANNEL = 0x04,
    RTS_FLAG_IN_CHANNEL = 0x08,
    RTS_FLAG_OUT_CHANNEL = 0x10,
    RTS_FLAG_EOF = 0x20,
    RTS_FLAG_ECHO = 0x40
};

typedef enum rts_command_e {
    RTS_RECEIVE_WINDOW_SIZE,
    RTS_FLOW_CONTROL_ACK,
    RTS_CONNECTION_TIMEOUT,
    RTS_COOKIE,
    RTS_CHANNEL_LIFETIME,
    RTS_CLIENT_KEEPALIVE,
    RTS_VERSION,
    RTS_EMPTY,
    RTS_PADDING,
    RTS_NEGATIVE_ANCE,
    RTS_ANCE,
    RTS_CLIENT_ADDRESS,
    RTS_ASSOCIATION_GROUP_ID,
    RTS_DESTINATION,
    RTS_PING_TRAFFIC_SENT_NOTIFY,
    RTS_COMMAND_COUNT
} rts_command_e;

/* Values of RTS_DESTINATION (section 2.2.3.3). */
enum { RTS_FD_CLIENT, RTS_FD_IN_PROXY, RTS_FD_SERVER, RTS_FD_OUT_PROXY };

typedef struct rts_command_t {
    apr_uint32_t type;   /* rts_command_e */
    apr_uint32_t number; /* size, time, count, received bytes, destination */
    apr_uint32_t window; /* of a FlowControlAck */
    rts_cookie_t cookie; /* of Cookie, AssociationGroupId, FlowControlAck */
    unsigned char address[16];
    unsigned char address_size; /* 4 or 16 in a ClientAddress */
} rts_command_t;

typedef struct rts_t {
    apr_uint16_t flags;
    apr_uint16_t count;
    rts_command_t command[RTS_COMMANDS_MAX];
} rts_t;

/* The PDUs that pass between a client and a proxy (section 2.2.4).  R stands
 * for what R1 and R2 have in common. */
typedef enum rts_form_e {
    RTS_UNKNOWN,
    RTS_CONN_A1,
    RTS_CONN_A3,
    RTS_CONN_B1,
    RTS_CONN_C2,
    RTS_IN_R_A1,
    RTS_IN_R1_A4,
    RTS_IN_R2_A4,
    RTS_IN_R_A5,
    RTS_OUT_R_A2,
    RTS_OUT_R_A3,
    RTS_OUT_R1_A6,
    RTS_OUT_R1_A7,
    RTS_OUT_R1_A10,
    RTS_OUT_R1_A11,
    RTS_OUT_R2_A6,
    RTS_OUT_R2_A7,
    RTS_OUT_R2_B3,
    RTS_OUT_R2_C1,
    RTS_OUT_R2_C1_PADDING,
    RTS_KEEP_ALIVE,
    RTS_PING,
    RTS_ECHO,
    RTS_FLOW_ACK,
    RTS_FLOW_ACK_DESTINATION,
    RTS_FORM_COUNT
} rts_form_e;

/* Reads one whole RTS PDU that pdu_read() let through: the `len` bytes at
 * `bytes` must be exactly its commands.  PDU_OK or PDU_MALFORMED. */
pdu_result_e rts_read(rts_t *rts, const void *bytes, apr_size_t len,
                      const char **why);

/* Writes `rts` with its header into the `room` bytes at `out`; returns the
 * length, or 0 when it does not fit. */
apr_size_t rts_write(const rts_t *rts, void *out, apr_size_t room);

/* The form that `sender` means by `rts`, or RTS_UNKNOWN. */
rts_form_e rts_form(const rts_t *rts, pdu_sender_e sender);

/* Fills flags and commands of `form`; the caller then sets the values. */
void rts_init(rts_t *rts, rts_form_e form);

/* "CONN/A1", ... as the specification writes it. */
const char *rts_form_name(rts_form_e form);

/* 1 when both cookies are equal. */
int rts_cookie_same(const rts_cookie_t *a, const rts_cookie_t *b);

#endif
