/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_ANSWER_H
#define POSTERN_ANSWER_H

/* The one answer model: everything that any printer says about one mailbox,
 * with variables filled in and defaults applied.  Printers only print.  Pure;
 * no member points into the request. */

#include "errors.h"
#include "settings.h"
#include "variables.h"

#include "lib/mailaddr.h"

#include <apr_pools.h>

/* What an answer has when nothing was said about it. */
#define DISCOVER_ORGANIZATION                                                  \
    "/o=First Organization/ou=Exchange Administrative Group "                  \
    "(FYDIBOHF23SPDLT)"
#define DISCOVER_LOGIN_NAME "%{mail}"
#define DISCOVER_RPC_AUTH "Basic"
#define DISCOVER_CERT_PRINCIPAL "none"
#define DISCOVER_OWA_AUTH "Basic, Fba" /* of mail on the web */

/* NULL, and a server without host, mean: not offered. */
typedef struct discover_answer_t {
    discover_mailbox_t mailbox; /* legacy_dn is never NULL here */
    const char *organization;
    const char *deployment_id;
    const char *pox_url;
    const char *ews_url;
    const char *as_url;
    const char *oof_url;
    const char *oab_url;
    const char *eas_url;
    const char *ecp_url;
    const char *owa_url;
    const char *mapi_url;
    const char *mapi_mailbox_id; /* of this mailbox there */
    const char *exchange_server;
    const char *exchange_auth; /* NULL: Kerberos or NTLM */
    const char *server_dn;
    const char *mdb_dn;
    discover_version_t version;
    const char *rpc_host;
    const char *rpc_auth;
    int rpc_ssl;
    const char *cert_principal;
    discover_mail_server_t imap;
    discover_mail_server_t pop3;
    discover_mail_server_t smtp;
    const char *login_name;
    const char *public_folders;             /* mail address of their mailbox */
    const apr_array_header_t *alternatives; /* discover_alternative_t, each
                                               with all members; or NULL */
    const char *display_name;               /* of the service */
    const char *caldav_url;
    const char *carddav_url;
    int ttl; /* hours, or -1 for the client's own default */
    const char *redirect_address; /* when one of these is set, the rest says */
    const char *redirect_url;     /* nothing */
} discover_answer_t;

/* The answer for `mailbox` under `settings`; both and the answer live as long
 * as `pool`.  DISCOVER_OK, DISCOVER_NO_CONFIGURATION when there is nothing to
 * offer, or DISCOVER_BROKEN, each with a static *why. */
discover_error_e discover_answer_make(discover_answer_t *answer,
                                      const discover_settings_t *settings,
                                      const discover_mailbox_t *mailbox,
                                      const char **why, apr_pool_t *pool);

/* The same for somebody who is not logged in: `mailbox` is what the client says
 * of itself, its user and guid may be NULL, and what they would have to be put
 * into is not offered. */
discover_error_e discover_answer_make_public(
    discover_answer_t *answer, const discover_settings_t *settings,
    const discover_mailbox_t *mailbox, const char **why, apr_pool_t *pool);

/* The answer for `address`, whose domain is hosted elsewhere: `settings` has a
 * redirect.  DISCOVER_OK, or DISCOVER_BROKEN with *why, also when it would lead
 * to the same address again. */
discover_error_e discover_answer_redirect(discover_answer_t *answer,
                                          const discover_settings_t *settings,
                                          const mailaddr_t *address,
                                          const char **why, apr_pool_t *pool);

/* The legacyExchangeDN that `mailbox` is known by: its own, or one derived
 * from the organization and the mailbox's GUID. */
const char *discover_answer_legacy_dn(const discover_settings_t *settings,
                                      const discover_mailbox_t *mailbox,
                                      apr_pool_t *pool);

/* The version that the server claims under `settings`. */
discover_version_t discover_answer_version(const discover_settings_t *settings);

#endif
