/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "check_http.h"

#include <apr_strings.h>
#include <curl/curl.h>
#include <string.h>

/* One request on its way. */
typedef struct exchange_t {
    CURL *easy;
    struct curl_slist *headers, *connect;
    char *body;
    apr_size_t len;
    char error[CURL_ERROR_SIZE];
} exchange_t;

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    exchange_t *x = data;
    apr_size_t n = size * count;

    if (n > CHECK_HTTP_MAX - x->len) {
        return 0;
    }
    memcpy(x->body + x->len, bytes, n);
    x->len += n;
    return n;
}

static apr_status_t free_exchange(void *data)
{
    exchange_t *x = data;

    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    curl_slist_free_all(x->connect);
    return APR_SUCCESS;
}

/* The port of --connect is that of HTTPS; plain HTTP keeps its own. */
static void connect_to(exchange_t *x, const char *where, apr_pool_t *pool)
{
    const char *colon = strrchr(where, ':');
    const char *host =
        colon ? apr_pstrmemdup(pool, where, (apr_size_t)(colon - where))
              : where;

    x->connect = curl_slist_append(
        x->connect,
        apr_pstrcat(pool, ":443:", host, ":", colon ? colon + 1 : "443", NULL));
    x->connect = curl_slist_append(
        x->connect, apr_pstrcat(pool, ":80:", host, ":80", NULL));
    curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, x->connect);
}

static void prepare(exchange_t *x, const check_net_t *net,
                    const check_request_t *request, apr_pool_t *pool)
{
    curl_easy_setopt(x->easy, CURLOPT_URL, request->url);
    curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->easy, CURLOPT_TIMEOUT, (long)net->timeout);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "autodiscover-check");
    if (net->ca_file) {
        curl_easy_setopt(x->easy, CURLOPT_CAINFO, net->ca_file);
    }
    if (net->connect) {
        connect_to(x, net->connect, pool);
    }
    if (request->body) {
        x->headers = curl_slist_append(x->headers,
                                       "Content-Type: text/xml; charset=utf-8");
        x->headers =
            curl_slist_append(x->headers, "X-ClientCanHandle: ExHttpInfo");
        x->headers = curl_slist_append(x->headers, "X-MapiHttpCapability: 1");
        curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, request->body);
    }
    if (request->user && request->password) {
        curl_easy_setopt(x->easy, CURLOPT_USERNAME, request->user);
        curl_easy_setopt(x->easy, CURLOPT_PASSWORD, request->password);
        curl_easy_setopt(x->easy, CURLOPT_HTTPAUTH,
                         (long)(CURLAUTH_BASIC | CURLAUTH_NTLM));
    }
}

/* A header of any answer on the way, so of the 401 too; or NULL. */
static const char *header_of(exchange_t *x, const char *name, apr_pool_t *pool)
{
    struct curl_header *header;
    int request;

    for (request = 0; request < 3; request++) {
        if (curl_easy_header(x->easy, name, 0, CURLH_HEADER, request,
                             &header) == CURLHE_OK) {
            return apr_pstrdup(pool, header->value);
        }
    }
    return NULL;
}

int check_http_ask(const check_net_t *net, const check_request_t *request,
                   verdict_reply_t *reply, apr_pool_t *pool)
{
    exchange_t *x = apr_pcalloc(pool, sizeof(*x));
    CURLcode rc;

    memset(reply, 0, sizeof(*reply));
    x->easy = curl_easy_init();
    x->body = apr_palloc(pool, CHECK_HTTP_MAX + 1);
    apr_pool_cleanup_register(pool, x, free_exchange, apr_pool_cleanup_null);
    reply->bytes = "";
    reply->why = "out of memory";
    if (!x->easy) {
        return 0;
    }
    prepare(x, net, request, pool);
    rc = curl_easy_perform(x->easy);
    if (rc != CURLE_OK) {
        reply->why =
            apr_pstrdup(pool, *x->error ? x->error : curl_easy_strerror(rc));
        return rc == CURLE_PEER_FAILED_VERIFICATION;
    }
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &reply->status);
    reply->why = NULL;
    reply->location = header_of(x, "Location", pool);
    reply->login = header_of(x, "WWW-Authenticate", pool);
    reply->announces_soap = header_of(x, "X-SOAP-Enabled", pool);
    reply->len = x->len;
    reply->bytes = apr_pstrmemdup(pool, x->body, x->len);
    return 0;
}
