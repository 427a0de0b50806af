/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "token.h"

#include <apr_cstr.h>
#include <apr_encode.h>
#include <apr_strings.h>
#include <string.h>

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

const char *token_encode(const unsigned char *token, apr_size_t len,
                         apr_pool_t *pool)
{
    return apr_pstrcat(pool, "NTLM ",
                       apr_pencode_base64_binary(pool, token, (apr_ssize_t)len,
                                                 APR_ENCODE_NONE, NULL),
                       NULL);
}
