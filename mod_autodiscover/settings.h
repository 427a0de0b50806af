/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_SETTINGS_H
#define POSTERN_SETTINGS_H

#include <apr_tables.h>

/* What the administrator said about the services of one server: the values of
 * the directives, before they meet a mailbox.  Strings may hold variables
 * (variables.h); NULL and -1 mean that the directive was not given, "" that it
 * was given as None.  Pure. */

typedef enum discover_security_e {
    DISCOVER_SECURITY_SSL,      /* TLS from the first byte */
    DISCOVER_SECURITY_STARTTLS, /* TLS after a command */
    DISCOVER_SECURITY_PLAIN     /* no TLS */
} discover_security_e;

/* A mail access or submission server; host "" means None. */
typedef struct discover_mail_server_t {
    const char *host;
    int port;
    discover_security_e security;
} discover_mail_server_t;

/* The version that the server claims, as Exchange counts. */
typedef struct discover_version_t {
    int major;    /* below 64 */
    int minor;    /* below 64 */
    int build;    /* below 32768 */
    int revision; /* below 65536 */
} discover_version_t;

/* A further mailbox that comes with each mailbox, as AlternativeMailbox. */
typedef struct discover_alternative_t {
    const char *type;         /* Delegate, Archive or TeamMailbox */
    const char *address;      /* "" means None */
    const char *display_name; /* NULL: that of the mailbox */
    const char *owner;        /* mail address; NULL in settings */
} discover_alternative_t;

typedef struct discover_settings_t {
    const char *server_name;  /* stands in for every host that is not given */
    const char *organization; /* /o=...[/ou=...], the start of derived names */
    const char *deployment_id;
    const char *pox_url; /* of this service */
    /* web services */
    const char *ews_url;
    const char *as_url;
    const char *oof_url;
    const char *oab_url;
    const char *eas_url;  /* ActiveSync */
    const char *ecp_url;  /* the user's own settings on the web */
    const char *owa_url;  /* mail on the web */
    const char *mapi_url; /* MAPI over HTTP, without /emsmdb/ and /nspi/ */
    /* EXCH: the server as Outlook names it inside the RPC tunnel */
    const char *exchange_server;
    const char *exchange_auth;
    const char *server_dn;
    const char *mdb_dn;
    const discover_version_t *version;
    /* EXPR: the RPC proxy */
    const char *rpc_host;
    const char *rpc_auth;
    int rpc_ssl;
    const char *cert_principal;
    /* mail clients */
    const discover_mail_server_t *imap;
    const discover_mail_server_t *pop3;
    const discover_mail_server_t *smtp;
    const char *login_name;
    int ttl;                                /* hours */
    const char *public_folders;             /* mail address of their mailbox */
    const apr_array_header_t *alternatives; /* discover_alternative_t */
    int delegated; /* tell the mailboxes whose delegate the user is */
    const char *display_name; /* of the service, for people */
    const char *caldav_url;
    const char *carddav_url;
    /* a domain that is hosted elsewhere; one of them at most */
    const char *redirect_address;
    const char *redirect_url;
} discover_settings_t;

/* Settings in which nothing is given. */
void discover_settings_init(discover_settings_t *settings);

/* `add` where it says something, else `base`.  `to` may be `base`. */
void discover_settings_merge(discover_settings_t *to,
                             const discover_settings_t *base,
                             const discover_settings_t *add);

#endif
