/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ntlmssp.h"

#include <string.h>

#include "lib/bytes.h"

/* The three messages start alike: Signature, MessageType. */
#define SIGNATURE "NTLMSSP"
#define SIGNATURE_LEN sizeof(SIGNATURE)

/* Sizes without Version and MIC, which older clients leave out. */
#define NEGOTIATE_FIXED 32
#define CHALLENGE_FIXED 32
#define AUTHENTICATE_FIXED 64

/* A name is at most so many bytes on the wire: more than any that a directory
 * holds, few enough for a log line. */
#define NAME_MAX_BYTES 1024

/* Len, MaxLen, BufferOffset: how each message names its payload. */
typedef struct field_t {
    const unsigned char *at;
    apr_size_t len;
} field_t;

static apr_status_t malformed(const char **why, const char *reason)
{
    *why = reason;
    return APR_EINVAL;
}

apr_status_t ntlmssp_kind(ntlmssp_kind_t *kind, const void *message,
                          apr_size_t len, const char **why)
{
    /* clang-format off */
    static const apr_size_t fixed[] = {
        [NTLMSSP_NEGOTIATE]    = NEGOTIATE_FIXED,
        [NTLMSSP_CHALLENGE]    = CHALLENGE_FIXED,
        [NTLMSSP_AUTHENTICATE] = AUTHENTICATE_FIXED,
    };
    /* clang-format on */
    bytes_reader_t r;
    const unsigned char *signature;
    apr_uint32_t type;

    if (len > NTLMSSP_MESSAGE_MAX) {
        *why = "message is too long";
        return APR_ENOSPC;
    }
    bytes_reader_init(&r, message, len);
    signature = bytes_get(&r, SIGNATURE_LEN);
    type = bytes_get_u32(&r);
    if (r.failed || memcmp(signature, SIGNATURE, SIGNATURE_LEN) != 0) {
        return malformed(why, "no NTLMSSP message");
    }
    if (type < NTLMSSP_NEGOTIATE || type > NTLMSSP_AUTHENTICATE) {
        return malformed(why, "unknown message type");
    }
    if (len < fixed[type]) {
        return malformed(why, "message is cut off");
    }
    *kind = (ntlmssp_kind_t)type;
    return APR_SUCCESS;
}

/* The next payload field of `r`, which must lie behind the `fixed` first of
 * the `len` bytes at `message` when it is not empty. */
static field_t get_field(bytes_reader_t *r, const void *message, apr_size_t len,
                         apr_size_t fixed)
{
    field_t field = {NULL, 0};
    apr_size_t field_len = bytes_get_u16(r);
    apr_uint16_t max_len = bytes_get_u16(r);
    apr_uint32_t offset = bytes_get_u32(r);

    (void)max_len; /* to be ignored: section 2.2.1.3 */
    if (r->failed || field_len == 0) {
        return field;
    }
    if (offset < fixed || offset > len || field_len > len - offset) {
        r->failed = 1;
        return field;
    }
    field.at = (const unsigned char *)message + offset;
    field.len = field_len;
    return field;
}

/* Starts `r` behind signature and type of a message of kind `expected`. */
static apr_status_t start(bytes_reader_t *r, ntlmssp_kind_t expected,
                          const void *message, apr_size_t len, const char **why)
{
    ntlmssp_kind_t kind;
    apr_status_t rv = ntlmssp_kind(&kind, message, len, why);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (kind != expected) {
        return malformed(why, "message out of turn");
    }
    bytes_reader_init(r, message, len);
    bytes_get(r, SIGNATURE_LEN + 4);
    return APR_SUCCESS;
}

apr_status_t ntlmssp_read_negotiate(apr_uint32_t *flags, const void *message,
                                    apr_size_t len, const char **why)
{
    bytes_reader_t r;
    apr_status_t rv = start(&r, NTLMSSP_NEGOTIATE, message, len, why);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *flags = bytes_get_u32(&r);
    get_field(&r, message, len, NEGOTIATE_FIXED); /* DomainName */
    get_field(&r, message, len, NEGOTIATE_FIXED); /* Workstation */
    return r.failed ? malformed(why, "field outside of the message")
                    : APR_SUCCESS;
}

