/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_DCERPC_AUTH_H
#define POSTERN_DCERPC_AUTH_H

/* The few connection-oriented DCE/RPC PDUs that a login needs (C706 chapter
 * 12, [MS-RPCE] section 2.2.2): bind and alter_context with an auth_verifier
 * that carries an NTLMSSP message, and what a server may answer.
 *
 *   bind + type 1           ->   bind_ack + type 2
 *   alter_context + type 3  ->   alter_context_resp: good, fault: refused
 *
 * An AUTH_3 instead of the alter_context would have no answer, and with it no
 * verdict.  The interface bound is mgmt, which every endpoint has.  Pure; any
 * thread. */

#include <apr_errno.h>

#define DCERPC_AUTH_HEADER 16     /* the common header */
#define DCERPC_AUTH_FRAGMENT 5840 /* largest fragment either way */

typedef enum dcerpc_auth_question_e {
    DCERPC_AUTH_BIND = 11,
    DCERPC_AUTH_ALTER_CONTEXT = 14
} dcerpc_auth_question_t;

typedef enum dcerpc_auth_answer_e {
    DCERPC_AUTH_FAULT = 3,
    DCERPC_AUTH_BIND_ACK = 12,
    DCERPC_AUTH_BIND_NAK = 13,
    DCERPC_AUTH_ALTER_CONTEXT_RESP = 15
} dcerpc_auth_answer_kind_t;

typedef struct dcerpc_auth_answer_t {
    dcerpc_auth_answer_kind_t kind;
    apr_uint32_t call_id;
    apr_uint32_t status;        /* of a fault; the reason of a bind_nak */
    const unsigned char *token; /* inside the PDU, NULL when there is none */
    apr_size_t token_len;
} dcerpc_auth_answer_t;

/* Writes the PDU `question` with the `len` bytes at `token` to the `room`
 * bytes at `out`; *used is its length.  APR_ENOSPC when it does not fit, or
 * would be longer than a fragment; APR_EINVAL when the token is empty, since a
 * server answers an alter_context without one as if all were well. */
apr_status_t dcerpc_auth_write(dcerpc_auth_question_t question,
                               apr_uint32_t call_id, const void *token,
                               apr_size_t len, void *out, apr_size_t room,
                               apr_size_t *used);

/* Reads one PDU from the `len` bytes at `bytes`.  APR_SUCCESS; APR_INCOMPLETE
 * when more is needed, in all *needed bytes; APR_EINVAL with a static reason
 * in *why for anything that no sound server sends. */
apr_status_t dcerpc_auth_read(dcerpc_auth_answer_t *answer, const void *bytes,
                              apr_size_t len, apr_size_t *needed,
                              const char **why);

#endif
