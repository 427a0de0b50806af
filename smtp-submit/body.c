/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "body.h"
#include "disk.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 32768 };

static apr_status_t close_body(void *data)
{
    close(((body_t *)data)->fd);
    return APR_SUCCESS;
}

/* Copies what comes from `from` to a file without a name. */
static int keep(int from, const char *dir, int *to, apr_pool_t *pool)
{
    char piece[PIECE];
    ssize_t n;
    int rv = 0;

    *to = open(apr_pstrcat(pool, dir, "/tmp", NULL),
               O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*to < 0) {
        return errno;
    }
    while (!rv && (n = read(from, piece, sizeof(piece))) != 0) {
        if (n < 0) {
            rv = errno == EINTR ? 0 : errno;
        }
        else {
            rv = disk_write(*to, piece, (apr_size_t)n);
        }
    }
    if (rv) {
        close(*to);
        *to = -1;
    }
    return rv;
}

/* Calls `take` with the whole file, piece by piece. */
static int
each_piece(int fd, int (*take)(void *baton, const char *data, apr_size_t len),
           void *baton)
{
    char piece[PIECE];
    apr_off_t at = 0;
    ssize_t n;
    int rv = 0;

    while (!rv && (n = pread(fd, piece, sizeof(piece), at)) != 0) {
        if (n < 0) {
            return errno;
        }
        rv = take(baton, piece, (apr_size_t)n);
        at += n;
    }
    return rv;
}

static int scan(void *baton, const char *data, apr_size_t len)
{
    message_scan(baton, data, len);
    return 0;
}

int body_open(body_t **body, int fd, const char *dir, const char **why,
              apr_pool_t *pool)
{
    body_t *b = apr_pcalloc(pool, sizeof(*b));
    message_scan_t found = {0};
    struct stat st;
    int rv = 0;

    *body = b;
    b->fd = fd;
    b->charset = "us-ascii";
    if (fd < 0) {
        return 0;
    }
    if (fstat(fd, &st) != 0) {
        rv = errno;
    }
    else if (S_ISDIR(st.st_mode)) {
        rv = EISDIR;
    }
    else if (!S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_CUR) != 0) {
        int copy = -1;

        rv = keep(fd, dir, &copy, pool);
        close(fd);
        fd = b->fd = copy;
    }
    if (!rv) {
        apr_pool_cleanup_register(pool, b, close_body, apr_pool_cleanup_null);
        rv = each_piece(fd, scan, &found);
        b->encoding = message_scan_encoding(&found, &b->charset);
    }
    if (rv) {
        *why = apr_psprintf(pool, "%% Error: the message cannot be read: %s",
                            strerror(rv));
    }
    return rv;
}

static int encode(void *baton, const char *data, apr_size_t len)
{
    return message_encode(baton, data, len);
}

static int write_encoded(const body_t *b, int binary, message_sink_t sink,
                         void *baton)
{
    message_encoder_t encoder;
    int rv;

    message_encoder_init(&encoder, binary ? MESSAGE_BASE64 : b->encoding, sink,
                         baton);
    encoder.binary = binary;
    rv = b->fd < 0 ? 0 : each_piece(b->fd, encode, &encoder);
    return rv ? rv : message_encode_end(&encoder);
}

static int put(message_sink_t sink, void *baton, const char *text)
{
    return sink(baton, text, strlen(text));
}

static const char *part_header(const body_t *b, apr_pool_t *pool)
{
    static const char *const names[] = {"7bit", "quoted-printable", "base64"};
    const char *slash;

    if (!b->name) {
        return apr_pstrcat(
            pool, "Content-Type: text/plain; charset=", b->charset,
            "\r\nContent-Transfer-Encoding: ", names[b->encoding], "\r\n\r\n",
            NULL);
    }
    slash = strrchr(b->name, '/');
    return apr_pstrcat(
        pool, "Content-Type: application/octet-stream\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Disposition: attachment;\r\n ",
        message_parameter("filename", slash ? slash + 1 : b->name, pool),
        "\r\n\r\n", NULL);
}

static int write_part(const body_t *b, const char *boundary,
                      message_sink_t sink, void *baton, apr_pool_t *pool)
{
    int rv = put(
        sink, baton,
        apr_pstrcat(pool, "--", boundary, "\r\n", part_header(b, pool), NULL));

    rv = rv ? rv : write_encoded(b, b->name != NULL, sink, baton);
    return rv ? rv : put(sink, baton, "\r\n");
}

int body_write(const body_t *body, const apr_array_header_t *attachments,
               const char *boundary, message_sink_t sink, void *baton,
               apr_pool_t *pool)
{
    int i, rv;

    if (!boundary) {
        return write_encoded(body, 0, sink, baton);
    }
    rv = write_part(body, boundary, sink, baton, pool);
    for (i = 0; !rv && i < attachments->nelts; i++) {
        rv = write_part(APR_ARRAY_IDX(attachments, i, const body_t *), boundary,
                        sink, baton, pool);
    }
    return rv ? rv
              : put(sink, baton,
                    apr_pstrcat(pool, "--", boundary, "--\r\n", NULL));
}
