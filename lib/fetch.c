/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "lib/fetch.h"

#include <apr_strings.h>
#include <curl/curl.h>
#include <string.h>

#define FIRST_ROOM 4096

/* One request on its way. */
typedef struct transfer_t {
    fetch_t *item;
    const fetch_limits_t *limits;
    CURL *easy;
    struct curl_slist *headers;
    char *data;
    apr_size_t room, len;
    int too_long, done;
    char error[CURL_ERROR_SIZE];
    apr_pool_t *pool;
} transfer_t;

typedef struct run_t {
    CURLM *multi;
    transfer_t *transfers;
    int count;
} run_t;

apr_status_t fetch_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? APR_SUCCESS
                                                             : APR_EGENERAL;
}

/* Grows by doubling, never beyond the limit. */
static size_t on_data(char *bytes, size_t size, size_t count, void *data)
{
    transfer_t *t = data;
    apr_size_t n = size * count;

    if (n > t->limits->max_bytes - t->len) {
        t->too_long = 1;
        return 0;
    }
    if (t->len + n + 1 > t->room) {
        apr_size_t room = t->room ? t->room : FIRST_ROOM;
        char *bigger;

        while (room < t->len + n + 1) {
            room *= 2;
        }
        bigger = apr_palloc(t->pool, room);
        if (t->len) {
            memcpy(bigger, t->data, t->len);
        }
        t->data = bigger;
        t->room = room;
    }
    memcpy(t->data + t->len, bytes, n);
    t->len += n;
    t->data[t->len] = '\0';
    return n;
}

static void set_request(transfer_t *t)
{
    const fetch_t *item = t->item;
    const char *const *h;

    curl_easy_setopt(t->easy, CURLOPT_URL, item->url);
    if (item->body) {
        curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, item->body);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)item->body_len);
    }
    if (item->method) {
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, item->method);
    }
    /* No wait for "100 Continue" from servers that never say it. */
    t->headers = curl_slist_append(NULL, "Expect:");
    for (h = item->headers; h && *h; h++) {
        t->headers = curl_slist_append(t->headers, *h);
    }
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    if (item->user) {
        curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(t->easy, CURLOPT_USERNAME, item->user);
        curl_easy_setopt(t->easy, CURLOPT_PASSWORD,
                         item->password ? item->password : "");
    }
}

static void set_fences(transfer_t *t)
{
    CURL *e = t->easy;

    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT,
                     1L); /* never waits for a resolver */
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS,
                     (long)apr_time_as_msec(t->limits->total));
    curl_easy_setopt(e, CURLOPT_USERAGENT, "Postern");
    if (t->limits->ca_file) {
        curl_easy_setopt(e, CURLOPT_CAINFO, t->limits->ca_file);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
}

static void fail(transfer_t *t, apr_status_t rv, const char *why)
{
    t->item->rv = rv;
    t->item->why = why;
    t->done = 1;
}

static void start(run_t *run, transfer_t *t)
{
    if (strncmp(t->item->url, "http://", 7) != 0 &&
        strncmp(t->item->url, "https://", 8) != 0) {
        fail(t, APR_EINVAL, "the URL is none of http or https");
        return;
    }
    t->easy = curl_easy_init();
    if (!t->easy) {
        fail(t, APR_ENOMEM, "out of memory");
        return;
    }
    set_request(t);
    set_fences(t);
    if (curl_multi_add_handle(run->multi, t->easy) != CURLM_OK) {
        fail(t, APR_ENOMEM, "out of memory");
    }
}

/* What became of a transfer that libcurl has finished with. */
static void finish(transfer_t *t, CURLcode code)
{
    fetch_t *item = t->item;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &item->status);
    if (code == CURLE_OK) {
        item->rv = APR_SUCCESS;
        item->data = t->data ? t->data : "";
        item->len = t->len;
        t->done = 1;
    }
    else if (t->too_long) {
        fail(t, APR_ENOSPC, "the answer is too long");
    }
    else if (code == CURLE_OPERATION_TIMEDOUT) {
        fail(t, APR_TIMEUP, "no answer in time");
    }
    else if (code == CURLE_URL_MALFORMAT) {
        fail(t, APR_EINVAL, "the URL is none of http or https");
    }
    else {
        fail(t, APR_EGENERAL,
             apr_pstrdup(t->pool,
                         *t->error ? t->error : curl_easy_strerror(code)));
    }
}

static void reap(run_t *run)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(run->multi, &left)) != NULL) {
        char *private = NULL;

        if (message->msg == CURLMSG_DONE) {
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
            finish((transfer_t *)private, message->data.result);
        }
    }
}

static apr_status_t clean_up(void *data)
{
    run_t *run = data;
    int i;

    for (i = 0; i < run->count; i++) {
        transfer_t *t = &run->transfers[i];

        if (t->easy) {
            curl_multi_remove_handle(run->multi, t->easy);
            curl_easy_cleanup(t->easy);
        }
        curl_slist_free_all(t->headers);
    }
    curl_multi_cleanup(run->multi);
    return APR_SUCCESS;
}

void fetch_all(fetch_t *items, int count, const fetch_limits_t *limits,
               apr_pool_t *pool)
{
    apr_time_t deadline = apr_time_now() + limits->total;
    run_t *run = apr_pcalloc(pool, sizeof(*run));
    int i, running = count;

    run->multi = curl_multi_init();
    run->transfers = apr_pcalloc(pool, (apr_size_t)count * sizeof(transfer_t));
    run->count = count;
    apr_pool_cleanup_register(pool, run, clean_up, apr_pool_cleanup_null);
    curl_multi_setopt(run->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      (long)limits->parallel);
    for (i = 0; i < count; i++) {
        transfer_t *t = &run->transfers[i];

        t->item = &items[i];
        t->limits = limits;
        t->pool = pool;
        start(run, t);
    }
    while (running > 0) {
        apr_interval_time_t left = deadline - apr_time_now();

        if (left <= 0 || curl_multi_perform(run->multi, &running) != CURLM_OK) {
            break;
        }
        reap(run);
        if (running > 0) {
            curl_multi_poll(run->multi, NULL, 0,
                            (int)apr_time_as_msec(left) + 1, NULL);
        }
    }
    reap(run);
    for (i = 0; i < count; i++) {
        if (!run->transfers[i].done) {
            finish(&run->transfers[i], CURLE_OPERATION_TIMEDOUT);
        }
    }
    apr_pool_cleanup_run(pool, run, clean_up);
}
