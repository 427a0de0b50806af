/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "dcerpc_auth.h"

#include <string.h>

#include "lib/bytes.h"

#define PFC_FIRST_AND_LAST 0x03 /* pfc_flags: the only fragment */
#define DREP_LITTLE_ENDIAN 0x00000010u

#define AUTH_TRAILER 8 /* sec_trailer without the token */
#define AUTH_TYPE_NTLM 10
#define AUTH_LEVEL_CONNECT 2
#define AUTH_CONTEXT_ID 1u

#define RESULT_ACCEPTANCE 0 /* p_cont_def_result_t */

/* A presentation syntax: UUID in wire order, version. */
typedef struct syntax_t {
    unsigned char uuid[16];
    apr_uint32_t version;
} syntax_t;

/* afa8bd80-7d8a-11c9-bef4-08002b102989, C706 appendix Q */
static const syntax_t mgmt = {{0x80, 0xbd, 0xa8, 0xaf, 0x8a, 0x7d, 0xc9, 0x11,
                               0xbe, 0xf4, 0x08, 0x00, 0x2b, 0x10, 0x29, 0x89},
                              1};
/* 8a885d04-1ceb-11c9-9fe8-08002b104860, C706 section 14.4 */
static const syntax_t ndr = {{0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11,
                              0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60},
                             2};

static void put_syntax(bytes_writer_t *w, const syntax_t *syntax)
{
    bytes_put(w, syntax->uuid, sizeof(syntax->uuid));
    bytes_put_u32(w, syntax->version);
}

/* The body that bind and alter_context share: one context, mgmt in NDR. */
static void put_context(bytes_writer_t *w)
{
    bytes_put_u16(w, DCERPC_AUTH_FRAGMENT); /* max_xmit_frag */
    bytes_put_u16(w, DCERPC_AUTH_FRAGMENT); /* max_recv_frag */
    bytes_put_u32(w, 0);                    /* assoc_group_id: a new one */
    bytes_put_u32(w, 1);                    /* n_context_elem, reserved */
    bytes_put_u16(w, 0);                    /* p_cont_id */
    bytes_put_u16(w, 1);                    /* n_transfer_syn, reserved */
    put_syntax(w, &mgmt);
    put_syntax(w, &ndr);
}

#define CONTEXT_LEN                                                            \
    56 /* what put_context() writes; keeps the trailer aligned */

apr_status_t dcerpc_auth_write(dcerpc_auth_question_t question,
                               apr_uint32_t call_id, const void *token,
                               apr_size_t len, void *out, apr_size_t room,
                               apr_size_t *used)
{
    bytes_writer_t w;
    apr_size_t whole = DCERPC_AUTH_HEADER + CONTEXT_LEN + AUTH_TRAILER + len;

    if (len == 0) {
        return APR_EINVAL;
    }
    if (len > DCERPC_AUTH_FRAGMENT || whole > DCERPC_AUTH_FRAGMENT) {
        return APR_ENOSPC;
    }
    bytes_writer_init(&w, out, room);
    bytes_put_u8(&w, 5); /* rpc_vers */
    bytes_put_u8(&w, 0); /* rpc_vers_minor */
    bytes_put_u8(&w, (unsigned char)question);
    bytes_put_u8(&w, PFC_FIRST_AND_LAST);
    bytes_put_u32(&w, DREP_LITTLE_ENDIAN);
    bytes_put_u16(&w, (apr_uint16_t)whole); /* frag_length */
    bytes_put_u16(&w, (apr_uint16_t)len);   /* auth_length: without any pad */
    bytes_put_u32(&w, call_id);
    put_context(&w);
    bytes_put_u8(&w, AUTH_TYPE_NTLM);
    bytes_put_u8(&w, AUTH_LEVEL_CONNECT);
    bytes_put_u16(&w, 0); /* auth_pad_length, reserved */
    bytes_put_u32(&w, AUTH_CONTEXT_ID);
    bytes_put(&w, token, len);
    *used = w.used;
    return w.failed ? APR_ENOSPC : APR_SUCCESS;
}

static apr_status_t malformed(const char **why, const char *reason)
{
    *why = reason;
    return APR_EINVAL;
}

typedef struct header_t {
    unsigned char type;
    apr_size_t frag_len;
    apr_size_t auth_len;
    apr_uint32_t call_id;
} header_t;

