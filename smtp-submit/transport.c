/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "transport.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_SECONDS = 10 };

struct transport_t {
    CURL *curl;
    curl_socket_t socket;
    reply_offers_t offers;
    const char *last; /* the server's last line */
    const char *greeting;
    int loopback_only; /* the password would cross the network in clear */
    int proxied;       /* whatever address we connect to */
    int kept_off;      /* and so did not */
    char error[CURL_ERROR_SIZE];
    const report_t *log;
    apr_pool_t *pool;
};

static apr_status_t cleanup(void *data)
{
    transport_t *t = data;

    if (t->curl) {
        curl_easy_cleanup(t->curl);
        t->curl = NULL;
    }
    return APR_SUCCESS;
}

/* Each line the server sends before we take over.  Offers made before TLS are
 * forgotten with the 220 that starts it (RFC 3207 section 4.2). */
static size_t on_line(char *line, size_t size, size_t count, void *data)
{
    transport_t *t = data;
    size_t len = size * count;
    char *text = apr_pstrmemdup(t->pool, line, len);

    text[strcspn(text, "\r\n")] = '\0';
    t->last = text;
    if (len >= 4 && memcmp(line, "220", 3) == 0) {
        memset(&t->offers, 0, sizeof(t->offers));
        t->greeting = t->greeting ? t->greeting : text;
    }
    if (len > 4 && memcmp(line, "250", 3) == 0) {
        reply_offer(&t->offers, line + 4, len - 4, t->pool);
    }
    return len;
}

static int is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;

        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)address;

        return IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
    }
    return address->sa_family == AF_UNIX;
}

static curl_socket_t on_socket(void *data, curlsocktype purpose,
                               struct curl_sockaddr *address)
{
    transport_t *t = data;

    (void)purpose;
    if (t->loopback_only && (t->proxied || !is_loopback(&address->addr))) {
        t->kept_off = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

/* The dialogue, for "debug mail"; what is said for AUTH is left out. */
static int on_debug(CURL *curl, curl_infotype type, char *data, size_t size,
                    void *baton)
{
    transport_t *t = baton;
    const char *text = apr_pstrmemdup(t->pool, data, size);
    int plain = size < 5 ||
                (apr_isdigit(data[0]) && memcmp(data, "334", 3) != 0) ||
                memcmp(data, "EHLO", 4) == 0 || memcmp(data, "STAR", 4) == 0;

    (void)curl;
    if (type == CURLINFO_HEADER_IN || type == CURLINFO_HEADER_OUT) {
        report(t->log, LOG_DEBUG, "%s %.*s",
               type == CURLINFO_HEADER_IN ? "<" : ">",
               plain ? (int)strcspn(text, "\r\n") : 3, plain ? text : "***");
    }
    return 0;
}

static const char *url_of(const submit_config_t *config, const char *host,
                          apr_pool_t *pool)
{
    int bare6 = strchr(host, ':') && host[0] != '[';

    return apr_psprintf(
        pool, "%s://%s%s%s:%d/%s",
        config->tls && strcmp(config->tls, "smtps") == 0 ? "smtps" : "smtp",
        bare6 ? "[" : "", host, bare6 ? "]" : "", submit_config_port(config),
        submit_config_hostname(config, pool));
}

static void set_tls(CURL *curl, const submit_config_t *config)
{
    int starttls = config->tls && strcmp(config->tls, "starttls") == 0;

    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     (long)(starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (config->no_verify) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (config->ca_file) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (config->pin) {
        curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, config->pin);
    }
    if (config->certificate) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, config->certificate);
    }
}

