/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_AUTODISCOVER_H
#define POSTERN_MOD_AUTODISCOVER_H

/* What the files of the glue share.  Message numbers 12001.. */

#include "answer.h"
#include "domain.h"
#include "question.h"
#include "settings.h"
#include "signer.h"

#include "mod_mailbox/mod_mailbox.h"

#include <httpd.h>
#include <http_config.h>

#define AUTODISCOVER_POX_PATH "/autodiscover/autodiscover.xml"
#define AUTODISCOVER_SOAP_PATH "/autodiscover/autodiscover.svc"
#define AUTODISCOVER_JSON_PATH "/autodiscover/autodiscover.json"

/* The configuration of a server or virtual host. */
typedef struct autodiscover_server_t {
    int enabled; /* -1 unset */
    const char *http_redirect;
    discover_signer_t *signer;    /* of configuration profiles */
    apr_array_header_t *networks; /* apr_ipsubnet_t *; NULL unset */
    discover_settings_t settings;
    apr_array_header_t *domains; /* discover_domain_t */
} autodiscover_server_t;

extern module AP_MODULE_DECLARE_DATA autodiscover_module;

/* mod_autodiscover_config.c */
extern const command_rec autodiscover_commands[];
void *autodiscover_create_server(apr_pool_t *pool, server_rec *s);
void *autodiscover_merge_server(apr_pool_t *pool, void *base, void *add);
autodiscover_server_t *autodiscover_server_of(const server_rec *s);

/* mod_autodiscover_check.c: OK, or HTTP_INTERNAL_SERVER_ERROR after a sentence
 * to the administrator; a hook, run at start and by httpd -t. */
int autodiscover_check_config(apr_pool_t *pconf, apr_pool_t *plog,
                              apr_pool_t *ptemp, server_rec *s);

/* mod_autodiscover_authtype.c: the AuthType that the server and its <Location>
 * sections give to `path`, or NULL; "" when the configuration leaves an AuthType
 * to an expression.  Only before the first request. */
const char *autodiscover_auth_type(server_rec *s, const char *path,
                                   apr_pool_t *pool);

/* 1 when the configuration has an AuthType in any place. */
int autodiscover_has_any_auth_type(void);

/* mod_autodiscover.c: 1 when r->user is somebody; else the log says what is
 * wrong with the location. */
int autodiscover_is_logged_in(request_rec *r);

/* mod_autodiscover.c: reads the body of a POST by somebody who is logged in.
 * OK, or the HTTP status to return. */
int autodiscover_read_post(request_rec *r, const char **bytes, apr_size_t *len);

/* mod_autodiscover.c: the log level of an answer with `error`: what the
 * administrator must mend is an error, the rest information. */
int autodiscover_level_of(discover_error_e error);

/* mod_autodiscover_pox.c, _soap.c, _json.c, _autoconfig.c,
 * _mobileconfig.c: content handlers. */
int autodiscover_handle_pox(request_rec *r);
int autodiscover_handle_soap(request_rec *r);
int autodiscover_handle_json(request_rec *r);
int autodiscover_handle_autoconfig(request_rec *r);
int autodiscover_handle_mobileconfig(request_rec *r);
int autodiscover_handle_caldav(request_rec *r);
int autodiscover_handle_carddav(request_rec *r);

/* mod_autodiscover_page.c: the handler autodiscover-check. */
int autodiscover_show_check(request_rec *r);

/* mod_autodiscover_pox.c: the document that answers `question` when the look-up
 * ended in *error, for DISCOVER_OK with `answer`.  What the printer cannot say
 * changes *error, with a static *why.  APR_EINVAL when it could not be printed. */
apr_status_t
autodiscover_pox_bytes(request_rec *r, const discover_question_t *question,
                       discover_error_e *error, const discover_answer_t *answer,
                       const char **bytes, apr_size_t *len, const char **why);

/* mod_autodiscover_mailbox.c: finds the mailbox that r->user asks about by
 * `question` and makes its answer.  DISCOVER_OK or why there is none, with a
 * static *why for the log.  A mailbox that r->user may not ask about is
 * DISCOVER_UNKNOWN_ADDRESS. */
discover_error_e autodiscover_answer(request_rec *r,
                                     const discover_question_t *question,
                                     discover_answer_t *answer,
                                     const char **why);

/* The answer for any mailbox: for administrators alone. */
discover_error_e autodiscover_any_answer(request_rec *r, const char *address,
                                         discover_answer_t *answer,
                                         const char **why);

/* The same for r->user's own mailbox. */
discover_error_e autodiscover_own_answer(request_rec *r,
                                         discover_answer_t *answer,
                                         const char **why);

/* The same for a domain: the answer for r->user's own mailbox when it has an
 * address in `domain`, else DISCOVER_UNKNOWN_ADDRESS. */
discover_error_e autodiscover_domain_answer(request_rec *r, const char *domain,
                                            discover_answer_t *answer,
                                            const char **why);

/* The answer for anybody in the domain of `address`, without asking the
 * directory; what depends on the mailbox is left out.  DISCOVER_UNKNOWN_ADDRESS
 * or DISCOVER_NO_CONFIGURATION when the domain is not ours. */
discover_error_e autodiscover_public_answer(request_rec *r, const char *address,
                                            discover_answer_t *answer,
                                            const char **why);

/* The same when no address is known: `mail` and `local` stand for it.
 * `host_domain`, which a client said, chooses one of the domains that
 * <AutodiscoverDomain> names in full. */
discover_error_e
autodiscover_anybodys_answer(request_rec *r, const char *host_domain,
                             const char *mail, const char *local,
                             discover_answer_t *answer, const char **why);

/* Takes the optional functions of mod_mailbox; 0 when it is not loaded. */
int autodiscover_mailbox_ready(void);

/* mod_autodiscover_alternative.c: the same; and names in `answer`, which is
 * made, the further mailboxes that `settings` gives its `owner`.  What cannot
 * be found out is left out (logged). */
int autodiscover_alternative_ready(void);
void autodiscover_add_alternatives(request_rec *r,
                                   const discover_settings_t *settings,
                                   const mailbox_t *owner,
                                   discover_answer_t *answer);

#endif
