/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_PAGE_H
#define POSTERN_PAGE_H

/* The page of the self-check as XHTML: a form for an address and, below, what
 * was found for it.  No script, nothing from elsewhere.  Pure; any thread after
 * xml_init(). */

#include "verdict.h"

#include <apr_pools.h>
#include <apr_tables.h>

/* What must go with it as Content-Security-Policy. */
#define PAGE_POLICY                                                            \
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "      \
    "base-uri 'none'; frame-ancestors 'none'"

/* One answer. */
typedef struct page_section_t {
    verdict_question_e question;
    verdict_reply_t reply;
} page_section_t;

/* Prints the page for `address` (or NULL: the form alone) with the sections
 * (page_section_t) and the steps (const char *) that led to them.  The bytes
 * live as long as `pool`.  APR_EINVAL when it could not be printed. */
apr_status_t page_print(const char *address, const apr_array_header_t *sections,
                        const apr_array_header_t *trace, const char **bytes,
                        apr_size_t *len, apr_pool_t *pool);

#endif