static void set_auth(transport_t *t, const submit_config_t *config,
                     const char *password)
{
    static const struct {
        const char *method, *options;
        int reveals; /* the password itself crosses the line */
    } methods[] = {
        {"crammd5", "AUTH=CRAM-MD5", 0},
        {"login", "AUTH=LOGIN", 1},
        {"plain", "AUTH=PLAIN", 1},
        {"xoauth2", "AUTH=XOAUTH2", 1},
    };
    size_t i;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].method, config->method) == 0) {
            curl_easy_setopt(t->curl, CURLOPT_LOGIN_OPTIONS,
                             methods[i].options);
            t->loopback_only =
                methods[i].reveals && !config->tls && !config->cleartext_auth;
        }
    }
    curl_easy_setopt(t->curl, CURLOPT_USERNAME, config->username);
    curl_easy_setopt(t->curl, CURLOPT_SASL_IR, 1L);
    if (strcmp(config->method, "xoauth2") == 0) {
        curl_easy_setopt(t->curl, CURLOPT_XOAUTH2_BEARER, password);
    }
    else {
        curl_easy_setopt(t->curl, CURLOPT_PASSWORD, password);
    }
}

static void set_all(transport_t *t, const submit_config_t *config,
                    const char *host, const char *password)
{
    long seconds = submit_config_seconds(config->timeout, CONNECT_SECONDS);
    CURL *curl = t->curl;

    curl_easy_setopt(curl, CURLOPT_URL, url_of(config, host, t->pool));
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, config->proxy ? config->proxy : "");
    if (config->unix_socket) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, config->unix_socket);
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, seconds * 1000);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, t);
    if (t->log->debug) {
        curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
        curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
        curl_easy_setopt(curl, CURLOPT_DEBUGDATA, t);
    }
    set_tls(curl, config);
    if (config->method) {
        set_auth(t, config, password);
    }
}

/* What a failed connect means, by libcurl's code. */
static const struct {
    CURLcode code;
    transport_outcome_t outcome;
    const char *text;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, TRANSPORT_DOWN,
     "the name of the server cannot be resolved"},
    {CURLE_COULDNT_CONNECT, TRANSPORT_DOWN, "the server cannot be reached"},
    {CURLE_OPERATION_TIMEDOUT, TRANSPORT_DOWN, "the server does not answer"},
    {CURLE_USE_SSL_FAILED, TRANSPORT_TLS, "the server offers no STARTTLS"},
    {CURLE_PEER_FAILED_VERIFICATION, TRANSPORT_TLS,
     "the server's certificate is not accepted"},
    {CURLE_SSL_CONNECT_ERROR, TRANSPORT_TLS, "TLS cannot be established"},
    {CURLE_SSL_CACERT_BADFILE, TRANSPORT_TLS, "the CA file cannot be read"},
    {CURLE_SSL_CERTPROBLEM, TRANSPORT_TLS, "our certificate cannot be used"},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, TRANSPORT_TLS,
     "the server's key is not the pinned one"},
    {CURLE_LOGIN_DENIED, TRANSPORT_AUTH, "the login was refused"},
    {CURLE_AUTH_ERROR, TRANSPORT_AUTH, "the login failed"},
};

static transport_outcome_t explain(const transport_t *t, CURLcode code,
                                   const char **why)
{
    const char *detail = t->error[0] ? t->error : curl_easy_strerror(code);
    size_t i;

    if (t->kept_off) {
        *why = "the password may not be sent without TLS; configure "
               "\"mail smtpserver tls\" or authentication crammd5";
        return TRANSPORT_REFUSED;
    }
    if (code == CURLE_USE_SSL_FAILED && t->offers.starttls) {
        *why = "the server writes STARTTLS in small letters, which this "
               "version of libcurl does not understand; use tls smtps";
        return TRANSPORT_TLS;
    }
    for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        if (failures[i].code == code) {
            *why = apr_psprintf(t->pool, "%s (%s)", failures[i].text,
                                code == CURLE_LOGIN_DENIED && t->last ? t->last
                                                                      : detail);
            return failures[i].outcome;
        }
    }
    *why = apr_psprintf(t->pool, "the server cannot be used (%s)",
                        t->last ? t->last : detail);
    return TRANSPORT_DOWN;
}

/* 235 is the only proof that AUTH took place: a server that offers none lets
 * libcurl through without it. */
