/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_TAIL_H
#define SUBMIT_TAIL_H

/* A file that others write to and sometimes replace. */

#include <apr_pools.h>

/* Copies what is appended to the file at `path`, from its end on, to `out`;
 * goes on with the new file when the name gets one, and waits while there is
 * none.  Returns an errno value when `out` cannot be written to. */
int tail_copy(const char *path, int out);

/* The reading end of a pipe into which a child copies as above; -1 with
 * errno.  The child ends with us. */
int tail_open(const char *path);

#endif
