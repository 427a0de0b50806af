/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SIEVE_WORDS_H
#define POSTERN_SIEVE_WORDS_H

/* What the writer and the reader of our scripts must agree on. */

#define SIEVE_FIRST_LINE "# postern out of office, version 1"

#define SIEVE_STATE "# state: "
#define SIEVE_AUDIENCE "# external audience: "
#define SIEVE_START "# start: "
#define SIEVE_END "# end: "
#define SIEVE_OWN "# own script: "
#define SIEVE_INTERNAL_LANGUAGE "# internal language: "
#define SIEVE_EXTERNAL_LANGUAGE "# external language: "

/* The string after the next :mime is the reply of this kind. */
#define SIEVE_INTERNAL "# internal reply"
#define SIEVE_EXTERNAL "# external reply"

#define SIEVE_8BIT "8bit"
#define SIEVE_QP "quoted-printable"

#endif
