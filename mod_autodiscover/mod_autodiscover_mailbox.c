/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* From a question to the mailbox it is about, and from there to the answer. */

#include "mod_autodiscover.h"

#include "lib/log.h"
#include "lib/mailaddr.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(autodiscover);

static APR_OPTIONAL_FN_TYPE(mailbox_find) * find_mailbox;
static APR_OPTIONAL_FN_TYPE(mailbox_may_ask) * may_ask;

int autodiscover_mailbox_ready(void)
{
    find_mailbox = APR_RETRIEVE_OPTIONAL_FN(mailbox_find);
    may_ask = APR_RETRIEVE_OPTIONAL_FN(mailbox_may_ask);
    return find_mailbox && may_ask && autodiscover_alternative_ready();
}

/* What a look-up of the caller's own mailbox ends in. */
static discover_error_e error_of(apr_status_t rv, const char **why)
{
    switch (rv) {
    case APR_SUCCESS:
        return DISCOVER_OK;
    case APR_NOTFOUND:
        *why = "no such mailbox";
        return DISCOVER_UNKNOWN_ADDRESS;
    case APR_INCOMPLETE:
        *why = "the user has no mail address";
        return DISCOVER_NO_CONFIGURATION;
    case APR_EMISMATCH:
        *why = "more than one mailbox matches";
        return DISCOVER_BROKEN;
    case APR_ENOTIMPL:
        *why = "no mailbox source is configured";
        return DISCOVER_INTERNAL;
    default:
        *why = "the mailbox source does not answer";
        return DISCOVER_INTERNAL;
    }
}

static int is_own_address(const mailbox_t *caller, const char *address)
{
    int i;

    for (i = 0; i < caller->addresses->nelts; i++) {
        if (mailaddr_same(APR_ARRAY_IDX(caller->addresses, i, const char *),
                          address)) {
            return 1;
        }
    }
    return 0;
}

static discover_mailbox_t plain(const mailbox_t *mailbox, apr_pool_t *pool)
{
    const char *at = strrchr(mailbox->mail, '@');
    discover_mailbox_t m = {
        .user = mailbox->user,
        .mail = mailbox->mail,
        .local = at ? apr_pstrmemdup(pool, mailbox->mail,
                                     (apr_size_t)(at - mailbox->mail))
                    : mailbox->mail,
        .domain = mailbox->domain,
        .display_name = mailbox->display_name,
        .guid = mailbox->guid,
        .legacy_dn = mailbox->legacy_dn,
        .host = mailbox->host,
    };

    return m;
}

/* The settings for mailboxes of `domain`. */
static discover_error_e settings_for(request_rec *r, const char *domain,
                                     discover_settings_t *settings,
                                     const char **why)
{
    const autodiscover_server_t *conf = autodiscover_server_of(r->server);

    if (discover_domain_settings(settings, &conf->settings, conf->domains,
                                 domain) == APR_SUCCESS) {
        return DISCOVER_OK;
    }
    *why = "no AutodiscoverDomain is configured for this domain";
    return DISCOVER_NO_CONFIGURATION;
}

/* 1 when the question names the caller by the distinguished name that we
 * derived for a mailbox without one of its own. */
static int is_derived_name(request_rec *r, const mailbox_t *caller,
                           const discover_question_t *question)
{
    discover_mailbox_t m = plain(caller, r->pool);
    discover_settings_t settings;
    const char *why;

    return question->legacy_dn && !caller->legacy_dn &&
           settings_for(r, m.domain, &settings, &why) == DISCOVER_OK &&
           strcasecmp(question->legacy_dn,
                      discover_answer_legacy_dn(&settings, &m, r->pool)) == 0;
}

static int is_same(const mailbox_t *a, const mailbox_t *b)
{
    return strcmp(a->guid, b->guid) == 0 && strcasecmp(a->user, b->user) == 0;
}

/* The mailbox that is asked about.  Whatever is no business of the caller's is
 * an unknown address, and so is an ambiguous one that is not his own. */
static discover_error_e find_target(request_rec *r, const mailbox_t *caller,
                                    const discover_question_t *question,
                                    const mailbox_t **target, const char **why)
{
    apr_status_t rv;

    if (is_derived_name(r, caller, question)) {
        *target = caller;
        return DISCOVER_OK;
    }
    rv =
        question->legacy_dn
            ? find_mailbox(r, MAILBOX_BY_LEGACY_DN, question->legacy_dn, target)
            : find_mailbox(r, MAILBOX_BY_ADDRESS, question->address, target);
    if (rv == APR_SUCCESS && may_ask(r, caller, *target)) {
        return DISCOVER_OK;
    }
    if (rv == APR_EMISMATCH && question->address &&
        is_own_address(caller, question->address)) {
        return error_of(rv, why);
    }
    if (rv == APR_SUCCESS || rv == APR_NOTFOUND || rv == APR_INCOMPLETE ||
        rv == APR_EMISMATCH) {
        *why = rv == APR_SUCCESS ? "the user may not ask about this mailbox"
                                 : "no mailbox has this address";
        return DISCOVER_UNKNOWN_ADDRESS;
    }
    return error_of(rv, why);
}

/* 1, and the answer, for an address whose domain is hosted elsewhere.  The
 * directory knows nothing of such mailboxes and is not asked. */
static int is_answered_elsewhere(request_rec *r, const char *text,
                                 discover_answer_t *answer,
                                 discover_error_e *error, const char **why)
{
    discover_settings_t settings;
    mailaddr_t address;

    if (!text || mailaddr_parse(&address, text, strlen(text), why, r->pool) !=
                     APR_SUCCESS) {
        return 0;
    }
    if (settings_for(r, address.domain, &settings, why) != DISCOVER_OK ||
        (!settings.redirect_address && !settings.redirect_url)) {
        return 0;
    }
    *error =
        discover_answer_redirect(answer, &settings, &address, why, r->pool);
    return 1;
}

