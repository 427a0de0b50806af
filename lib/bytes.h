/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_BYTES_H
#define POSTERN_BYTES_H

/* Bounded little-endian reading and writing of wire bytes.
 *
 * Both sides keep a sticky failure: after the first read beyond the end (or
 * write beyond the room) every further call does nothing and yields zero, so
 * that a codec checks once, at its end.  No allocation, no threads. */

#include <apr.h>

typedef struct bytes_reader_t {
    const unsigned char *at;
    apr_size_t left;
    int failed;
} bytes_reader_t;

typedef struct bytes_writer_t {
    unsigned char *start;
    apr_size_t used;
    apr_size_t room;
    int failed;
} bytes_writer_t;

/* Reads from `len` bytes at `at`, which must outlive the reader. */
void bytes_reader_init(bytes_reader_t *r, const void *at, apr_size_t len);

unsigned char bytes_get_u8(bytes_reader_t *r);
apr_uint16_t bytes_get_u16(bytes_reader_t *r);
apr_uint32_t bytes_get_u32(bytes_reader_t *r);

/* The next `len` bytes in place (not copied), or NULL when fewer are left. */
const unsigned char *bytes_get(bytes_reader_t *r, apr_size_t len);

/* Writes into the `room` bytes at `start`, owned by the caller. */
void bytes_writer_init(bytes_writer_t *w, void *start, apr_size_t room);

void bytes_put_u8(bytes_writer_t *w, unsigned char value);
void bytes_put_u16(bytes_writer_t *w, apr_uint16_t value);
void bytes_put_u32(bytes_writer_t *w, apr_uint32_t value);
void bytes_put(bytes_writer_t *w, const void *data, apr_size_t len);
void bytes_put_zeros(bytes_writer_t *w, apr_size_t len);

#endif