static transport_outcome_t check_auth(const transport_t *t,
                                      const submit_config_t *config,
                                      const char **why)
{
    long code = 0;

    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
    if (config->method && code != 235) {
        *why = t->offers.auth ? apr_psprintf(t->pool,
                                             "the server does not offer this "
                                             "authentication, only %s",
                                             t->offers.auth)
                              : "the server offers no authentication";
        return TRANSPORT_AUTH;
    }
    return TRANSPORT_OK;
}

transport_outcome_t transport_open(transport_t **transport,
                                   const submit_config_t *config,
                                   const char *host, const char *password,
                                   const report_t *log, const char **why,
                                   apr_pool_t *pool)
{
    transport_t *t = apr_pcalloc(pool, sizeof(*t));
    transport_outcome_t outcome;
    CURLcode code;

    t->pool = pool;
    t->log = log;
    t->proxied = config->proxy != NULL;
    t->curl = curl_easy_init();
    if (!t->curl) {
        *why = "out of memory";
        return TRANSPORT_DOWN;
    }
    apr_pool_cleanup_register(pool, t, cleanup, apr_pool_cleanup_null);
    set_all(t, config, host, password);
    report(log, LOG_DEBUG, "Creating connection to host (%s:%d)", host,
           submit_config_port(config));
    code = curl_easy_perform(t->curl);
    outcome =
        code == CURLE_OK ? check_auth(t, config, why) : explain(t, code, why);
    if (outcome == TRANSPORT_OK &&
        curl_easy_getinfo(t->curl, CURLINFO_ACTIVESOCKET, &t->socket) !=
            CURLE_OK) {
        *why = "the connection was lost";
        outcome = TRANSPORT_DOWN;
    }
    if (outcome != TRANSPORT_OK) {
        transport_close(t);
        return outcome;
    }
    if (config->no_chunking) {
        t->offers.chunking = 0;
    }
    if (config->method) {
        report(log, LOG_DEBUG, "Authentication succeeded [%s]",
               config->username);
    }
    *transport = t;
    return TRANSPORT_OK;
}

const reply_offers_t *transport_offers(const transport_t *t)
{
    return &t->offers;
}

const char *transport_describe(const transport_t *t, apr_pool_t *pool)
{
    char *ip = NULL;

    curl_easy_getinfo(t->curl, CURLINFO_PRIMARY_IP, &ip);
    return apr_pstrcat(pool, ip ? ip : "", ": ", t->greeting ? t->greeting : "",
                       NULL);
}

static apr_status_t wait_for(const transport_t *t, short events, int seconds)
{
    struct pollfd one = {t->socket, events, 0};
    int rv;

    do {
        rv = poll(&one, 1, seconds * 1000);
    } while (rv < 0 && errno == EINTR);
    return rv < 0 ? errno : rv == 0 ? APR_TIMEUP : APR_SUCCESS;
}

apr_status_t transport_send(transport_t *t, const char *data, apr_size_t len,
                            int seconds)
{
    while (len > 0) {
        size_t n = 0;
        CURLcode code = curl_easy_send(t->curl, data, len, &n);
        apr_status_t rv;

        if (code == CURLE_AGAIN) {
            rv = wait_for(t, POLLOUT, seconds);
            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
        else if (code != CURLE_OK) {
            return APR_ECONNRESET;
        }
        data += n;
        len -= n;
    }
    return APR_SUCCESS;
}

apr_status_t transport_receive(transport_t *t, char *room, apr_size_t size,
                               apr_size_t *len, int seconds)
{
    for (;;) {
        size_t n = 0;
        CURLcode code = curl_easy_recv(t->curl, room, size, &n);
        apr_status_t rv;

        if (code == CURLE_OK) {
            *len = n;
            return n > 0 ? APR_SUCCESS : APR_EOF;
        }
        if (code != CURLE_AGAIN) {
            return APR_ECONNRESET;
        }
        rv = wait_for(t, POLLIN, seconds);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
}

void transport_close(transport_t *t)
{
    apr_pool_cleanup_run(t->pool, t, cleanup);
}
