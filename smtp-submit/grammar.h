/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_GRAMMAR_H
#define SUBMIT_GRAMMAR_H

/* The tables of the command language; command.c interprets them.
 *
 * A pattern is made of words: lower case for a keyword (with ! when it may
 * not be shortened), CAPITALS for a parameter, NAME=a|b for a choice.  [group] may be
 * left out; neighbouring groups come in any order, each once, [group]* as often
 * as wanted. */

#include "command.h"

typedef struct grammar_row_t {
    command_id_t id;
    int where;
    const char *pattern;
} grammar_row_t;

typedef struct grammar_parameter_t {
    const char *name;
    const char *shown; /* in help, such as <1-65535> */
    const char *help;
    /* NULL when `text` is right, else what is expected; NULL: any text. */
    const char *(*wrong)(const char *text);
    long low, high; /* a number in this range, when high is not 0 */
} grammar_parameter_t;

typedef struct grammar_keyword_t {
    const char *word, *help;
    const char *where; /* only in rows with these words; NULL: in all */
} grammar_keyword_t;

extern const grammar_row_t grammar_rows[];
extern const int grammar_rows_count;

/* The parameter called `name` (of `len` bytes); never NULL for a name that
 * stands in a pattern. */
const grammar_parameter_t *grammar_parameter(const char *name, apr_size_t len);

/* The explanation of a keyword in a row, "" when it has none. */
const char *grammar_keyword_help(const char *word, const char *pattern);

/* 1 when some keyword starts with `text`. */
int grammar_starts_keyword(const char *text);

/* NULL when `text` fits the parameter, else what is expected. */
const char *grammar_check(const grammar_parameter_t *parameter,
                          const char *text);

#endif
