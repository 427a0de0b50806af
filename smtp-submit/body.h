/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_BODY_H
#define SUBMIT_BODY_H

/* What goes behind the header: read twice, once to see what it holds, once to
 * encode it, in constant memory. */

#include "message.h"

typedef struct body_t {
    int fd;          /* -1: empty */
    apr_off_t start; /* what is before it does not belong to the body */
    message_encoding_t encoding;
    const char *charset;
    int high;         /* holds bytes above 127 */
    const char *name; /* of an attachment */
} body_t;

/* Takes over `fd` (-1: nothing).  What is no regular file is copied to a
 * nameless file in DIR/tmp first.  0, or an errno value and a sentence. */
int body_open(body_t **body, int fd, const char *dir, const char **why,
              apr_pool_t *pool);

/* Copies `fd` to its end, or to a line that is a lone dot, to a nameless file in
 * DIR/tmp. */
int body_keep(int fd, int dot_ends, const char *dir, int *copy,
              apr_pool_t *pool);

/* The body that begins at `start` of a file that can be read again. */
int body_at(body_t **body, int fd, apr_off_t start, const char **why,
            apr_pool_t *pool);

/* The body alone, or with `boundary` as the first of several parts. */
int body_write(const body_t *body, const apr_array_header_t *attachments,
               const char *boundary, message_sink_t sink, void *baton,
               apr_pool_t *pool);

#endif
