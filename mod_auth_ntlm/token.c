/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "token.h"

#include <apr_cstr.h>
#include <apr_encode.h>
#include <apr_strings.h>
#include <string.h>

/* RFC 4178 section 4.2.2 */
#define COMPLETED 0
#define REJECT 2
#define ANSWER_MAX 65536 /* bytes of a server's token */

/* What base64 makes of "NTLMSSP" and its final NUL, as far as that is certain. */
static const char signature[] = "TlRMTVNTUA";

token_scheme_t token_scheme(const char *header)
{
    apr_size_t len;

    if (!header) {
        return TOKEN_NONE;
    }
    len = strcspn(header, " ");
    if (len == 4 && apr_cstr_casecmpn(header, "NTLM", len) == 0) {
        return TOKEN_NTLM;
    }
    if (len == 5 && apr_cstr_casecmpn(header, "Basic", len) == 0) {
        return TOKEN_BASIC;
    }
    if (len == 9 && apr_cstr_casecmpn(header, "Negotiate", len) == 0) {
        header += len + strspn(header + len, " ");
        if (strncmp(header, signature, sizeof(signature) - 1) == 0) {
            return TOKEN_NEGOTIATE;
        }
    }
    return TOKEN_OTHER;
}

apr_status_t token_decode(const unsigned char **token, apr_size_t *len,
                          const char *header, apr_size_t max, const char **why,
                          apr_pool_t *pool)
{
    const char *text = header + strcspn(header, " ");
    apr_size_t text_len;

    text += strspn(text, " ");
    text_len = strcspn(text, " ");
    if (text_len == 0 || text[text_len + strspn(text + text_len, " ")]) {
        *why = "no token behind the scheme";
        return APR_EINVAL;
    }
    if (text_len > (max + 2) / 3 * 4) {
        *why = "token is too long";
        return APR_ENOSPC;
    }
    *token = apr_pdecode_base64_binary(pool, text, (apr_ssize_t)text_len,
                                       APR_ENCODE_NONE, len);
    if (!*token || *len == 0) {
        *why = "token is not in base64";
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

/* The contents of a DER element with this tag at `at`, or NULL; up to 64 KiB
 * long. */
static const unsigned char *inside(const unsigned char *at,
                                   const unsigned char *end, unsigned char tag)
{
    apr_size_t header = 2;

    if (!at || end - at < 2 || at[0] != tag) {
        return NULL;
    }
    if (at[1] & 0x80) {
        header += at[1] & 0x7f;
    }
    return header <= 4 && (apr_size_t)(end - at) > header ? at + header : NULL;
}

int token_ends_negotiation(const char *header, apr_pool_t *pool)
{
    const unsigned char *token, *state, *end;
    apr_size_t len;
    const char *why;

    if (apr_cstr_casecmp(header, "Negotiate") == 0) {
        return 1;
    }
    if (apr_cstr_casecmpn(header, "Negotiate ", 10) != 0 ||
        token_decode(&token, &len, header, ANSWER_MAX, &why, pool) !=
            APR_SUCCESS) {
        return 0;
    }
    end = token + len;
    state = inside(token, end, 0xa1); /* NegTokenResp */
    state = inside(state, end, 0x30); /* SEQUENCE */
    state = inside(state, end, 0xa0); /* negState */
    state = inside(state, end, 0x0a); /* ENUMERATED */
    return state && (*state == COMPLETED || *state == REJECT);
}

const char *token_encode(token_scheme_t scheme, const unsigned char *token,
                         apr_size_t len, apr_pool_t *pool)
{
    return apr_pstrcat(pool, scheme == TOKEN_NEGOTIATE ? "Negotiate " : "NTLM ",
                       apr_pencode_base64_binary(pool, token, (apr_ssize_t)len,
                                                 APR_ENCODE_NONE, NULL),
                       NULL);
}
