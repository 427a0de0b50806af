/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "secret.h"
#include "disk.h"

#include <apr_base64.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NONCE_BYTES = 12, TAG_BYTES = 16 };

/* Binds a blob to its use. */
static const unsigned char purpose[] = "smtp-submit password 8";

const char *secret_key_path(const submit_config_t *config, apr_pool_t *pool)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    apr_size_t len = config->path ? strlen(config->path) : 0;

    if (credentials) {
        const char *path =
            apr_pstrcat(pool, credentials, "/smtp-submit.key", NULL);

        if (access(path, R_OK) == 0) {
            return path;
        }
    }
    if (config->secret_key) {
        return config->secret_key;
    }
    if (len > 5 && strcmp(config->path + len - 5, ".conf") == 0) {
        len -= 5;
    }
    return apr_pstrcat(pool, apr_pstrmemdup(pool, config->path, len), ".key",
                       NULL);
}

static apr_status_t make_key(const char *path, apr_pool_t *pool)
{
    unsigned char key[SECRET_KEY_BYTES];
    char text[64];
    int fd, rv;

    if (RAND_bytes(key, sizeof(key)) != 1) {
        return APR_EGENERAL;
    }
    apr_base64_encode_binary(text, key, sizeof(key));
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ? APR_SUCCESS : errno;
    }
    rv = disk_write(fd, text, strlen(text));
    rv = rv ? rv : disk_write(fd, "\n", 1);
    rv = !rv && fsync(fd) != 0 ? errno : rv;
    close(fd);
    return rv ? rv : disk_sync_parent(path, pool);
}

apr_status_t secret_key_load(unsigned char key[SECRET_KEY_BYTES],
                             const char *path, int make, const char **why,
                             apr_pool_t *pool)
{
    unsigned char raw[128];
    const char *text;
    int rv = disk_read(path, 80, &text, NULL, pool);

    if (rv == ENOENT && make && (rv = make_key(path, pool)) == 0) {
        rv = disk_read(path, 80, &text, NULL, pool);
    }
    if (rv) {
        *why =
            apr_psprintf(pool, "%% Error: key file %s: %s", path, strerror(rv));
        return rv;
    }
    text = apr_pstrmemdup(pool, text, strcspn(text, "\r\n"));
    if (strlen(text) != 44 ||
        apr_base64_decode_binary(raw, text) != SECRET_KEY_BYTES) {
        *why = apr_psprintf(pool, "%% Error: key file %s holds no key", path);
        return APR_EINVAL;
    }
    memcpy(key, raw, SECRET_KEY_BYTES);
    return APR_SUCCESS;
}

static apr_status_t end_cipher(void *cipher)
{
    EVP_CIPHER_CTX_free(cipher);
    return APR_SUCCESS;
}

static EVP_CIPHER_CTX *new_cipher(apr_pool_t *pool)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

    if (cipher) {
        apr_pool_cleanup_register(pool, cipher, end_cipher,
                                  apr_pool_cleanup_null);
    }
    return cipher;
}

apr_status_t secret_seal(const char **blob,
                         const unsigned char key[SECRET_KEY_BYTES],
                         const char *password, apr_pool_t *pool)
{
    EVP_CIPHER_CTX *cipher = new_cipher(pool);
    int len = (int)strlen(password), n, total = NONCE_BYTES + len + TAG_BYTES;
    unsigned char *raw = apr_palloc(pool, (apr_size_t)total + 32);
    unsigned char *text = raw + NONCE_BYTES;
    char *encoded = apr_palloc(pool, (apr_size_t)total * 2 + 8);

    if (len > SECRET_MAX || !cipher || RAND_bytes(raw, NONCE_BYTES) != 1 ||
        EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, raw) != 1 ||
        EVP_EncryptUpdate(cipher, NULL, &n, purpose, sizeof(purpose)) != 1 ||
        EVP_EncryptUpdate(cipher, text, &n, (const unsigned char *)password,
                          len) != 1 ||
        EVP_EncryptFinal_ex(cipher, text + n, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
                            text + len) != 1) {
        return APR_EGENERAL;
    }
    apr_base64_encode_binary(encoded, raw, total);
    *blob = encoded;
    return APR_SUCCESS;
}

