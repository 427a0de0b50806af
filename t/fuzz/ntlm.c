/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* What a client or a verifier may send to mod_auth_ntlm.  The first byte says
 * which: a message (its second byte: the character set agreed upon), a
 * DCE/RPC answer, or an Authorization header.  An account that comes out must
 * be one of the two forms, and come out again when it goes in. */

#include "mod_auth_ntlm/account.h"
#include "mod_auth_ntlm/dcerpc_auth.h"
#include "mod_auth_ntlm/ntlmssp.h"
#include "mod_auth_ntlm/token.h"
#include "lib/utf8.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_text(const char *text)
{
    const char *p;

    require(utf8_is_valid(text, strlen(text)));
    for (p = text; *p; p++) {
        require((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
}

static const account_domain_t *make_domain(apr_pool_t *pool)
{
    account_domain_t *domain = apr_palloc(pool, sizeof(*domain));

    domain->name = "EXAMPLE";
    domain->aliases = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(domain->aliases, const char *) = "example.test";
    return domain;
}

static void check_account(const char *account, const account_domain_t *domain,
                          apr_pool_t *pool)
{
    const char *name =
        strncmp(account, "EXAMPLE\\", 8) == 0 ? account + 8 : account;
    ntlmssp_authenticate_t again = {"", name, "", 24, 0};
    const char *same, *why;

    check_text(account);
    require(*name && (name != account || strchr(name, '@')));
    require(account_name(&same, &again, domain, &why, pool) == APR_SUCCESS);
    require(strcmp(same, account) == 0);
}

static void try_message(const uint8_t *data, size_t size, apr_uint32_t agreed,
                        apr_pool_t *pool)
{
    const account_domain_t *domain = make_domain(pool);
    ntlmssp_authenticate_t message;
    const char *account, *why = NULL;
    apr_uint32_t flags;
    ntlmssp_kind_t kind;

    if (ntlmssp_kind(&kind, data, size, &why) != APR_SUCCESS) {
        require(why != NULL);
    }
    ntlmssp_read_negotiate(&flags, data, size, &why);
    ntlmssp_read_challenge(&flags, data, size, &why);
    if (ntlmssp_read_authenticate(&message, data, size, agreed, &why, pool) !=
        APR_SUCCESS) {
        require(why != NULL);
        return;
    }
    check_text(message.domain);
    check_text(message.user);
    check_text(message.workstation);
    if (account_name(&account, &message, domain, &why, pool) == APR_SUCCESS) {
        require(message.nt_response_len > 0);
        check_account(account, domain, pool);
    }
}

static void try_answer(const uint8_t *data, size_t size)
{
    dcerpc_auth_answer_t answer;
    const char *why = NULL;
    apr_size_t needed;
    apr_status_t rv = dcerpc_auth_read(&answer, data, size, &needed, &why);

    if (rv == APR_INCOMPLETE) {
        require(needed > size && needed <= DCERPC_AUTH_FRAGMENT);
    }
    else if (rv == APR_SUCCESS && answer.token) {
        require(answer.token_len > 0 && answer.token > data &&
                answer.token + answer.token_len <= data + size);
    }
    else {
        require(rv == APR_SUCCESS || why != NULL);
    }
}

static void try_header(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    const char *header = apr_pstrmemdup(pool, (const char *)data, size);
    const unsigned char *token, *again;
    const char *why = NULL;
    apr_size_t len, again_len;

    token_scheme(header);
    token_ends_negotiation(header, pool);
    token_ends_negotiation(apr_pstrcat(pool, "Negotiate ", header, NULL), pool);
    if (token_decode(&token, &len, header, 300, &why, pool) != APR_SUCCESS) {
        require(why != NULL);
        return;
    }
    require(len > 0 && len <= 300);
    require(token_decode(&again, &again_len,
                         token_encode(TOKEN_NTLM, token, len, pool), 300, &why,
                         pool) == APR_SUCCESS);
    require(again_len == len && memcmp(again, token, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *global;
    apr_pool_t *pool;

    if (!global) {
        apr_initialize();
        apr_pool_create(&global, NULL);
    }
    if (size < 2) {
        return 0;
    }
    apr_pool_create(&pool, global);
    switch (data[0]) {
    case 'm':
        try_message(data + 2, size - 2, data[1] & 1, pool);
        break;
    case 'a':
        try_answer(data + 1, size - 1);
        break;
    case 'h':
        try_header(data + 1, size - 1, pool);
        break;
    default:
        break;
    }
    apr_pool_destroy(pool);
    return 0;
}
