/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The mailboxes that somebody is by name a delegate of: the other direction of
 * mailbox_may_ask(). */

#include "mod_mailbox_private.h"

#include <string.h>

/* Adds `mailbox`, unless it is the owner's, or there already. */
static void add(apr_array_header_t *found, const mailbox_t *owner,
                const mailbox_t *mailbox)
{
    int i, known = !mailbox || strcmp(mailbox->guid, owner->guid) == 0;

    for (i = 0; i < found->nelts && !known; i++) {
        known = strcmp(APR_ARRAY_IDX(found, i, const mailbox_t *)->guid,
                       mailbox->guid) == 0;
    }
    if (!known && found->nelts < MAILBOX_DELEGATED_MAX) {
        APR_ARRAY_PUSH(found, const mailbox_t *) = mailbox;
    }
}

/* MailboxDelegate: a target is an address or an account.  One that is not
 * there is left out. */
static apr_status_t add_listed(request_rec *r, const mailbox_t *owner,
                               apr_array_header_t *found)
{
    const apr_array_header_t *delegates = mailbox_conf(r)->delegates;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; delegates && i < delegates->nelts && rv == APR_SUCCESS; i++) {
        const mailbox_delegate_t *delegate =
            &APR_ARRAY_IDX(delegates, i, mailbox_delegate_t);
        const record_t *record = NULL;

        if (strcmp(delegate->target, "*") == 0 ||
            ap_cstr_casecmp(delegate->user, owner->user) != 0) {
            continue;
        }
        rv = mailbox_find_record(r,
                                 strchr(delegate->target, '@')
                                     ? MAILBOX_BY_ADDRESS
                                     : MAILBOX_BY_LOGIN,
                                 delegate->target, &record);
        if (rv == APR_SUCCESS) {
            add(found, owner, mailbox_of_record(record, r->pool));
        }
        else if (rv == APR_NOTFOUND || rv == APR_EMISMATCH) {
            rv = APR_SUCCESS;
        }
    }
    return rv;
}

/* MailboxDelegateAttribute: one search for all whose entries name the owner. */
static apr_status_t add_choosing(request_rec *r, const mailbox_t *owner,
                                 apr_array_header_t *found)
{
    const mailbox_conf_t *conf = mailbox_conf(r);
    apr_array_header_t *records =
        apr_array_make(r->pool, 8, sizeof(const record_t *));
    const char *dn, *filter;
    apr_status_t rv;
    int i;

    if (!conf->ldap || !conf->delegate_attributes ||
        !conf->delegate_attributes->nelts ||
        (dn = mailbox_dn(r, owner)) == NULL) {
        return APR_SUCCESS;
    }
    filter = ldaprole_any_filter(
        (const char *const *)conf->delegate_attributes->elts, dn,
        conf->ldap->filter, r->pool);
    rv = mailbox_ldap_list(r, conf, filter, MAILBOX_DELEGATED_MAX, records,
                           r->pool);
    for (i = 0; i < records->nelts; i++) {
        add(found, owner,
            mailbox_of_record(APR_ARRAY_IDX(records, i, const record_t *),
                              r->pool));
    }
    return rv;
}

static apr_status_t mailbox_delegated(request_rec *r, const mailbox_t *owner,
                                      const apr_array_header_t **found)
{
    apr_array_header_t *mailboxes =
        apr_array_make(r->pool, 8, sizeof(const mailbox_t *));
    apr_status_t rv = add_listed(r, owner, mailboxes);

    *found = mailboxes;
    return rv == APR_SUCCESS ? add_choosing(r, owner, mailboxes) : rv;
}

void mailbox_register_delegated(void)
{
    APR_REGISTER_OPTIONAL_FN(mailbox_delegated);
}
