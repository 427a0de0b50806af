/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_auth_ntlm/dcerpc_auth.h"

#include <stdlib.h>

#include "t/unit/tap.h"

/* An answer of Samba 4.17 to a bind, its type 2 shortened to 8 bytes. */
/* clang-format off */
static const unsigned char bind_ack[] = {
    5, 0, 12, 3, 0x10, 0, 0, 0, 76, 0, 8, 0, 1, 0, 0, 0,    /* header */
    0xd0, 0x16, 0xd0, 0x16, 0x06, 0x65, 0, 0,               /* sizes, group */
    4, 0, '1', '3', '5', 0, 0, 0,                           /* sec_addr, pad */
    1, 0, 0, 0, 0, 0, 0, 0,                                 /* one result */
    0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11,
    0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60, 2, 0, 0, 0,
    10, 2, 0, 0, 1, 0, 0, 0,                                /* sec_trailer */
    'N', 'T', 'L', 'M', 'S', 'S', 'P', 0,
};
static const unsigned char alter_resp[] = {
    5, 0, 15, 3, 0x10, 0, 0, 0, 56, 0, 0, 0, 2, 0, 0, 0,
    0xd0, 0x16, 0xd0, 0x16, 0x06, 0x65, 0, 0,
    0, 0, 0, 0,
    1, 0, 0, 0, 0, 0, 0, 0,
    0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11,
    0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60, 2, 0, 0, 0,
};
static const unsigned char fault[] = {
    5, 0, 3, 3, 0x10, 0, 0, 0, 32, 0, 0, 0, 2, 0, 0, 0,
    24, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x07, 0, 0, 0, 0, 0, 0,
};
static const unsigned char bind_nak[] = {
    5, 0, 13, 3, 0x10, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0,
    8, 0, 1, 5, 0, 0, 0, 0,
};
/* clang-format on */

typedef struct sample_t {
    const char *name;
    const unsigned char *bytes;
    apr_size_t len;
    int kind;
    apr_uint32_t call_id, status;
    apr_size_t token_len;
} sample_t;

