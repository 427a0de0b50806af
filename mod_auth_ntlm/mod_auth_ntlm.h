/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_AUTH_NTLM_H
#define POSTERN_MOD_AUTH_NTLM_H

/* What the files of mod_auth_ntlm share.  Message numbers 11001.. */

#include <httpd.h>
#include <http_config.h>
#include <mod_auth.h>

#include "account.h"
#include "gate.h"
#include "token.h"

/* A client that has the challenge for longer than this may lose its place. */
#define AUTH_NTLM_PATIENCE apr_time_from_sec(10)

/* Per location.  Numbers are -1, pointers NULL when unset. */
typedef struct auth_ntlm_dir_t {
    const account_domain_t *domain;
    const apr_array_header_t *servers; /* verifier_server_t * */
    apr_interval_time_t timeout;
    int max_handshakes;
    int require_tls;
    int negotiate;              /* Kerberos is done by another module */
    int basic_set;              /* basic is meant, even when it is NULL */
    authn_provider_list *basic; /* in the order in which they are asked */
} auth_ntlm_dir_t;

typedef struct auth_ntlm_server_t {
    int max_verifications; /* of the main server; 0 when unset */
    gate_t *gate;          /* of this child; the same one for all servers */
} auth_ntlm_server_t;

extern module AP_MODULE_DECLARE_DATA auth_ntlm_module;
extern const command_rec auth_ntlm_commands[];

void *auth_ntlm_create_dir(apr_pool_t *p, char *path);
void *auth_ntlm_merge_dir(apr_pool_t *p, void *base, void *add);
void *auth_ntlm_create_server(apr_pool_t *p, server_rec *s);
void *auth_ntlm_merge_server(apr_pool_t *p, void *base, void *add);

/* The defaults of what is unset. */
apr_interval_time_t auth_ntlm_timeout(const auth_ntlm_dir_t *conf);
int auth_ntlm_max_handshakes(const auth_ntlm_dir_t *conf);
int auth_ntlm_requires_tls(const auth_ntlm_dir_t *conf);
int auth_ntlm_max_verifications(const auth_ntlm_server_t *conf);

/* 1 when a login could be bound to this client's own TCP connection: HTTP/1,
 * and no sign of a proxy that would share it among people. */
int auth_ntlm_is_bindable(const request_rec *r);

/* Answers 401 with the schemes that work for this request, in their order. */
int auth_ntlm_offer(request_rec *r, const auth_ntlm_dir_t *conf);

/* Where another module has done Negotiate and says 401, the other schemes are
 * offered too. */
void auth_ntlm_complete_offer(request_rec *r);

/* Sees to it that a 401 does not end the connection, as httpd would do when
 * the client waits for "100 Continue" with its body. */
void auth_ntlm_keep_connection(request_rec *r);

/* The login bound to r's connection, moved on by `header`, which has the
 * scheme `scheme` (anything but one that is handled elsewhere).  OK with
 * r->user set, or the status to return. */
int auth_ntlm_login(request_rec *r, const auth_ntlm_dir_t *conf,
                    token_scheme_t scheme, const char *header);

/* Hook optional_fn_retrieve: MailboxLoginDelay, when mod_mailbox is loaded. */
void auth_ntlm_retrieve(void);

/* Basic credentials against conf->basic.  As above. */
int auth_ntlm_basic(request_rec *r, const auth_ntlm_dir_t *conf);

#endif
