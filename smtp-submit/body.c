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

/* Where a lone dot ends a text: how many bytes of the piece come before it, and
 * whether it was there.  The state is how much of "\n.\r\n" has been seen. */
static apr_size_t before_dot(const char *piece, apr_size_t len, int *state)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        char c = piece[i];

        if (*state == 1 && c == '.') {
            *state = 2;
        }
        else if (*state >= 2 && c == '\n') {
            *state = 4;
            return i + 1;
        }
        else if (*state == 2 && c == '\r') {
            *state = 3;
        }
        else {
            *state = c == '\n';
        }
    }
    return len;
}

/* Takes the dot and its line end off again. */
static int cut_dot(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);
    char last[3] = "";

    if (end < 2 || pread(fd, last, 3, end < 3 ? 0 : end - 3) < 2) {
        return EIO;
    }
    return ftruncate(fd, end - (end >= 3 && last[1] == '\r' ? 3 : 2)) != 0
               ? errno
               : 0;
}

int body_keep(int fd, int dot_ends, const char *dir, int *copy,
              apr_pool_t *pool)
{
    char piece[PIECE];
    ssize_t n;
    int rv = 0, state = 1;

    *copy = open(apr_pstrcat(pool, dir, "/tmp", NULL),
                 O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*copy < 0) {
        return errno;
    }
    while (!rv && state != 4 && (n = read(fd, piece, sizeof(piece))) != 0) {
        if (n < 0) {
            rv = errno == EINTR ? 0 : errno;
        }
        else {
            apr_size_t len = dot_ends ? before_dot(piece, (apr_size_t)n, &state)
                                      : (apr_size_t)n;

            rv = disk_write(*copy, piece, len);
        }
    }
    if (!rv && state == 4) {
        rv = cut_dot(*copy);
    }
    if (rv) {
        close(*copy);
        *copy = -1;
    }
    return rv;
}

/* Calls `take` with the whole file, piece by piece. */
static int each_piece(int fd, apr_off_t at,
                      int (*take)(void *baton, const char *data,
                                  apr_size_t len),
                      void *baton)
{
    char piece[PIECE];
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

static int cannot(int rv, const char **why, apr_pool_t *pool)
{
    *why = apr_psprintf(pool, "%% Error: the message cannot be read: %s",
                        strerror(rv));
    return rv;
}

int body_at(body_t **body, int fd, apr_off_t start, const char **why,
            apr_pool_t *pool)
{
    body_t *b = apr_pcalloc(pool, sizeof(*b));
    message_scan_t found = {0};
    int rv;

    *body = b;
    b->fd = fd;
    b->start = start;
    apr_pool_cleanup_register(pool, b, close_body, apr_pool_cleanup_null);
    rv = each_piece(fd, start, scan, &found);
    b->encoding = message_scan_encoding(&found, &b->charset);
    b->high = found.high > 0;
    return rv ? cannot(rv, why, pool) : 0;
}

int body_open(body_t **body, int fd, const char *dir, const char **why,
              apr_pool_t *pool)
{
    struct stat st = {0};
    int rv = 0, copy = -1;

    if (fd < 0) {
        *body = apr_pcalloc(pool, sizeof(**body));
        (*body)->fd = -1;
        (*body)->charset = "us-ascii";
        return 0;
    }
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        rv = S_ISDIR(st.st_mode) ? EISDIR : errno;
        close(fd);
    }
    else if (!S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_CUR) != 0) {
        rv = body_keep(fd, 0, dir, &copy, pool);
        close(fd);
        fd = copy;
    }
    return rv ? cannot(rv, why, pool) : body_at(body, fd, 0, why, pool);
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
    rv = b->fd < 0 ? 0 : each_piece(b->fd, b->start, encode, &encoder);
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