static int decrypt(EVP_CIPHER_CTX *cipher, const unsigned char *key,
                   unsigned char *raw, int len, unsigned char *out)
{
    int n;

    return cipher &&
           EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, raw) == 1 &&
           EVP_DecryptUpdate(cipher, NULL, &n, purpose, sizeof(purpose)) == 1 &&
           EVP_DecryptUpdate(cipher, out, &n, raw + NONCE_BYTES, len) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES,
                               raw + NONCE_BYTES + len) == 1 &&
           EVP_DecryptFinal_ex(cipher, out + n, &n) == 1;
}

apr_status_t secret_open(const char **password,
                         const unsigned char key[SECRET_KEY_BYTES],
                         const char *blob, const char **why, apr_pool_t *pool)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/=";
    unsigned char *raw, *out;
    apr_size_t size = strlen(blob);
    int len;

    *why = "% Error: the password after 8 is not one that this key sealed";
    if (size > 2 * SECRET_MAX || blob[strspn(blob, letters)]) {
        return APR_EINVAL;
    }
    raw = apr_palloc(pool, size + 8);
    len = apr_base64_decode_binary(raw, blob) - NONCE_BYTES - TAG_BYTES;
    if (len < 0) {
        return APR_EINVAL;
    }
    out = apr_pcalloc(pool, (apr_size_t)len + 32);
    if (!decrypt(new_cipher(pool), key, raw, len, out) ||
        memchr(out, '\0', (apr_size_t)len)) {
        return APR_EINVAL;
    }
    out[len] = '\0';
    *password = (const char *)out;
    return APR_SUCCESS;
}

/* The first line of what `command` prints. */
static apr_status_t ask_program(const char **password, const char *command,
                                const char **why, apr_pool_t *pool)
{
    char **argv;
    apr_procattr_t *attributes;
    apr_proc_t process;
    apr_exit_why_e end;
    apr_size_t n = 0;
    char *out = apr_palloc(pool, SECRET_MAX + 1);
    int status;

    *why = "% Error: the password command failed";
    if (apr_tokenize_to_argv(command, &argv, pool) != APR_SUCCESS ||
        apr_procattr_create(&attributes, pool) != APR_SUCCESS ||
        apr_procattr_io_set(attributes, APR_NO_PIPE, APR_FULL_BLOCK,
                            APR_NO_PIPE) != APR_SUCCESS ||
        apr_proc_create(&process, argv[0], (const char *const *)argv, NULL,
                        attributes, pool) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    apr_file_read_full(process.out, out, SECRET_MAX, &n);
    apr_file_close(process.out);
    apr_proc_wait(&process, &status, &end, APR_WAIT);
    if (end != APR_PROC_EXIT || status != 0) {
        return APR_EGENERAL;
    }
    out[n] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    *password = out;
    return APR_SUCCESS;
}

static apr_status_t read_password_file(const char **password, const char *path,
                                       const char **why, apr_pool_t *pool)
{
    const char *text;
    int rv = disk_read(path, SECRET_MAX, &text, NULL, pool);

    if (rv) {
        *why = apr_psprintf(pool, "%% Error: password file %s: %s", path,
                            strerror(rv));
        return rv;
    }
    *password = apr_pstrmemdup(pool, text, strcspn(text, "\r\n"));
    return APR_SUCCESS;
}

apr_status_t secret_password(const char **password,
                             const submit_config_t *config, const char **why,
                             apr_pool_t *pool)
{
    unsigned char key[SECRET_KEY_BYTES];
    apr_status_t rv;

    *password = NULL;
    if (config->sealed) {
        rv = secret_key_load(key, secret_key_path(config, pool), 0, why, pool);
        return rv ? rv : secret_open(password, key, config->sealed, why, pool);
    }
    if (config->password_file) {
        return read_password_file(password, config->password_file, why, pool);
    }
    if (config->password_command) {
        return ask_program(password, config->password_command, why, pool);
    }
    *password = config->password;
    return APR_SUCCESS;
}

apr_status_t secret_hide(submit_config_t *config, const char **why,
                         apr_pool_t *pool)
{
    unsigned char key[SECRET_KEY_BYTES];
    apr_status_t rv;

    if (!config->password) {
        return APR_SUCCESS;
    }
    rv = secret_key_load(key, secret_key_path(config, pool), 1, why, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *why = "% Error: the password cannot be encrypted";
    rv = secret_seal(&config->sealed, key, config->password, pool);
    if (rv == APR_SUCCESS) {
        config->password = NULL;
    }
    return rv;
}
