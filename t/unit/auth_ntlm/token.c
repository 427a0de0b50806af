/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_auth_ntlm/token.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "t/unit/tap.h"

static const struct {
    const char *header;
    token_scheme_t scheme;
} schemes[] = {
    {NULL, TOKEN_NONE},
    {"NTLM TlRM", TOKEN_NTLM},
    {"ntlm TlRM", TOKEN_NTLM},
    {"NTLM", TOKEN_NTLM},
    {"NTLMv2 TlRM", TOKEN_OTHER},
    {"Basic YTpi", TOKEN_BASIC},
    {"BASIC YTpi", TOKEN_BASIC},
    {"Negotiate TlRM", TOKEN_OTHER},
    {"Negotiate", TOKEN_OTHER},
    {"Negotiate TlRMTVNTU", TOKEN_OTHER},
    {"Negotiate TlRMTVNTUAABAAAA", TOKEN_NEGOTIATE},
    {"negotiate  TlRMTVNTUAABAAAA", TOKEN_NEGOTIATE},
    {"Negotiate YIIBhgYGKwYBBQUC", TOKEN_OTHER},
    {"NegotiateTlRMTVNTUAABAAAA", TOKEN_OTHER},
    {"", TOKEN_OTHER},
    {" NTLM TlRM", TOKEN_OTHER},
    {"NTLM\tTlRM", TOKEN_OTHER},
};

/* clang-format off */
static const struct {
    const char *header;
    const char *token; /* NULL: refused */
} tokens[] = {
    {"NTLM TlRM", "NTL"},
    {"NTLM    TlRM", "NTL"},
    {"NTLM TlRM  ", "NTL"},
    {"NTLM TlQ=", "NT"},
    {"NTLM Tg==", "N"},
    {"NTLM", NULL},
    {"NTLM ", NULL},
    {"NTLM TlRM,", NULL},
    {"NTLM TlRM, NTLM TlRM", NULL},
    {"NTLM TlRM TlRM", NULL},
    {"NTLM Tl=RM", NULL},
    {"NTLM ====", NULL},
    {"NTLM T", NULL},
    {"NTLM T\xc3\xa4==", NULL},
    {"NTLM TlRM\n", NULL},
};
/* clang-format on */

static void test_schemes(void)
{
    apr_size_t i;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        is_int(token_scheme(schemes[i].header), schemes[i].scheme,
               schemes[i].header ? schemes[i].header : "no header");
    }
}

static void test_tokens(apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        const unsigned char *token = NULL;
        const char *why = NULL;
        apr_size_t len = 0;
        apr_status_t rv =
            token_decode(&token, &len, tokens[i].header, 100, &why, pool);

        if (tokens[i].token) {
            is_mem(token, rv == APR_SUCCESS ? len : 0, tokens[i].token,
                   strlen(tokens[i].token), tokens[i].header);
        }
        else {
            ok(rv == APR_EINVAL && why, "row %d is refused", (int)i);
        }
    }
}

static void test_lengths(apr_pool_t *pool)
{
    char *header = apr_pstrcat(pool, "NTLM ", NULL);
    const unsigned char *token;
    const char *why = NULL;
    apr_size_t len;
    int i;

    for (i = 0; i < 17; i++) {
        header = apr_pstrcat(pool, header, "AAAA", NULL);
    }
    ok(token_decode(&token, &len, header, 51, &why, pool) == APR_SUCCESS &&
           len == 51,
       "51 bytes of 51");
    ok(token_decode(&token, &len, header, 48, &why, pool) == APR_ENOSPC,
       "51 bytes of 48");
}

static void test_round_trip(apr_pool_t *pool)
{
    static const unsigned char bytes[] = {0, 0xff, 0x10, 0x80};
    const unsigned char *token = NULL;
    const char *why = NULL;
    apr_size_t len = 0;
    const char *header = token_encode(TOKEN_NTLM, bytes, sizeof(bytes), pool);

    is_str(header, "NTLM AP8QgA==", "encoded");
    token_decode(&token, &len, header, 100, &why, pool);
    is_mem(token, len, bytes, sizeof(bytes), "and back");
}

/* clang-format off */
static const struct {
    const char *header;
    int ends;
} answers[] = {
    {"Negotiate", 1},
    {"negotiate", 1},
    {"Negotiate oQcwBaADCgEC", 1},     /* reject */
    {"Negotiate oQkwB6ADCgECogA=", 1}, /* reject and a token */
    {"Negotiate oQcwBaADCgEB", 0},     /* go on */
    {"Negotiate oQcwBaADCgED", 0},     /* go on with a MIC */
    {"Negotiate oQcwBaADCgEA", 1},     /* done */
    {"Negotiate oYEIMIEFoAMKAQI=", 1}, /* lengths in their long form */
    {"Negotiate oYIACTCCAAWgAwoBAg==", 1},
    {"Negotiate oYMAAAkwggAFoAMKAQI=", 0},
    {"Negotiate oQcwBaADCg==", 0},
    {"Negotiate oYE=", 0},
    {"Negotiate oQcwBaADCgE=", 0},
    {"Negotiate oQ==", 0},
    {"Negotiate !", 0},
    {"Negotiate ", 0},
    {"NTLM", 0},
    {"Basic realm=\"Negotiate\"", 0},
    {"", 0},
};
/* clang-format on */

static void test_answers(apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        is_int(token_ends_negotiation(answers[i].header, pool), answers[i].ends,
               answers[i].header);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_schemes();
    test_tokens(pool);
    test_lengths(pool);
    test_round_trip(pool);
    test_answers(pool);
    apr_pool_destroy(pool);
    return done_testing();
}
