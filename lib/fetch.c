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
    int too_long, again, done;
    char error[CURL_ERROR_SIZE];
    apr_pool_t *pool;
} transfer_t;

typedef struct run_t {
    CURLM *multi;
    transfer_t *transfers;
    const fetch_limits_t *limits;
    int count, next; /* the next one to start */
    int active;      /* started, not done */
    apr_time_t deadline;
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

static void set_fences(transfer_t *t, apr_interval_time_t left)
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
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)apr_time_as_msec(left) + 1);
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
    set_fences(t, run->deadline - apr_time_now());
    if (curl_multi_add_handle(run->multi, t->easy) != CURLM_OK) {
        fail(t, APR_ENOMEM, "out of memory");
        return;
    }
    run->active++;
}

/* As many at a time as allowed.  CURLMOPT_MAX_TOTAL_CONNECTIONS would do that,
 * but of libcurl 7.88's own queue a transfer did not come out again in one of
 * 2,000 runs of 100. */
static void start_some(run_t *run)
{
    while (run->next < run->count && run->active < run->limits->parallel) {
        start(run, &run->transfers[run->next++]);
    }
}

/* A kept connection that the server closed in the moment of its next use: the
 * request has not been heard, so it is asked again on a new one. */
static int try_again(run_t *run, transfer_t *t, CURLcode code)
{
    long connects = 1;

    if (t->again || t->len || t->item->status ||
        (code != CURLE_RECV_ERROR && code != CURLE_SEND_ERROR &&
         code != CURLE_GOT_NOTHING)) {
        return 0;
    }
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    if (connects > 0) {
        return 0;
    }
    t->again = 1;
    curl_multi_remove_handle(run->multi, t->easy);
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    set_fences(t, run->deadline - apr_time_now());
    return curl_multi_add_handle(run->multi, t->easy) == CURLM_OK;
}

static void note_status(transfer_t *t)
{
    if (t->easy) {
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->item->status);
    }
}

/* What became of a transfer that libcurl has finished with. */
static void finish(transfer_t *t, CURLcode code)
{
    fetch_t *item = t->item;

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

/* Returns how many transfers ended, for good or to be tried again. */
static int reap(run_t *run)
{
    CURLMsg *message;
    int left, reaped = 0;

    while ((message = curl_multi_info_read(run->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        char *private = NULL;
        transfer_t *t;

        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        t = (transfer_t *)private;
        note_status(t);
        if (!try_again(run, t, code)) {
            finish(t, code);
            run->active--;
        }
        reaped++;
    }
    return reaped;
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

/* Until all are done or the deadline has come. */
static void run_all(run_t *run)
{
    int running;

    for (;;) {
        apr_interval_time_t left = run->deadline - apr_time_now();

        start_some(run);
        if (run->active == 0 || left <= 0 ||
            curl_multi_perform(run->multi, &running) != CURLM_OK) {
            return;
        }
        if (reap(run) == 0) {
            curl_multi_poll(run->multi, NULL, 0,
                            (int)apr_time_as_msec(left) + 1, NULL);
        }
    }
}

void fetch_all(fetch_t *items, int count, const fetch_limits_t *limits,
               apr_pool_t *pool)
{
    run_t *run = apr_pcalloc(pool, sizeof(*run));
    int i;

    run->multi = curl_multi_init();
    run->transfers = apr_pcalloc(pool, (apr_size_t)count * sizeof(transfer_t));
    run->count = count;
    run->limits = limits;
    run->deadline = apr_time_now() + limits->total;
    apr_pool_cleanup_register(pool, run, clean_up, apr_pool_cleanup_null);
    for (i = 0; i < count; i++) {
        run->transfers[i].item = &items[i];
        run->transfers[i].limits = limits;
        run->transfers[i].pool = pool;
    }
    run_all(run);
    for (i = 0; i < count; i++) {
        if (!run->transfers[i].done) {
            note_status(&run->transfers[i]);
            fail(&run->transfers[i], APR_TIMEUP, "no answer in time");
        }
    }
    apr_pool_cleanup_run(pool, run, clean_up);
}
