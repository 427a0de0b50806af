/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_MOD_AUTODISCOVER_SET_H
#define POSTERN_MOD_AUTODISCOVER_SET_H

/* The setters of the directives.  Each returns NULL, or a sentence that names
 * the directive and says what to write instead. */

#include "mod_autodiscover.h"

#define DOMAIN_SECTION "<AutodiscoverDomain"

/* --- for setters --- */

/* The settings that the directive changes: a domain's or the server's. */
discover_settings_t *autodiscover_settings_of(cmd_parms *cmd);

/* The member of the settings that the directive sets. */
void *autodiscover_member_of(cmd_parms *cmd);

/* A sentence when the directive stands in a domain section. */
const char *autodiscover_check_outside(cmd_parms *cmd);

/* 1 for the word None. */
int autodiscover_is_none(const char *word);

/* `value` as it looks for a mailbox of example.com; a sentence when a variable
 * in it is wrong. */
const char *autodiscover_try_out(cmd_parms *cmd, const char *value,
                                 discover_place_e place, const char **tried);

/* A sentence when `host`, with its variables, is no host name. */
const char *autodiscover_check_host(cmd_parms *cmd, const char *host);

/* 1, and a decimal number of at most `max`, at *text, which is moved behind
 * it. */
int autodiscover_read_number(const char **text, int max, int *number);

/* --- setters --- */

const char *autodiscover_set_enabled(cmd_parms *cmd, void *dir, int flag);
const char *autodiscover_set_server_name(cmd_parms *cmd, void *dir,
                                         const char *host);
const char *autodiscover_set_url(cmd_parms *cmd, void *dir, const char *url);
const char *autodiscover_set_mapi_url(cmd_parms *cmd, void *dir,
                                      const char *url);
const char *autodiscover_set_dn(cmd_parms *cmd, void *dir, const char *dn);
const char *autodiscover_set_deployment_id(cmd_parms *cmd, void *dir,
                                           const char *guid);
const char *autodiscover_set_text(cmd_parms *cmd, void *dir, const char *text);
const char *autodiscover_set_ttl(cmd_parms *cmd, void *dir, const char *hours);
const char *autodiscover_set_version(cmd_parms *cmd, void *dir,
                                     const char *text);
const char *autodiscover_set_http_redirect(cmd_parms *cmd, void *dir,
                                           const char *url);
const char *autodiscover_set_redirect_url(cmd_parms *cmd, void *dir,
                                          const char *url);
const char *autodiscover_set_redirect_address(cmd_parms *cmd, void *dir,
                                              const char *address);
const char *autodiscover_set_address(cmd_parms *cmd, void *dir,
                                     const char *address);
const char *autodiscover_set_alternative(cmd_parms *cmd, void *dir,
                                         const char *type, const char *address,
                                         const char *name);
const char *autodiscover_set_delegated(cmd_parms *cmd, void *dir, int flag);
const char *autodiscover_set_signer(cmd_parms *cmd, void *dir,
                                    const char *certificate, const char *key);
const char *autodiscover_set_network(cmd_parms *cmd, void *dir,
                                     const char *network);
const char *autodiscover_domain_section(cmd_parms *cmd, void *dir,
                                        const char *arg);
const char *autodiscover_set_exchange_server(cmd_parms *cmd, void *dir,
                                             const char *host,
                                             const char *package);
const char *autodiscover_set_rpc_proxy(cmd_parms *cmd, void *dir, int argc,
                                       char *const argv[]);
const char *autodiscover_set_cert_principal(cmd_parms *cmd, void *dir,
                                            const char *name);
const char *autodiscover_set_mail_server(cmd_parms *cmd, void *dir,
                                         const char *host, const char *port,
                                         const char *security);

#endif