/* The answer for a mailbox that the caller may know.  With its further
 * mailboxes, where those of `target` are the caller's business. */
static discover_error_e answer_for(request_rec *r, const mailbox_t *target,
                                   int with_alternatives,
                                   discover_answer_t *answer, const char **why)
{
    discover_mailbox_t mailbox = plain(target, r->pool);
    discover_settings_t settings;
    discover_error_e error = settings_for(r, mailbox.domain, &settings, why);

    if (error != DISCOVER_OK ||
        is_answered_elsewhere(r, mailbox.mail, answer, &error, why)) {
        return error;
    }
    error = discover_answer_make(answer, &settings, &mailbox, why, r->pool);
    if (error == DISCOVER_OK && with_alternatives) {
        autodiscover_add_alternatives(r, &settings, target, answer);
    }
    return error;
}

discover_error_e autodiscover_answer(request_rec *r,
                                     const discover_question_t *question,
                                     discover_answer_t *answer,
                                     const char **why)
{
    const mailbox_t *caller, *target;
    discover_error_e error;

    if (is_answered_elsewhere(r, question->address, answer, &error, why)) {
        return error;
    }
    error = error_of(find_mailbox(r, MAILBOX_BY_LOGIN, r->user, &caller), why);
    if (error == DISCOVER_OK) {
        error = find_target(r, caller, question, &target, why);
    }
    return error == DISCOVER_OK ? answer_for(r, target,
                                             question->wants_alternatives &&
                                                 is_same(caller, target),
                                             answer, why)
                                : error;
}

discover_error_e autodiscover_any_answer(request_rec *r, const char *address,
                                         discover_answer_t *answer,
                                         const char **why)
{
    const mailbox_t *target;
    discover_error_e error;

    if (is_answered_elsewhere(r, address, answer, &error, why)) {
        return error;
    }
    error =
        error_of(find_mailbox(r, MAILBOX_BY_ADDRESS, address, &target), why);
    return error == DISCOVER_OK ? answer_for(r, target, 1, answer, why) : error;
}

discover_error_e autodiscover_own_answer(request_rec *r,
                                         discover_answer_t *answer,
                                         const char **why)
{
    const mailbox_t *caller;
    discover_error_e error =
        error_of(find_mailbox(r, MAILBOX_BY_LOGIN, r->user, &caller), why);

    return error == DISCOVER_OK ? answer_for(r, caller, 0, answer, why) : error;
}

/* 1 when one of the caller's addresses is in `domain`. */
static int is_own_domain(const mailbox_t *caller, const char *domain)
{
    int i;

    for (i = 0; i < caller->addresses->nelts; i++) {
        const char *at =
            strrchr(APR_ARRAY_IDX(caller->addresses, i, const char *), '@');

        if (at && strcasecmp(at + 1, domain) == 0) {
            return 1;
        }
    }
    return 0;
}

discover_error_e autodiscover_domain_answer(request_rec *r, const char *domain,
                                            discover_answer_t *answer,
                                            const char **why)
{
    const mailbox_t *caller;
    discover_error_e error =
        error_of(find_mailbox(r, MAILBOX_BY_LOGIN, r->user, &caller), why);

    if (error == DISCOVER_OK && !is_own_domain(caller, domain)) {
        *why = "the user has no address in this domain";
        error = DISCOVER_UNKNOWN_ADDRESS;
    }
    return error == DISCOVER_OK ? answer_for(r, caller, 0, answer, why) : error;
}

discover_error_e
autodiscover_anybodys_answer(request_rec *r, const char *host_domain,
                             const char *mail, const char *local,
                             discover_answer_t *answer, const char **why)
{
    const autodiscover_server_t *conf = autodiscover_server_of(r->server);
    const discover_domain_t *domain =
        discover_domain_find(conf->domains, host_domain);
    discover_mailbox_t mailbox = {
        .user = local, .mail = mail, .local = local, .display_name = mail};
    discover_settings_t settings;

    /* The configured name is what answers are made of, so a wildcard, which
     * has none, does not count. */
    if (!domain || domain->name[0] == '*') {
        *why = "no AutodiscoverDomain is configured for this host";
        return DISCOVER_NO_CONFIGURATION;
    }
    discover_settings_merge(&settings, &conf->settings, domain->settings);
    if (settings.redirect_address || settings.redirect_url) {
        *why = "the domain is hosted elsewhere";
        return DISCOVER_NO_CONFIGURATION;
    }
    mailbox.domain = domain->name;
    return discover_answer_make_public(answer, &settings, &mailbox, why,
                                       r->pool);
}

discover_error_e autodiscover_public_answer(request_rec *r, const char *address,
                                            discover_answer_t *answer,
                                            const char **why)
{
    discover_settings_t settings;
    mailaddr_t parsed;
    discover_mailbox_t mailbox = {0};
    discover_error_e error;

    if (mailaddr_parse(&parsed, address, strlen(address), why, r->pool) !=
        APR_SUCCESS) {
        return DISCOVER_UNKNOWN_ADDRESS;
    }
    error = settings_for(r, parsed.domain, &settings, why);
    if (error != DISCOVER_OK ||
        is_answered_elsewhere(r, address, answer, &error, why)) {
        return error;
    }
    mailbox.mail = mailbox.display_name = parsed.text;
    mailbox.local = mailbox.user = parsed.local;
    mailbox.domain = parsed.domain;
    return discover_answer_make_public(answer, &settings, &mailbox, why,
                                       r->pool);
}
