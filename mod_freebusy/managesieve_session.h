/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MANAGESIEVE_SESSION_H
#define POSTERN_MANAGESIEVE_SESSION_H

/* One session with a ManageSieve server, logged in by SASL PLAIN as a master
 * user who acts for somebody (authorization identity, RFC 4616).
 *
 * TLS by STARTTLS, always; only a server on this machine, reached by loopback,
 * that offers none is talked to in clear.  A session belongs to one thread and
 * ends with its pool. */

#include "managesieve.h"

#include <apr_time.h>

typedef struct managesieve_login_t {
    const char *host;
    int port;
    const char *ca_file;   /* or NULL */
    const char *authorize; /* for whom */
    const char *user, *password;
    apr_time_t deadline; /* of the whole session */
} managesieve_login_t;

typedef struct managesieve_session_t managesieve_session_t;

/* APR_EACCES when the server refuses the login. */
apr_status_t managesieve_session_open(managesieve_session_t **session,
                                      const managesieve_login_t *login,
                                      const char **why, apr_pool_t *pool);

/* Sends `command` and reads its answer.  APR_NOTFOUND when that is NO with the
 * code NONEXISTENT, APR_EGENERAL for any other NO or BYE. */
apr_status_t managesieve_session_call(managesieve_session_t *session,
                                      const char *command,
                                      managesieve_answer_t *answer,
                                      const char **why);

#endif
