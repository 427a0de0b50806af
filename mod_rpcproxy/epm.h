/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_EPM_H
#define POSTERN_EPM_H

/* What is said to an endpoint mapper ([C706] appendix O, [MS-RPCE] section
 * 2.2.1.2): a bind, and the question on which TCP port an interface is served
 * (ept_map), each in one fragment without a verifier.  No allocation; any
 * thread. */

#include <apr_errno.h>

#define EPM_PORT 135         /* where endpoint mappers listen */
#define EPM_QUESTION_MAX 256 /* bytes of a bind or a question */
#define EPM_ANSWER_MAX 1024  /* an answer is never longer, as we ask */

typedef struct epm_interface_t {
    unsigned char uuid[16]; /* as it travels, little-endian */
    apr_uint16_t major, minor;
} epm_interface_t;

/* Reads "samr", "nspi", ... or "UUID/major" or "UUID/major.minor".  APR_EINVAL
 * for anything else. */
apr_status_t epm_interface_parse(epm_interface_t *interface, const char *text);

/* What Outlook expects on a fixed port of Exchange: 6001, 6002 or 6004; NULL
 * for others.  Static. */
const epm_interface_t *epm_interface_of_port(int port);

typedef enum epm_result_e {
    EPM_OK,
    EPM_MORE,     /* good so far, but more bytes are needed */
    EPM_REFUSED,  /* a well-formed no; *why */
    EPM_MALFORMED /* *why */
} epm_result_e;

/* The bytes to send; each returns how many, or 0 when `room` is too small. */
apr_size_t epm_write_bind(void *out, apr_size_t room);
apr_size_t epm_write_map(const epm_interface_t *interface, void *out,
                         apr_size_t room);

/* Judge the `len` bytes of an answer that have arrived so far.  More bytes than
 * the answer has are malformed: nobody asked for them.  *port is 0 unless all is
 * well. */
epm_result_e epm_read_bind(const void *bytes, apr_size_t len, const char **why);
epm_result_e epm_read_map(int *port, const epm_interface_t *interface,
                          const void *bytes, apr_size_t len, const char **why);

#endif
