/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_autodiscover/signer.h"

#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

/* Writes a new key and its self-signed certificate to two files. */
static int make_pair(const char *certificate, const char *key, long from)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    FILE *file;
    int good;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), from);
    X509_gmtime_adj(X509_getm_notAfter(x), from + 3600);
    X509_set_pubkey(x, pair);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    good = X509_sign(x, pair, EVP_sha256()) > 0;
    file = fopen(certificate, "w");
    good = good && file && PEM_write_X509(file, x);
    fclose(file);
    file = fopen(key, "w");
    good = good && file &&
           PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(x);
    EVP_PKEY_free(pair);
    return good;
}

/* The content of signed data whose signature holds, or NULL. */
static const char *verified(const char *der, apr_size_t len, apr_pool_t *pool)
{
    const unsigned char *at = (const unsigned char *)der;
    PKCS7 *data = d2i_PKCS7(NULL, &at, (long)len);
    BIO *out = BIO_new(BIO_s_mem());
    const char *content = NULL;
    char *bytes;
    long n;

    if (data && PKCS7_verify(data, NULL, NULL, NULL, out,
                             PKCS7_NOVERIFY | PKCS7_BINARY) == 1) {
        n = BIO_get_mem_data(out, &bytes);
        content = apr_pstrmemdup(pool, bytes, (apr_size_t)n);
    }
    PKCS7_free(data);
    BIO_free(out);
    return content;
}

int main(void)
{
    static const char text[] = "<plist>\r\n\x01\xff</plist>\n";
    char dir[] = "/tmp/signerXXXXXX";
    const char *cert, *key, *other_cert, *other_key, *why = NULL, *der;
    discover_signer_t *signer;
    apr_pool_t *pool;
    apr_size_t len;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(mkdtemp(dir) != NULL, "a folder");
    cert = apr_pstrcat(pool, dir, "/cert", NULL);
    key = apr_pstrcat(pool, dir, "/key", NULL);
    other_cert = apr_pstrcat(pool, dir, "/other", NULL);
    other_key = apr_pstrcat(pool, dir, "/otherkey", NULL);
    ok(make_pair(cert, key, -1) && make_pair(other_cert, other_key, -1),
       "two pairs");

    is_int(discover_signer_load(&signer, cert, key, &why, pool), APR_SUCCESS,
           "a certificate and its key");
    is_int(
        discover_signer_sign(signer, text, sizeof(text) - 1, &der, &len, pool),
        APR_SUCCESS, "sign");
    is_int(discover_signer_is_current(signer), 1, "the certificate is valid");
    is_str(verified(der, len, pool), text, "and can be verified, byte by byte");
    ((char *)der)[len / 3] ^= 1;
    ok(!verified(der, len, pool) || strcmp(verified(der, len, pool), text) != 0,
       "until a bit is changed");
    is_int(discover_signer_load(&signer, cert, other_key, &why, pool),
           APR_EINVAL, "another's key");
    is_str(why, "the private key is not that of the certificate", "says so");
    is_int(discover_signer_load(&signer, key, key, &why, pool), APR_EINVAL,
           "no certificate");
    is_int(discover_signer_load(&signer, cert, cert, &why, pool), APR_EINVAL,
           "no key");
    is_int(discover_signer_load(&signer, dir, key, &why, pool), APR_EINVAL,
           "a folder");
    is_int(discover_signer_load(&signer, "/nonexistent", key, &why, pool),
           APR_ENOENT, "no file");
    ok(make_pair(cert, key, 1800) &&
           discover_signer_load(&signer, cert, key, &why, pool) ==
               APR_SUCCESS &&
           !discover_signer_is_current(signer),
       "one that is valid later");
    ok(make_pair(cert, key, -7200) &&
           discover_signer_load(&signer, cert, key, &why, pool) ==
               APR_SUCCESS &&
           !discover_signer_is_current(signer),
       "one that has expired");
    unlink(cert);
    unlink(key);
    unlink(other_cert);
    unlink(other_key);
    rmdir(dir);
    apr_terminate();
    return done_testing();
}
