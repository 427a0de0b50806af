/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "managesieve_session.h"
#include "stream.h"

#include <apr_base64.h>
#include <apr_strings.h>
#include <string.h>

#define CHUNK 16384

struct managesieve_session_t {
    stream_t *stream;
    char *buffer; /* what has come and is not read yet */
    apr_size_t have, room;
    apr_pool_t *pool;
};

static apr_status_t receive(managesieve_session_t *s)
{
    apr_size_t got;
    apr_status_t rv;

    if (s->room - s->have < CHUNK) {
        char *bigger = apr_palloc(s->pool, 2 * s->room + CHUNK);

        if (s->have) {
            memcpy(bigger, s->buffer, s->have);
        }
        s->buffer = bigger;
        s->room = 2 * s->room + CHUNK;
    }
    rv =
        stream_receive(s->stream, s->buffer + s->have, s->room - s->have, &got);
    s->have += got;
    return rv;
}

static apr_status_t read_answer(managesieve_session_t *s,
                                managesieve_answer_t *answer, const char **why)
{
    apr_status_t rv;
    apr_size_t used;

    while ((rv = managesieve_read(answer, s->buffer, s->have, &used,
                                  s->pool)) == APR_INCOMPLETE) {
        rv = receive(s);
        if (rv != APR_SUCCESS) {
            *why = rv == APR_TIMEUP ? "no answer in time" : "connection lost";
            return rv;
        }
    }
    if (rv != APR_SUCCESS) {
        *why = "the answer is no ManageSieve";
        return rv;
    }
    s->have -= used;
    memmove(s->buffer, s->buffer + used, s->have);
    if (answer->status == MANAGESIEVE_OK) {
        return APR_SUCCESS;
    }
    *why = answer->text ? answer->text : "the server refuses";
    return answer->code && strcmp(answer->code, "NONEXISTENT") == 0
               ? APR_NOTFOUND
               : APR_EGENERAL;
}

apr_status_t managesieve_session_call(managesieve_session_t *s,
                                      const char *command,
                                      managesieve_answer_t *answer,
                                      const char **why)
{
    apr_status_t rv = stream_send(s->stream, command, strlen(command));

    if (rv != APR_SUCCESS) {
        *why = rv == APR_TIMEUP ? "no answer in time" : "connection lost";
        return rv;
    }
    return read_answer(s, answer, why);
}

/* After STARTTLS nothing that came in clear counts any more, the greeting
 * included. */
static apr_status_t start_tls(managesieve_session_t *s,
                              const managesieve_login_t *login,
                              managesieve_answer_t *capabilities,
                              const char **why)
{
    managesieve_answer_t answer;
    apr_status_t rv;

    if (!managesieve_has(capabilities, "STARTTLS", NULL)) {
        *why = "the server offers no STARTTLS";
        return stream_is_loopback(s->stream) ? APR_SUCCESS : APR_EGENERAL;
    }
    rv = managesieve_session_call(
        s, managesieve_command(s->pool, "STARTTLS", NULL), &answer, why);
    if (rv == APR_SUCCESS && s->have) {
        *why = "the server speaks before TLS";
        rv = APR_EGENERAL;
    }
    if (rv == APR_SUCCESS) {
        rv = stream_start_tls(s->stream, login->ca_file, why);
    }
    return rv == APR_SUCCESS ? read_answer(s, capabilities, why) : rv;
}

static apr_status_t log_in(managesieve_session_t *s,
                           const managesieve_login_t *login,
                           const managesieve_answer_t *capabilities,
                           const char **why)
{
    const char *parts[] = {login->authorize, login->user, login->password};
    apr_size_t len = 0, i;
    managesieve_answer_t answer;
    char *plain, *encoded;
    apr_status_t rv;

    if (!managesieve_has(capabilities, "SASL", "PLAIN")) {
        *why = "the server offers no login by PLAIN";
        return APR_EACCES;
    }
    for (i = 0; i < 3; i++) {
        len += strlen(parts[i]) + 1;
    }
    plain = apr_palloc(s->pool, len);
    for (len = 0, i = 0; i < 3; i++) {
        memcpy(plain + len, parts[i], strlen(parts[i]) + 1);
        len += strlen(parts[i]) + 1;
    }
    encoded = apr_palloc(s->pool, (apr_size_t)apr_base64_encode_len((int)len));
    apr_base64_encode_binary(encoded, (const unsigned char *)plain,
                             (int)len - 1);
    rv = managesieve_session_call(
        s, managesieve_command(s->pool, "AUTHENTICATE", "PLAIN", encoded, NULL),
        &answer, why);
    return rv == APR_EGENERAL ? APR_EACCES : rv;
}

apr_status_t managesieve_session_open(managesieve_session_t **session,
                                      const managesieve_login_t *login,
                                      const char **why, apr_pool_t *pool)
{
    managesieve_session_t *s = apr_pcalloc(pool, sizeof(*s));
    managesieve_answer_t capabilities;
    apr_status_t rv;

    s->pool = pool;
    rv = stream_open(&s->stream, login->host, login->port, login->deadline, why,
                     pool);
    if (rv == APR_SUCCESS) {
        rv = read_answer(s, &capabilities, why);
    }
    if (rv == APR_SUCCESS) {
        rv = start_tls(s, login, &capabilities, why);
    }
    if (rv == APR_SUCCESS) {
        rv = log_in(s, login, &capabilities, why);
    }
    *session = s;
    return rv;
}
