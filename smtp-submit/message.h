/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_MESSAGE_H
#define SUBMIT_MESSAGE_H

/* One message as RFC 5322 and MIME want it: header from a struct, body as a
 * stream of any bytes that comes out with CRLF line ends, in lines of at most
 * 998 bytes, in 7-bit characters.  Pure; any thread. */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

/* How the body is carried. */
typedef enum message_encoding_t {
    MESSAGE_7BIT,             /* as it is */
    MESSAGE_QUOTED_PRINTABLE, /* 8-bit text, or long lines */
    MESSAGE_BASE64            /* holds NUL, or is no UTF-8 */
} message_encoding_t;

typedef struct message_header_t {
    const char *from;             /* address */
    const apr_array_header_t *to; /* of const char *, addresses; no Bcc */
    const apr_array_header_t *cc;
    const char *subject; /* UTF-8 without control characters */
    apr_time_t date;
    const char *message_id; /* without brackets */
    const char *received;   /* NULL: no such line */
    message_encoding_t encoding;
    const char *charset;  /* us-ascii, utf-8, unknown-8bit */
    const char *boundary; /* NULL: one part; else multipart/mixed */
} message_header_t;

/* The header with its empty line, in CRLF. */
const char *message_header(const message_header_t *header, apr_pool_t *pool);

/* An unstructured header field body of any UTF-8 text: as it is, folded at
 * blanks, or in encoded words of RFC 2047.  `column` is where it starts. */
const char *message_encode_text(const char *text, apr_size_t column,
                                apr_pool_t *pool);

/* A parameter of a MIME field: name="value", or the form of RFC 2231 when the
 * value is not plain ASCII. */
const char *message_parameter(const char *name, const char *value,
                              apr_pool_t *pool);

/* A date as RFC 5322 has it, in local time. */
const char *message_date(apr_time_t date, apr_pool_t *pool);

/* What must be known of a body before its header can be written; zeroed, fed
 * with every byte, asked at the end. */
typedef struct message_scan_t {
    apr_off_t bytes, high, nul, longest, column;
    unsigned char tail[4]; /* unfinished UTF-8 character */
    int tail_len, not_utf8;
} message_scan_t;

void message_scan(message_scan_t *scan, const char *data, apr_size_t len);
message_encoding_t message_scan_encoding(message_scan_t *scan,
                                         const char **charset);

/* Where encoded bytes go: 0 or an errno value, which ends the encoding. */
typedef int (*message_sink_t)(void *baton, const char *data, apr_size_t len);

typedef struct message_encoder_t {
    message_encoding_t encoding;
    message_sink_t sink;
    void *baton;
    int after_cr; /* the last byte was CR */
    int column;   /* of the line that is being written */
    int held;     /* quoted-printable: a blank that may end the line */
    int binary;   /* base64: line ends stay as they are */
    unsigned char triple[3];
    int triple_len;
    int rv;
} message_encoder_t;

void message_encoder_init(message_encoder_t *encoder,
                          message_encoding_t encoding, message_sink_t sink,
                          void *baton);
int message_encode(message_encoder_t *encoder, const char *data,
                   apr_size_t len);

/* Writes what is held back; a last line without line end gets one. */
int message_encode_end(message_encoder_t *encoder);

/* Doubles the dot at the start of each line (RFC 5321 section 4.5.2), into
 * `out` of at least 2 * len bytes; *start is 1 at the start of a line (and at
 * first).  The length of the result. */
apr_size_t message_stuff(const char *data, apr_size_t len, char *out,
                         int *start);

#endif
