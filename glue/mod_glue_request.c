/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Body in, document out, path compare: the request half of mod_glue.h. */

#include "glue/mod_glue.h"

#include "lib/log.h"

#include <apr_buckets.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

APLOG_USE_MODULE(core);

/* Appends the data of `bb` to `body`.  *done is set at the end of the body. */
static apr_status_t append(apr_bucket_brigade *bb, char **body, apr_size_t *len,
                           apr_size_t max, int *done)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t n;
        apr_status_t rv;

        if (APR_BUCKET_IS_EOS(b)) {
            *done = 1;
            return APR_SUCCESS;
        }
        if (APR_BUCKET_IS_METADATA(b)) {
            continue;
        }
        rv = apr_bucket_read(b, &data, &n, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (n > max - *len) {
            return APR_ENOSPC;
        }
        memcpy(*body + *len, data, n);
        *len += n;
    }
    return APR_SUCCESS;
}

/* The Content-Length, or -1 when there is none that counts. */
static apr_off_t announced_length(request_rec *r)
{
    const char *text = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length;
    char *end;

    if (!text || apr_strtoff(&length, text, &end, 10) != APR_SUCCESS || *end) {
        return -1;
    }
    return length;
}

static int too_large(request_rec *r, apr_size_t max)
{
    ap_log_rerror(
        APLOG_MARK, APLOG_INFO, 0, r,
        PN(19001) "request body is larger than %" APR_SIZE_T_FMT " bytes", max);
    return HTTP_REQUEST_ENTITY_TOO_LARGE;
}

int glue_read_body(request_rec *r, apr_size_t max, const char **bytes,
                   apr_size_t *len)
{
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_off_t announced = announced_length(r);
    char *body;
    apr_status_t rv = APR_SUCCESS;
    int done = 0;

    *len = 0;
    if (announced > (apr_off_t)max) {
        return too_large(r, max); /* before anything is read */
    }
    if (announced >= 0 && !apr_table_get(r->headers_in, "Content-Encoding")) {
        max = (apr_size_t)announced; /* no more can come, none is set aside */
    }
    *bytes = body = apr_palloc(r->pool, max + 1);
    while (rv == APR_SUCCESS && !done) {
        rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                            APR_BLOCK_READ, HUGE_STRING_LEN);
        if (rv == APR_SUCCESS) {
            rv = append(bb, &body, len, max, &done);
        }
        apr_brigade_cleanup(bb);
    }
    body[*len] = '\0';
    if (rv == APR_ENOSPC) {
        return too_large(r, max);
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, rv, r,
                      PN(19002) "request body could not be read");
        return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
    }
    return OK;
}

int glue_send(request_rec *r, const char *content_type, const char *bytes,
              apr_size_t len)
{
    conn_rec *c = r->connection;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, c->bucket_alloc);
    apr_bucket *b;

    ap_set_content_type(r, content_type);
    ap_set_content_length(r, (apr_off_t)len);
    apr_table_setn(r->headers_out, "Cache-Control", "private, no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    b = apr_bucket_pool_create(bytes, len, r->pool, c->bucket_alloc);
    APR_BRIGADE_INSERT_TAIL(bb, b);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(c->bucket_alloc));
    return ap_pass_brigade(r->output_filters, bb) == APR_SUCCESS ? OK : DONE;
}

/* httpd writes the Allow header of a 405 itself, from r->allowed. */
int glue_method_not_allowed(request_rec *r, const char *allowed)
{
    char *rest, *word;
    char *words = apr_pstrdup(r->pool, allowed);

    ap_clear_method_list(r->allowed_methods);
    r->allowed = 0;
    for (word = apr_strtok(words, ", ", &rest); word;
         word = apr_strtok(NULL, ", ", &rest)) {
        ap_allow_methods(r, MERGE_ALLOW, word, NULL);
    }
    return HTTP_METHOD_NOT_ALLOWED;
}

int glue_path_is(const request_rec *r, const char *path)
{
    return r->uri && ap_cstr_casecmp(r->uri, path) == 0;
}
