/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* Who is the caller, and which mailbox is that: the module record. */

#include "mod_mailbox_private.h"

#include <http_protocol.h>
#include <http_request.h>

static void register_hooks(apr_pool_t *p)
{
    mailbox_register_provider(p);
    mailbox_register_functions();
    mailbox_register_cache();
    mailbox_register_socache(p);
    mailbox_register_delay();
    mailbox_register_rights(p);
    mailbox_register_delegated();
    ap_hook_optional_fn_retrieve(mailbox_ldap_retrieve, NULL, NULL,
                                 APR_HOOK_MIDDLE);
    ap_hook_check_config(mailbox_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(mailbox_ldap_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(mailbox_answer_unavailable, NULL, NULL,
                                APR_HOOK_MIDDLE);
    ap_hook_fixups(mailbox_set_env, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(mailbox_show, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA mailbox_module = {
    STANDARD20_MODULE_STUFF,
    mailbox_create_conf,   /* per-directory config creator */
    mailbox_merge_conf,    /* dir config merger */
    mailbox_create_server, /* server config creator */
    NULL,                  /* server config merger */
    mailbox_directives,    /* command table */
    register_hooks,        /* set up other request processing hooks */
    0,                     /* flags */
};
