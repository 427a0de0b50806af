/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "autoconfig.h"

#include "lib/xml.h"

#include <apr_strings.h>

int discover_autoconfig_is_complete(const discover_answer_t *a)
{
    return (a->imap.host || a->pop3.host) && a->smtp.host;
}

static void print_server(xml_out_t *x, const discover_answer_t *a,
                         const char *element, const char *type,
                         const discover_mail_server_t *server, apr_pool_t *pool)
{
    static const char *const socket_types[] = {"SSL", "STARTTLS", "plain"};

    if (!server->host) {
        return;
    }
    xml_out_start(x, element);
    xml_out_attribute(x, "type", type);
    xml_out_element(x, "hostname", server->host);
    xml_out_element(x, "port", apr_itoa(pool, server->port));
    xml_out_element(x, "socketType", socket_types[server->security]);
    xml_out_element(x, "username", a->login_name);
    xml_out_element(x, "authentication", "password-cleartext");
    xml_out_end(x);
}

apr_status_t discover_autoconfig_print(const discover_answer_t *a,
                                       const char **bytes, apr_size_t *len,
                                       apr_pool_t *pool)
{
    xml_out_t *x = xml_out_create(pool);

    xml_out_start(x, "clientConfig");
    xml_out_attribute(x, "version", "1.1");
    xml_out_start(x, "emailProvider");
    xml_out_attribute(x, "id", a->mailbox.domain);
    xml_out_element(x, "domain", a->mailbox.domain);
    xml_out_element(x, "displayName", a->display_name);
    xml_out_element(x, "displayShortName", a->display_name);
    print_server(x, a, "incomingServer", "imap", &a->imap, pool);
    print_server(x, a, "incomingServer", "pop3", &a->pop3, pool);
    print_server(x, a, "outgoingServer", "smtp", &a->smtp, pool);
    return xml_out_finish(x, bytes, len);
}
