/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_auth_ntlm/ntlmssp.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "lib/bytes.h"
#include "t/unit/tap.h"

#define UNICODE NTLMSSP_NEGOTIATE_UNICODE

#define HEADER 64
#define TEXT(s) (s), sizeof(s) - 1

static void put_field(bytes_writer_t *w, apr_size_t len, apr_size_t *offset)
{
    bytes_put_u16(w, (apr_uint16_t)len);
    bytes_put_u16(w, (apr_uint16_t)len);
    bytes_put_u32(w, (apr_uint32_t)*offset);
    *offset += len;
}

/* A type 3 as a client would build it, with a 24 byte LM and a 30 byte NT
 * response; 0 when it does not fit. */
static apr_size_t build_type3(unsigned char *out, apr_size_t room,
                              const char *domain, apr_size_t domain_len,
                              const char *user, apr_size_t user_len,
                              apr_uint32_t flags)
{
    apr_size_t offset = HEADER;
    bytes_writer_t w;

    bytes_writer_init(&w, out, room);
    bytes_put(&w, "NTLMSSP", 8);
    bytes_put_u32(&w, 3);
    put_field(&w, 24, &offset);
    put_field(&w, 30, &offset);
    put_field(&w, domain_len, &offset);
    put_field(&w, user_len, &offset);
    put_field(&w, 4, &offset);
    put_field(&w, 0, &offset);
    bytes_put_u32(&w, flags);
    bytes_put_zeros(&w, 24 + 30);
    bytes_put(&w, domain, domain_len);
    bytes_put(&w, user, user_len);
    bytes_put(&w, flags & UNICODE ? "W\0S\0" : "WS01", 4);
    return w.failed ? 0 : w.used;
}

static apr_size_t build_type1(unsigned char *out, apr_size_t len)
{
    bytes_writer_t w;

    bytes_writer_init(&w, out, len);
    bytes_put(&w, "NTLMSSP", 8);
    bytes_put_u32(&w, 1);
    bytes_put_u32(&w, 0xe2088297);
    bytes_put_zeros(&w, len - 16);
    return w.used;
}

static void test_negotiate(void)
{
    unsigned char bytes[64];
    const char *why = NULL;
    apr_uint32_t flags = 0;
    apr_size_t len;

    for (len = 32; len <= 40; len += 8) {
        build_type1(bytes, len);
        is_int(ntlmssp_read_negotiate(&flags, bytes, len, &why), APR_SUCCESS,
               len == 32 ? "32 bytes, without Version" : "40 bytes");
        is_int(flags, 0xe2088297, "its flags");
    }
    for (len = 0; len < 32; len++) {
        if (ntlmssp_read_negotiate(&flags, bytes, len, &why) != APR_EINVAL) {
            break;
        }
    }
    is_int((long long)len, 32, "cut off at every byte");
    bytes[16] = 5; /* DomainName, 5 bytes at 36 */
    bytes[20] = 36;
    ok(ntlmssp_read_negotiate(&flags, bytes, 40, &why) == APR_EINVAL,
       "a domain that ends outside");
    ok(ntlmssp_read_negotiate(&flags, bytes, 41, &why) == APR_SUCCESS,
       "a domain that ends at the end");
    bytes[20] = 31;
    ok(ntlmssp_read_negotiate(&flags, bytes, 41, &why) == APR_EINVAL,
       "a domain inside the fixed part");
    memset(bytes + 20, 0xff, 4);
    ok(ntlmssp_read_negotiate(&flags, bytes, 41, &why) == APR_EINVAL,
       "an offset of 4 GiB");
}

static void test_challenge(void)
{
    static const unsigned char wire[48] = {
        'N', 'T', 'L', 'M', 'S', 'S', 'P', 0, 2, 0, 0, 0, 4,
        0,   4,   0,   40,  0,   0,   0,   1, 2, 3, 4, 0, 0};
    const char *why = NULL;
    apr_uint32_t flags = 0;
    apr_size_t len;

    is_int(ntlmssp_read_challenge(&flags, wire, sizeof(wire), &why),
           APR_SUCCESS, "type 2");
    is_int(flags, 0x04030201, "its flags");
    for (len = 0; len < 44; len++) {
        if (ntlmssp_read_challenge(&flags, wire, len, &why) != APR_EINVAL) {
            break;
        }
    }
    is_int((long long)len, 44, "cut off at every byte");
}

