/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "signer.h"

#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

struct discover_signer_t {
    X509 *certificate;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* the certificates behind the first */
};

static apr_status_t free_signer(void *data)
{
    discover_signer_t *s = data;

    X509_free(s->certificate);
    EVP_PKEY_free(s->key);
    sk_X509_pop_free(s->chain, X509_free);
    return APR_SUCCESS;
}

/* Instead of a question on the terminal. */
static int no_passphrase(char *buffer, int size, int is_writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)data;
    return -1;
}

static apr_status_t read_certificates(discover_signer_t *s, BIO *file)
{
    X509 *next;

    s->certificate = PEM_read_bio_X509(file, NULL, no_passphrase, NULL);
    while (s->certificate &&
           (next = PEM_read_bio_X509(file, NULL, no_passphrase, NULL))) {
        if (!sk_X509_push(s->chain, next)) {
            X509_free(next);
            return APR_EINVAL;
        }
    }
    return s->certificate ? APR_SUCCESS : APR_EINVAL;
}

static apr_status_t read_file(discover_signer_t *s, const char *path,
                              int is_key, const char **why)
{
    BIO *file = BIO_new_file(path, "r");
    apr_status_t rv;

    if (!file) {
        *why = "the file cannot be opened";
        return APR_ENOENT;
    }
    if (is_key) {
        s->key = PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL);
        rv = s->key ? APR_SUCCESS : APR_EINVAL;
        *why = "the file holds no private key without passphrase";
    }
    else {
        rv = read_certificates(s, file);
        *why = "the file holds no certificate";
    }
    BIO_free(file);
    return rv;
}

apr_status_t discover_signer_load(discover_signer_t **signer,
                                  const char *certificate, const char *key,
                                  const char **why, apr_pool_t *pool)
{
    discover_signer_t *s = apr_pcalloc(pool, sizeof(*s));
    apr_status_t rv;

    s->chain = sk_X509_new_null();
    apr_pool_cleanup_register(pool, s, free_signer, apr_pool_cleanup_null);
    rv = read_file(s, certificate, 0, why);
    if (rv == APR_SUCCESS) {
        rv = read_file(s, key, 1, why);
    }
    if (rv == APR_SUCCESS &&
        X509_check_private_key(s->certificate, s->key) != 1) {
        *why = "the private key is not that of the certificate";
        rv = APR_EINVAL;
    }
    ERR_clear_error();
    *signer = s;
    return rv;
}

/* The DER form of `signed_data`, in the pool. */
static apr_status_t encode(PKCS7 *signed_data, const char **out,
                           apr_size_t *out_len, apr_pool_t *pool)
{
    unsigned char *der = NULL;
    int len = i2d_PKCS7(signed_data, &der);

    if (len <= 0) {
        return APR_EGENERAL;
    }
    *out = apr_pmemdup(pool, der, (apr_size_t)len);
    *out_len = (apr_size_t)len;
    OPENSSL_free(der);
    return APR_SUCCESS;
}

int discover_signer_is_current(const discover_signer_t *s)
{
    return X509_cmp_current_time(X509_get0_notBefore(s->certificate)) < 0 &&
           X509_cmp_current_time(X509_get0_notAfter(s->certificate)) > 0;
}

apr_status_t discover_signer_sign(const discover_signer_t *s, const char *bytes,
                                  apr_size_t len, const char **out,
                                  apr_size_t *out_len, apr_pool_t *pool)
{
    BIO *in = len <= APR_INT32_MAX ? BIO_new_mem_buf(bytes, (int)len) : NULL;
    PKCS7 *signed_data =
        in ? PKCS7_sign(s->certificate, s->key, s->chain, in, PKCS7_BINARY)
           : NULL;
    apr_status_t rv =
        signed_data ? encode(signed_data, out, out_len, pool) : APR_EGENERAL;

    PKCS7_free(signed_data);
    BIO_free(in);
    ERR_clear_error();
    return rv;
}