static const sample_t samples[] = {
    {"bind_ack", bind_ack, sizeof(bind_ack), DCERPC_AUTH_BIND_ACK, 1, 0, 8},
    {"alter_context_resp", alter_resp, sizeof(alter_resp),
     DCERPC_AUTH_ALTER_CONTEXT_RESP, 2, 0, 0},
    {"fault", fault, sizeof(fault), DCERPC_AUTH_FAULT, 2, 0x721, 0},
    {"bind_nak", bind_nak, sizeof(bind_nak), DCERPC_AUTH_BIND_NAK, 1, 8, 0},
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void test_samples(void)
{
    dcerpc_auth_answer_t answer;
    const char *why = NULL;
    apr_size_t i, needed;

    for (i = 0; i < SAMPLES; i++) {
        const sample_t *s = &samples[i];

        is_int(dcerpc_auth_read(&answer, s->bytes, s->len, &needed, &why),
               APR_SUCCESS, s->name);
        is_int(answer.kind, s->kind, "its type");
        is_int(answer.call_id, s->call_id, "its call");
        is_int(answer.status, s->status, "its status");
        is_int((long long)answer.token_len, (long long)s->token_len,
               "length of its token");
    }
    dcerpc_auth_read(&answer, bind_ack, sizeof(bind_ack), &needed, &why);
    is_mem(answer.token, 8, "NTLMSSP", 8, "the token of the bind_ack");
}

/* Each beginning of an answer asks for more, and for the right amount. */
static void test_truncation(void)
{
    dcerpc_auth_answer_t answer;
    const char *why = NULL;
    apr_size_t i, len, needed;

    for (i = 0; i < SAMPLES; i++) {
        const sample_t *s = &samples[i];

        for (len = 0; len < s->len; len++) {
            unsigned char *copy = malloc(len ? len : 1);
            apr_status_t rv;

            memcpy(copy, s->bytes, len);
            rv = dcerpc_auth_read(&answer, copy, len, &needed, &why);
            free(copy);
            if (rv != APR_INCOMPLETE ||
                needed !=
                    (len < DCERPC_AUTH_HEADER ? DCERPC_AUTH_HEADER : s->len)) {
                break;
            }
        }
        ok(len == s->len, "%s at every byte", s->name);
    }
}

/* The same with a frag_length that claims that this is all. */
static void test_short_fragments(void)
{
    dcerpc_auth_answer_t answer;
    const char *why = NULL;
    apr_size_t i, len, needed;

    for (i = 0; i < SAMPLES; i++) {
        const sample_t *s = &samples[i];
        int bad = 0;

        for (len = DCERPC_AUTH_HEADER; len < s->len; len++) {
            unsigned char *copy = malloc(len);

            memcpy(copy, s->bytes, len);
            copy[8] = (unsigned char)len;
            if (dcerpc_auth_read(&answer, copy, len, &needed, &why) ==
                APR_SUCCESS) {
                /* The reason of a fault or nak lies before its padding. */
                bad += s->kind != DCERPC_AUTH_FAULT &&
                       s->kind != DCERPC_AUTH_BIND_NAK;
            }
            free(copy);
        }
        is_int(bad, 0, s->name);
    }
}

static const struct {
    const char *name;
    int at;
    unsigned char value;
} damage[] = {
    {"version 4", 0, 4},
    {"minor version 2", 1, 2},
    {"a request", 2, 0},
    {"an AUTH_3", 2, 16},
    {"not the last fragment", 3, 1},
    {"not the first fragment", 3, 2},
    {"big-endian", 4, 0},
    {"auth length beyond the body", 10, 53},
    {"auth length beyond the fragment", 11, 0xff},
    {"address beyond the body", 25, 0xff},
    {"no result", 32, 0},
    {"two results", 32, 2},
    {"interface refused", 36, 2},
    {"auth type Kerberos", 60, 16},
    {"auth level none", 61, 1},
    {"another auth context", 64, 2},
};

static void test_damage(void)
{
    unsigned char bytes[sizeof(bind_ack)];
    dcerpc_auth_answer_t answer;
    apr_size_t i, needed;

    for (i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        const char *why = NULL;

        memcpy(bytes, bind_ack, sizeof(bytes));
        bytes[damage[i].at] = damage[i].value;
        ok(dcerpc_auth_read(&answer, bytes, sizeof(bytes), &needed, &why) ==
                   APR_EINVAL &&
               why,
           "%s", damage[i].name);
    }
}

static void test_lengths(void)
{
    static unsigned char bytes[DCERPC_AUTH_FRAGMENT + 1];
    dcerpc_auth_answer_t answer;
    const char *why = NULL;
    apr_size_t needed;

    memcpy(bytes, fault, sizeof(fault));
    is_int(dcerpc_auth_read(&answer, bytes, sizeof(fault) + 1, &needed, &why),
           APR_EINVAL, "a byte behind the answer");
    bytes[8] = 15;
    is_int(dcerpc_auth_read(&answer, bytes, 16, &needed, &why), APR_EINVAL,
           "shorter than its header");
    bytes[8] = (DCERPC_AUTH_FRAGMENT + 1) & 0xff;
    bytes[9] = (DCERPC_AUTH_FRAGMENT + 1) >> 8;
    is_int(dcerpc_auth_read(&answer, bytes, 16, &needed, &why), APR_EINVAL,
           "longer than a fragment");
    bytes[8] = DCERPC_AUTH_FRAGMENT & 0xff;
    is_int(dcerpc_auth_read(&answer, bytes, 16, &needed, &why), APR_INCOMPLETE,
           "as long as a fragment");
}

static void test_write(void)
{
    static unsigned char out[DCERPC_AUTH_FRAGMENT], token[DCERPC_AUTH_FRAGMENT];
    /* header, then sec_trailer and token, as impacket writes them */
    static const unsigned char head[] = {5,  0, 14, 3, 0x10, 0, 0, 0,
                                         84, 0, 4,  0, 2,    0, 0, 0};
    static const unsigned char tail[] = {10, 2, 0,   0,   1,   0,
                                         0,  0, 'a', 'b', 'c', 'd'};
    apr_size_t used = 0;
    apr_size_t max = DCERPC_AUTH_FRAGMENT - 80;

    is_int(dcerpc_auth_write(DCERPC_AUTH_ALTER_CONTEXT, 2, "abcd", 4, out,
                             sizeof(out), &used),
           APR_SUCCESS, "alter_context");
    is_mem(out, 16, head, sizeof(head), "its header");
    is_mem(out + 72, used - 72, tail, sizeof(tail), "its auth_verifier");
    is_int(dcerpc_auth_write(DCERPC_AUTH_BIND, 1, token, max, out, sizeof(out),
                             &used),
           APR_SUCCESS, "the longest token");
    is_int((long long)used, DCERPC_AUTH_FRAGMENT, "fills the fragment");
    is_int(dcerpc_auth_write(DCERPC_AUTH_BIND, 1, token, max + 1, out,
                             sizeof(out), &used),
           APR_ENOSPC, "one byte more");
    is_int(dcerpc_auth_write(DCERPC_AUTH_BIND, 1, token, 4, out, 83, &used),
           APR_ENOSPC, "no room");
    is_int(dcerpc_auth_write(DCERPC_AUTH_ALTER_CONTEXT, 1, token, 0, out,
                             sizeof(out), &used),
           APR_EINVAL, "no token: Samba would say that all is well");
}

int main(void)
{
    test_samples();
    test_truncation();
    test_short_fragments();
    test_damage();
    test_lengths();
    test_write();
    return done_testing();
}