typedef struct row_t {
    const char *name;
    const char *domain;
    apr_size_t domain_len;
    const char *user;
    apr_size_t user_len;
    apr_uint32_t agreed, flags;
    const char *got_domain, *got_user; /* NULL: refused */
} row_t;

/* clang-format off */
static const row_t rows[] = {
    {"UTF-16", TEXT("D\0O\0M\0"), TEXT("b\0o\0b\0"), UNICODE, UNICODE,
     "DOM", "bob"},
    {"empty names", TEXT(""), TEXT(""), UNICODE, UNICODE, "", ""},
    {"two and three bytes of UTF-8", TEXT("\xc4\0"), TEXT("\xac\x20"),
     UNICODE, UNICODE, "\xc3\x84", "\xe2\x82\xac"},
    {"a surrogate pair", TEXT("D\0"), TEXT("\x3d\xd8\x00\xde"), UNICODE, UNICODE,
     "D", "\xf0\x9f\x98\x80"},
    {"OEM", TEXT("DOM"), TEXT("bob"), 0, 0, "DOM", "bob"},
    {"OEM beyond ASCII", TEXT("DOM"), TEXT("b\xf6"), 0, 0, NULL, NULL},
    {"OEM with NUL", TEXT("DOM"), TEXT("b\0b"), 0, 0, NULL, NULL},
    {"UTF-16 although OEM was agreed", TEXT("D\0"), TEXT("b\0"), 0, UNICODE,
     NULL, NULL},
    {"OEM although UTF-16 was agreed", TEXT("DD"), TEXT("bb"), UNICODE, 0,
     NULL, NULL},
    {"half a unit", TEXT("D\0O"), TEXT("b\0"), UNICODE, UNICODE, NULL, NULL},
    {"a NUL inside", TEXT("D\0"), TEXT("b\0\0\0b\0"), UNICODE, UNICODE,
     NULL, NULL},
    {"a NUL at the end", TEXT("D\0"), TEXT("b\0\0\0"), UNICODE, UNICODE,
     NULL, NULL},
    {"a line break", TEXT("D\0"), TEXT("b\0\n\0"), UNICODE, UNICODE, NULL, NULL},
    {"a C1 control", TEXT("D\0"), TEXT("b\0\x85\0"), UNICODE, UNICODE,
     NULL, NULL},
    {"a lone high surrogate", TEXT("D\0"), TEXT("\x3d\xd8"), UNICODE, UNICODE,
     NULL, NULL},
    {"a high surrogate and a letter", TEXT("D\0"), TEXT("\x3d\xd8" "b\0"),
     UNICODE, UNICODE, NULL, NULL},
    {"a lone low surrogate", TEXT("\x00\xde"), TEXT("b\0"), UNICODE, UNICODE,
     NULL, NULL},
};
/* clang-format on */

static void test_authenticate(apr_pool_t *pool)
{
    unsigned char bytes[512];
    ntlmssp_authenticate_t m;
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const row_t *row = &rows[i];
        const char *why = NULL;
        apr_size_t len =
            build_type3(bytes, sizeof(bytes), row->domain, row->domain_len,
                        row->user, row->user_len, row->flags);
        apr_status_t rv =
            ntlmssp_read_authenticate(&m, bytes, len, row->agreed, &why, pool);

        if (!row->got_user) {
            ok(rv == APR_EINVAL && why, "%s: refused", row->name);
            continue;
        }
        ok(rv == APR_SUCCESS, "%s: read", row->name);
        is_str(m.domain, row->got_domain, "its domain");
        is_str(m.user, row->got_user, "its user");
        is_int((long long)m.nt_response_len, 30, "its NT response");
    }
}

/* Each shorter form of a sound message must be refused or stay inside. */
static void test_truncation(apr_pool_t *pool)
{
    unsigned char bytes[512];
    ntlmssp_authenticate_t m;
    const char *why = NULL;
    apr_size_t whole =
        build_type3(bytes, sizeof(bytes), TEXT("D\0"), TEXT("b\0"), UNICODE);
    apr_size_t len;

    for (len = 0; len < whole; len++) {
        void *copy = apr_pmemdup(pool, bytes, len);

        if (ntlmssp_read_authenticate(&m, copy, len, UNICODE, &why, pool) !=
            APR_EINVAL) {
            break;
        }
    }
    is_int((long long)len, (long long)whole, "type 3 cut off at every byte");
}

