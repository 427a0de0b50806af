/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_MAILBOX_H
#define POSTERN_MOD_MAILBOX_H

/* Who is the caller, and which mailbox is that: the one record that every
 * other module answers from.  This header is all that another module may know
 * of mod_mailbox; it calls through optional functions
 * (APR_RETRIEVE_OPTIONAL_FN in its post_config or optional_fn_retrieve hook).
 * All functions may be called from any request thread. */

#include <apr_optional.h>
#include <apr_tables.h>
#include <httpd.h>

/* One mailbox.  Strings are UTF-8 in the request's pool and never NULL unless
 * marked so. */
typedef struct mailbox_t {
    const char *user;         /* login name, canonical, without domain */
    const char *mail;         /* primary SMTP address */
    const char *domain;       /* of `mail`, lower case */
    const char *display_name; /* falls back to `mail` */
    const char *legacy_dn;    /* legacyExchangeDN, or NULL */
    const char *guid;         /* 8-4-4-4-12, stable for this mailbox */
    const char *host;         /* name of the server that it is on, or NULL */
    const apr_array_header_t *addresses; /* const char *; all of them, primary
                                            first */
} mailbox_t;

typedef enum mailbox_key_e {
    MAILBOX_BY_LOGIN,    /* EXAMPLE\alice, alice@example.test or alice */
    MAILBOX_BY_ADDRESS,  /* any SMTP address of the mailbox */
    MAILBOX_BY_LEGACY_DN /* legacyExchangeDN, without regard to case */
} mailbox_key_e;

/* Finds one mailbox in the sources configured for r's server and location.
 * Sources are asked at most once per request for the same key and value.
 *
 *   APR_SUCCESS   *found is set
 *   APR_NOTFOUND  no such mailbox, or the value is malformed
 *   APR_INCOMPLETE  the user exists but has no mail address
 *   APR_EMISMATCH more than one entry matches (logged: the admin must act)
 *   APR_ENOTIMPL  no mailbox source is configured here (logged once)
 *   other         a source is down or broken (logged): answer "try later" */
APR_DECLARE_OPTIONAL_FN(apr_status_t, mailbox_find,
                        (request_rec * r, mailbox_key_e key, const char *value,
                         const mailbox_t **found));

/* 1 when `caller` (the mailbox of r->user) may learn the settings of `target`:
 * its own mailbox, under any of its addresses, or one whose delegate it is.  The
 * one place that decides. */
APR_DECLARE_OPTIONAL_FN(int, mailbox_may_ask,
                        (request_rec * r, const mailbox_t *caller,
                         const mailbox_t *target));

/* The mailboxes that `owner` is by name a delegate of: those of MailboxDelegate,
 * and those whose entries have him in a MailboxDelegateAttribute.  Not those
 * that he may ask about because he may ask about all.  *found holds const
 * mailbox_t *, MAILBOX_DELEGATED_MAX at most, each once, and not `owner`.
 * APR_SUCCESS, also with none; other: a source is down or broken (logged). */
#define MAILBOX_DELEGATED_MAX 100
APR_DECLARE_OPTIONAL_FN(apr_status_t, mailbox_delegated,
                        (request_rec * r, const mailbox_t *owner,
                         const apr_array_header_t **found));

/* MailboxLoginDelay for schemes other than Basic, which is watched without
 * their help.  mailbox_login_hold() is asked before the proof of `user` is
 * looked at: OK, or the status to return, with its header set and the message
 * logged.  mailbox_login_result() tells what became of it. */
APR_DECLARE_OPTIONAL_FN(int, mailbox_login_hold,
                        (request_rec * r, const char *user));
APR_DECLARE_OPTIONAL_FN(void, mailbox_login_result,
                        (request_rec * r, const char *user, int good));

#endif
