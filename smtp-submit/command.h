/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_COMMAND_H
#define SUBMIT_COMMAND_H

/* The command language: one grammar for the command line, the configuration
 * file, script files and the prompt.
 *
 * Words may be shortened as long as they stay unique ("sh run").  A word in
 * double quotes is never a keyword; inside, \" and \\ stand for themselves.
 * Keywords may be written as options ("--to", "--subject=text").  Pure; any
 * thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#define COMMAND_LINE_MAX 8192 /* bytes of one line */
#define COMMAND_WORDS_MAX 128

/* What a line asks for; COMMAND_x with `no` set undoes COMMAND_x. */
typedef enum command_id_t {
    COMMAND_NONE = 0, /* an empty line or a comment */
    /* Settings: lines of the configuration file. */
    COMMAND_SERVER,
    COMMAND_AUTHENTICATION,
    COMMAND_PORT,
    COMMAND_TLS,
    COMMAND_TLS_CA_FILE,
    COMMAND_TLS_PIN,
    COMMAND_TLS_CERTIFICATE,
    COMMAND_TLS_NO_VERIFY,
    COMMAND_CLEARTEXT_AUTH,
    COMMAND_BACKUP,
    COMMAND_PROXY,
    COMMAND_UNIX_SOCKET,
    COMMAND_NO_CHUNKING,
    COMMAND_TIMEOUT,
    COMMAND_FROM,
    COMMAND_HOSTNAME,
    COMMAND_SERIAL,
    COMMAND_FILE_ROOT,
    COMMAND_ADD_RECEIVED,
    COMMAND_SPOOL,
    COMMAND_BY_RUNNER,
    COMMAND_SECRET_KEY,
    COMMAND_IN_DOUBT,
    COMMAND_RETRY_TIMES,
    COMMAND_GIVE_UP,
    COMMAND_NOTIFY,
    COMMAND_ALIAS,
    COMMAND_LOG_EMAIL,
    COMMAND_LOG_EXCLUDE,
    COMMAND_LOG_TIME,
    COMMAND_LOG_DEFAULT,
    COMMAND_LOG_WINDOW,
    COMMAND_LOG_LIMIT,
    COMMAND_TRIGGER,
    COMMAND_TRIGGER_TYPE,
    COMMAND_TRIGGER_SCRIPT,
    COMMAND_TRIGGER_DESCRIPTION,
    COMMAND_TRIGGER_REPEAT,
    COMMAND_TRIGGER_DAYS,
    COMMAND_TRIGGER_ACTIVE,
    COMMAND_TRIGGER_TEST,
    /* Actions. */
    COMMAND_MAIL,
    COMMAND_SHOW_MAIL,
    COMMAND_SHOW_CONFIG,
    COMMAND_SHOW_COUNTER,
    COMMAND_DELETE,
    COMMAND_DELETE_ALL,
    COMMAND_DEBUG,
    COMMAND_DELIVER,
    COMMAND_RUN,
    COMMAND_FLUSH,
    COMMAND_RETRY,
    COMMAND_SCRIPT,
    COMMAND_CONFIG_LOAD,
    COMMAND_CONFIG_IMPORT,
    COMMAND_LOG_SHOW,
    COMMAND_LOG_TEST,
    COMMAND_LOG_INGEST,
    COMMAND_TRIGGER_SHOW,
    COMMAND_TRIGGER_COUNTS,
    COMMAND_TRIGGER_ACTIVATE,
    COMMAND_WATCH,
    COMMAND_LOG_FOLLOW,
    COMMAND_SETUP,
    COMMAND_REKEY,
    COMMAND_TEST,
    COMMAND_ENABLE,
    COMMAND_CONFIGURE,
    COMMAND_EXIT,
    COMMAND_HELP
} command_id_t;

/* Where a row may stand. */
enum { COMMAND_IN_FILE = 1 /* the configuration file */ };

typedef struct command_word_t {
    const char *text;
    int quoted; /* never a keyword */
} command_word_t;

typedef struct command_value_t {
    const char *name; /* keyword, or name of the parameter in capitals */
    const char *text;
} command_value_t;

typedef struct command_t {
    command_id_t id;
    int no;                     /* starts with "no" */
    int where;                  /* COMMAND_IN_FILE or 0 */
    apr_array_header_t *values; /* of command_value_t, in order */
} command_t;

/* Splits `len` bytes at `line` into words, an array of command_word_t in
 * `pool`; none for an empty line or one that starts with ! or #.  APR_EINVAL
 * with a reason in *why for control characters, invalid UTF-8, a missing quote
 * or a line that is too long. */
apr_status_t command_split(apr_array_header_t **words, const char *line,
                           apr_size_t len, const char **why, apr_pool_t *pool);

/* The same from the arguments of a program; --name=value becomes two words. */
apr_status_t command_from_argv(apr_array_header_t **words, int argc,
                               const char *const *argv, const char **why,
                               apr_pool_t *pool);

/* Finds what `words` ask for.  Without words, COMMAND_NONE.  APR_EINVAL with a
 * sentence for the user in *why (in `pool`). */
apr_status_t command_parse(command_t *command, const apr_array_header_t *words,
                           const char **why, apr_pool_t *pool);

/* command_split() and command_parse() of one line. */
apr_status_t command_parse_line(command_t *command, const char *line,
                                apr_size_t len, const char **why,
                                apr_pool_t *pool);

/* The text of keyword or parameter `name`, or NULL when it was not given;
 * command_values() yields all texts of a repeatable one (const char *). */
const char *command_value(const command_t *command, const char *name);
apr_array_header_t *command_values(const command_t *command, const char *name,
                                   apr_pool_t *pool);

/* What may follow `words` as lines of "word  explanation", `<cr>` when nothing
 * need follow; with `prefix` only the words that start with it.  Empty when
 * `words` make no sense. */
const char *command_help(const apr_array_header_t *words, const char *prefix,
                         apr_pool_t *pool);

/* Every row of the grammar, one a line. */
const char *command_syntax(apr_pool_t *pool);

/* `text` as one word that command_split() reads back unchanged: in quotes unless
 * it is made of plain characters.  The second form is for places where a keyword
 * might stand: what could be taken for one is quoted, too. */
const char *command_quote(const char *text, apr_pool_t *pool);
const char *command_quote_keyword(const char *text, apr_pool_t *pool);

#endif