static apr_status_t get_header(header_t *h, bytes_reader_t *r, const char **why)
{
    unsigned char version = bytes_get_u8(r);
    unsigned char minor = bytes_get_u8(r);
    unsigned char flags;

    h->type = bytes_get_u8(r);
    flags = bytes_get_u8(r);
    if (version != 5 || minor > 1 ||
        (bytes_get_u32(r) & 0xff) != DREP_LITTLE_ENDIAN) {
        return malformed(why, "no little-endian DCE/RPC version 5");
    }
    h->frag_len = bytes_get_u16(r);
    h->auth_len = bytes_get_u16(r);
    h->call_id = bytes_get_u32(r);
    if (r->failed || (flags & PFC_FIRST_AND_LAST) != PFC_FIRST_AND_LAST) {
        return malformed(why, "answer in several fragments");
    }
    if (h->frag_len < DCERPC_AUTH_HEADER ||
        h->frag_len > DCERPC_AUTH_FRAGMENT) {
        return malformed(why, "fragment length out of range");
    }
    return APR_SUCCESS;
}

/* Cuts the auth_verifier off the end of `body`. */
static apr_status_t take_token(dcerpc_auth_answer_t *answer,
                               bytes_reader_t *body, apr_size_t auth_len,
                               const char **why)
{
    bytes_reader_t r;
    unsigned char type, level;

    answer->token = NULL;
    answer->token_len = 0;
    if (auth_len == 0) {
        return APR_SUCCESS;
    }
    if (body->left < AUTH_TRAILER || auth_len > body->left - AUTH_TRAILER) {
        return malformed(why, "auth length out of range");
    }
    body->left -= AUTH_TRAILER + auth_len;
    bytes_reader_init(&r, body->at + body->left, AUTH_TRAILER + auth_len);
    type = bytes_get_u8(&r);
    level = bytes_get_u8(&r);
    bytes_get_u16(&r); /* auth_pad_length, reserved */
    if (type != AUTH_TYPE_NTLM || level != AUTH_LEVEL_CONNECT ||
        bytes_get_u32(&r) != AUTH_CONTEXT_ID) {
        return malformed(why, "auth verifier is not the one asked for");
    }
    answer->token = bytes_get(&r, auth_len);
    answer->token_len = auth_len;
    return APR_SUCCESS;
}

/* bind_ack and alter_context_resp: our one context must be accepted. */
static apr_status_t read_results(bytes_reader_t *r, const char **why)
{
    apr_size_t address_len, results;

    bytes_get(r, 8); /* max_xmit_frag, max_recv_frag, assoc_group_id */
    address_len = bytes_get_u16(r);
    bytes_get(r, address_len);
    bytes_get(r, (4 - (2 + address_len) % 4) % 4);
    results = bytes_get_u32(r) & 0xff;
    if (r->failed || results != 1) {
        return malformed(why, "result list is malformed");
    }
    if (bytes_get_u16(r) != RESULT_ACCEPTANCE || r->failed) {
        return malformed(why, "interface mgmt is not served here");
    }
    bytes_get(r, 2 + 20); /* reason, transfer_syntax */
    return r->failed ? malformed(why, "result list is malformed") : APR_SUCCESS;
}

static apr_status_t read_body(dcerpc_auth_answer_t *answer, bytes_reader_t *r,
                              const char **why)
{
    switch (answer->kind) {
    case DCERPC_AUTH_BIND_ACK:
    case DCERPC_AUTH_ALTER_CONTEXT_RESP:
        return read_results(r, why);
    case DCERPC_AUTH_FAULT:
        bytes_get(r, 8); /* alloc_hint, p_cont_id, cancel_count, reserved */
        answer->status = bytes_get_u32(r);
        break;
    case DCERPC_AUTH_BIND_NAK:
        answer->status = bytes_get_u16(r);
        break;
    default:
        return malformed(why, "answer of an unexpected type");
    }
    return r->failed ? malformed(why, "answer is cut off") : APR_SUCCESS;
}

apr_status_t dcerpc_auth_read(dcerpc_auth_answer_t *answer, const void *bytes,
                              apr_size_t len, apr_size_t *needed,
                              const char **why)
{
    bytes_reader_t r;
    header_t header;
    apr_status_t rv;

    memset(answer, 0, sizeof(*answer));
    *needed = DCERPC_AUTH_HEADER;
    if (len < *needed) {
        return APR_INCOMPLETE;
    }
    bytes_reader_init(&r, bytes, DCERPC_AUTH_HEADER);
    rv = get_header(&header, &r, why);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *needed = header.frag_len;
    if (len < *needed) {
        return APR_INCOMPLETE;
    }
    if (len > *needed) {
        return malformed(why, "more than one answer");
    }
    answer->kind = (dcerpc_auth_answer_kind_t)header.type;
    answer->call_id = header.call_id;
    bytes_reader_init(&r, (const unsigned char *)bytes + DCERPC_AUTH_HEADER,
                      header.frag_len - DCERPC_AUTH_HEADER);
    rv = take_token(answer, &r, header.auth_len, why);
    return rv == APR_SUCCESS ? read_body(answer, &r, why) : rv;
}