apr_status_t ntlmssp_read_challenge(apr_uint32_t *flags, const void *message,
                                    apr_size_t len, const char **why)
{
    bytes_reader_t r;
    apr_status_t rv = start(&r, NTLMSSP_CHALLENGE, message, len, why);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    get_field(&r, message, len, CHALLENGE_FIXED); /* TargetName */
    *flags = bytes_get_u32(&r);
    return r.failed ? malformed(why, "field outside of the message")
                    : APR_SUCCESS;
}

/* Appends the UTF-8 form of `c`; returns the new end. */
static char *put_utf8(char *out, apr_uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
    }
    else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        }
        else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (c & 0x3f));
    return out;
}

/* The next character of UTF-16LE, or 0 for anything that no name holds: lone
 * surrogates, half units, and controls (NUL included, behind which the
 * verifier would not look). */
static apr_uint32_t get_utf16(bytes_reader_t *r)
{
    apr_uint32_t c = bytes_get_u16(r);
    apr_uint32_t low;

    if (c >= 0xd800 && c < 0xdc00) {
        low = bytes_get_u16(r);
        if (low < 0xdc00 || low > 0xdfff) {
            return 0;
        }
        return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000)) {
        return 0;
    }
    return c;
}

/* The next character of the OEM character set, of which only ASCII means the
 * same everywhere. */
static apr_uint32_t get_oem(bytes_reader_t *r)
{
    unsigned char c = bytes_get_u8(r);

    return c < 0x20 || c >= 0x7f ? 0 : c;
}

/* `field` as UTF-8 in `pool`, or NULL. */
static const char *get_name(const field_t *field, int unicode, apr_pool_t *pool)
{
    /* One unit of two bytes makes at most three. */
    char *name = apr_palloc(pool, field->len * 2 + 1);
    char *out = name;
    bytes_reader_t r;

    if (field->len > NAME_MAX_BYTES) {
        return NULL;
    }
    bytes_reader_init(&r, field->at, field->len);
    while (r.left) {
        apr_uint32_t c = unicode ? get_utf16(&r) : get_oem(&r);

        if (r.failed || !c) {
            return NULL;
        }
        out = put_utf8(out, c);
    }
    *out = '\0';
    return name;
}

apr_status_t ntlmssp_read_authenticate(ntlmssp_authenticate_t *message,
                                       const void *bytes, apr_size_t len,
                                       apr_uint32_t agreed, const char **why,
                                       apr_pool_t *pool)
{
    enum { LM, NT, DOMAIN, USER, WORKSTATION, SESSION_KEY, FIELDS };
    field_t field[FIELDS];
    bytes_reader_t r;
    int i;
    int unicode = (agreed & NTLMSSP_NEGOTIATE_UNICODE) != 0;
    apr_status_t rv = start(&r, NTLMSSP_AUTHENTICATE, bytes, len, why);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i < FIELDS; i++) {
        field[i] = get_field(&r, bytes, len, AUTHENTICATE_FIXED);
    }
    message->flags = bytes_get_u32(&r);
    if (r.failed) {
        return malformed(why, "field outside of the message");
    }
    if ((message->flags & NTLMSSP_NEGOTIATE_UNICODE) !=
        (agreed & NTLMSSP_NEGOTIATE_UNICODE)) {
        return malformed(why, "character set is not the one agreed upon");
    }
    message->nt_response_len = field[NT].len;
    message->domain = get_name(&field[DOMAIN], unicode, pool);
    message->user = get_name(&field[USER], unicode, pool);
    message->workstation = get_name(&field[WORKSTATION], unicode, pool);
    if (!message->domain || !message->user || !message->workstation) {
        return malformed(why, "name is too long or no text");
    }
    return APR_SUCCESS;
}
