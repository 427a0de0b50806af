/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Further mailboxes that come with one: those of directives, and those whose
 * delegate their user is.  Only what the user may ask about is told, since
 * nobody else would get an answer to the question that follows. */

#include "mod_autodiscover.h"

#include "lib/log.h"

#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(autodiscover);

static APR_OPTIONAL_FN_TYPE(mailbox_find) * find_mailbox;
static APR_OPTIONAL_FN_TYPE(mailbox_may_ask) * may_ask;
static APR_OPTIONAL_FN_TYPE(mailbox_delegated) * find_delegated;

int autodiscover_alternative_ready(void)
{
    find_mailbox = APR_RETRIEVE_OPTIONAL_FN(mailbox_find);
    may_ask = APR_RETRIEVE_OPTIONAL_FN(mailbox_may_ask);
    find_delegated = APR_RETRIEVE_OPTIONAL_FN(mailbox_delegated);
    return find_mailbox && may_ask && find_delegated;
}

static int is_known(const apr_array_header_t *list, const char *address)
{
    int i;

    for (i = 0; i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, discover_alternative_t).address,
                   address) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A mailbox is told once, in the way that was written first. */
static void add(apr_array_header_t *list, const mailbox_t *owner,
                const mailbox_t *mailbox, const char *type, const char *name)
{
    discover_alternative_t *alternative;

    if (is_known(list, mailbox->mail)) {
        return;
    }
    alternative = apr_array_push(list);
    alternative->type = type;
    alternative->address = mailbox->mail;
    alternative->display_name = name ? name : mailbox->display_name;
    /* An archive belongs to the user, the others to themselves. */
    alternative->owner =
        strcmp(type, "Archive") == 0 ? owner->mail : mailbox->mail;
}

/* AutodiscoverAlternativeMailbox: APR_SUCCESS, also for an address that the
 * owner may not ask about, or that has no mailbox. */
static apr_status_t add_written(request_rec *r, apr_array_header_t *list,
                                const mailbox_t *owner,
                                const discover_mailbox_t *variables,
                                const discover_alternative_t *written,
                                const char **why)
{
    const char *address, *name = NULL;
    const mailbox_t *mailbox;
    apr_status_t rv;

    if (!*written->address) {
        return APR_SUCCESS;
    }
    rv = discover_variables_expand(&address, written->address, variables,
                                   DISCOVER_PLACE_TEXT, why, r->pool);
    if (rv == APR_SUCCESS && written->display_name) {
        rv = discover_variables_expand(&name, written->display_name, variables,
                                       DISCOVER_PLACE_TEXT, why, r->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = find_mailbox(r, MAILBOX_BY_ADDRESS, address, &mailbox);
    if (rv == APR_SUCCESS && strcmp(mailbox->guid, owner->guid) != 0 &&
        may_ask(r, owner, mailbox)) {
        add(list, owner, mailbox, written->type, name);
    }
    return rv == APR_NOTFOUND || rv == APR_INCOMPLETE || rv == APR_EMISMATCH
               ? APR_SUCCESS
               : rv;
}

/* AutodiscoverDelegated. */
static apr_status_t add_delegated(request_rec *r, apr_array_header_t *list,
                                  const mailbox_t *owner)
{
    const apr_array_header_t *delegated;
    apr_status_t rv = find_delegated(r, owner, &delegated);
    int i;

    for (i = 0; i < delegated->nelts; i++) {
        add(list, owner, APR_ARRAY_IDX(delegated, i, const mailbox_t *),
            "Delegate", NULL);
    }
    return rv;
}

void autodiscover_add_alternatives(request_rec *r,
                                   const discover_settings_t *settings,
                                   const mailbox_t *owner,
                                   discover_answer_t *answer)
{
    const apr_array_header_t *written = settings->alternatives;
    apr_array_header_t *list =
        apr_array_make(r->pool, 4, sizeof(discover_alternative_t));
    apr_status_t rv = APR_SUCCESS;
    const char *why = "the mailbox source does not answer";
    int i;

    for (i = 0; written && i < written->nelts && rv == APR_SUCCESS; i++) {
        rv = add_written(r, list, owner, &answer->mailbox,
                         &APR_ARRAY_IDX(written, i, discover_alternative_t),
                         &why);
    }
    if (rv == APR_SUCCESS && settings->delegated == 1) {
        rv = add_delegated(r, list, owner);
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                      PN(12013) "%s is not told all further mailboxes: %s",
                      r->user, why);
    }
    answer->alternatives = list;
}