static void test_fields(apr_pool_t *pool)
{
    static const char *const names[] = {"LM",   "NT",          "domain",
                                        "user", "workstation", "session key"};
    unsigned char bytes[512];
    ntlmssp_authenticate_t m;
    const char *why = NULL;
    int i;

    for (i = 0; i < 6; i++) {
        apr_size_t len = build_type3(bytes, sizeof(bytes), TEXT("D\0"),
                                     TEXT("b\0"), UNICODE);
        unsigned char *field = bytes + 12 + i * 8;

        field[0] = field[1] = 0xff;
        ok(ntlmssp_read_authenticate(&m, bytes, len, UNICODE, &why, pool) ==
               APR_EINVAL,
           "%s of 65535 bytes", names[i]);
        field[0] = 2;
        field[1] = 0;
        memset(field + 4, 0xff, 4);
        ok(ntlmssp_read_authenticate(&m, bytes, len, UNICODE, &why, pool) ==
               APR_EINVAL,
           "%s at 4 GiB", names[i]);
        memset(field + 4, 0, 4);
        ok(ntlmssp_read_authenticate(&m, bytes, len, UNICODE, &why, pool) ==
               APR_EINVAL,
           "%s inside the header", names[i]);
    }
}

static void test_long(apr_pool_t *pool)
{
    static unsigned char bytes[65536];
    static char user[2000];
    ntlmssp_authenticate_t m;
    ntlmssp_kind_t kind;
    const char *why = NULL;
    apr_size_t len;

    memset(user, 'a', sizeof(user));
    len = build_type3(bytes, sizeof(bytes), TEXT("D"), user, 1024, 0);
    ok(ntlmssp_read_authenticate(&m, bytes, len, 0, &why, pool) == APR_SUCCESS,
       "a user of 1024 bytes");
    len = build_type3(bytes, sizeof(bytes), TEXT("D"), user, 1025, 0);
    ok(ntlmssp_read_authenticate(&m, bytes, len, 0, &why, pool) == APR_EINVAL,
       "a user of 1025 bytes");
    ok(ntlmssp_kind(&kind, bytes, NTLMSSP_MESSAGE_MAX, &why) == APR_SUCCESS,
       "the longest message");
    ok(ntlmssp_kind(&kind, bytes, NTLMSSP_MESSAGE_MAX + 1, &why) == APR_ENOSPC,
       "one byte longer");
    ok(ntlmssp_kind(&kind, bytes, sizeof(bytes), &why) == APR_ENOSPC, "64 KiB");
}

static void test_kind(void)
{
    unsigned char bytes[64];
    ntlmssp_kind_t kind = 0;
    const char *why = NULL;
    apr_uint32_t flags;

    build_type1(bytes, 40);
    ok(ntlmssp_kind(&kind, bytes, 40, &why) == APR_SUCCESS &&
           kind == NTLMSSP_NEGOTIATE,
       "type 1 is known");
    ok(ntlmssp_read_challenge(&flags, bytes, 40, &why) == APR_EINVAL,
       "type 1 is no type 2");
    bytes[8] = 4;
    ok(ntlmssp_kind(&kind, bytes, 40, &why) == APR_EINVAL, "type 4");
    bytes[8] = 0;
    ok(ntlmssp_kind(&kind, bytes, 40, &why) == APR_EINVAL, "type 0");
    bytes[8] = 1;
    bytes[11] = 1;
    ok(ntlmssp_kind(&kind, bytes, 40, &why) == APR_EINVAL, "type 0x1000001");
    bytes[11] = 0;
    bytes[7] = 'x';
    ok(ntlmssp_kind(&kind, bytes, 40, &why) == APR_EINVAL,
       "signature without its NUL");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_kind();
    test_negotiate();
    test_challenge();
    test_authenticate(pool);
    test_truncation(pool);
    test_fields(pool);
    test_long(pool);
    apr_pool_destroy(pool);
    return done_testing();
}
