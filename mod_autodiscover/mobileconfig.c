/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mobileconfig.h"
#include "uuid.h"

#include "lib/xml.h"

#include <apr_strings.h>
#include <apr_uri.h>
#include <string.h>

#define HTTPS_PORT 443

/* What the functions below share. */
typedef struct profile_t {
    xml_out_t *x;
    const discover_answer_t *answer;
    apr_pool_t *pool;
    apr_status_t rv;
} profile_t;

/* --- property lists --- */

static void put_string(profile_t *p, const char *key, const char *value)
{
    xml_out_element(p->x, "key", key);
    xml_out_element(p->x, "string", value);
}

static void put_number(profile_t *p, const char *key, int value)
{
    xml_out_element(p->x, "key", key);
    xml_out_element(p->x, "integer", apr_itoa(p->pool, value));
}

static void put_flag(profile_t *p, const char *key, int value)
{
    xml_out_element(p->x, "key", key);
    xml_out_start(p->x, value ? "true" : "false");
    xml_out_end(p->x);
}

/* The keys that every payload has.  `kind` tells those of one profile apart. */
static void put_payload(profile_t *p, const char *type, const char *kind,
                        const char *name)
{
    const char *identity =
        apr_pstrcat(p->pool, p->answer->mailbox.guid, "/", kind, NULL);

    put_string(p, "PayloadType", type);
    put_number(p, "PayloadVersion", 1);
    put_string(p, "PayloadIdentifier",
               apr_pstrcat(p->pool, "postern.", p->answer->mailbox.guid, ".",
                           kind, NULL));
    put_string(p, "PayloadUUID", discover_uuid_of(identity, p->pool));
    put_string(p, "PayloadDisplayName", name);
}

/* --- accounts --- */

static void put_server(profile_t *p, const char *way,
                       const discover_mail_server_t *server)
{
    const char *prefix = apr_pstrcat(p->pool, way, "MailServer", NULL);

    put_string(p, apr_pstrcat(p->pool, prefix, "Authentication", NULL),
               "EmailAuthPassword");
    put_string(p, apr_pstrcat(p->pool, prefix, "HostName", NULL), server->host);
    put_number(p, apr_pstrcat(p->pool, prefix, "PortNumber", NULL),
               server->port);
    put_flag(p, apr_pstrcat(p->pool, prefix, "UseSSL", NULL),
             server->security != DISCOVER_SECURITY_PLAIN);
    put_string(p, apr_pstrcat(p->pool, prefix, "Username", NULL),
               p->answer->login_name);
}

static const discover_mail_server_t *incoming(const discover_answer_t *a)
{
    return a->imap.host ? &a->imap : &a->pop3;
}

static void put_mail(profile_t *p)
{
    const discover_answer_t *a = p->answer;

    if (!incoming(a)->host || !a->smtp.host) {
        return;
    }
    xml_out_start(p->x, "dict");
    put_payload(p, "com.apple.mail.managed", "mail", "Mail");
    put_string(p, "EmailAccountType",
               a->imap.host ? "EmailTypeIMAP" : "EmailTypePOP");
    put_string(p, "EmailAccountDescription", a->display_name);
    put_string(p, "EmailAccountName", a->mailbox.display_name);
    put_string(p, "EmailAddress", a->mailbox.mail);
    put_server(p, "Incoming", incoming(a));
    put_server(p, "Outgoing", &a->smtp);
    put_flag(p, "OutgoingPasswordSameAsIncomingPassword", 1);
    xml_out_end(p->x);
}

/* CalDAV and CardDAV differ in their names alone. */
static void put_dav(profile_t *p, const char *protocol, const char *kind,
                    const char *name, const char *url)
{
    apr_uri_t uri;

    if (!url) {
        return;
    }
    if (apr_uri_parse(p->pool, url, &uri) != APR_SUCCESS || !uri.hostname) {
        p->rv = APR_EINVAL;
        return;
    }
    xml_out_start(p->x, "dict");
    put_payload(p, apr_psprintf(p->pool, "com.apple.%s.account", kind), kind,
                name);
    put_string(p, apr_pstrcat(p->pool, protocol, "AccountDescription", NULL),
               p->answer->display_name);
    put_string(p, apr_pstrcat(p->pool, protocol, "HostName", NULL),
               uri.hostname);
    put_number(p, apr_pstrcat(p->pool, protocol, "Port", NULL),
               uri.port_str ? uri.port : HTTPS_PORT);
    put_string(p, apr_pstrcat(p->pool, protocol, "PrincipalURL", NULL), url);
    put_flag(p, apr_pstrcat(p->pool, protocol, "UseSSL", NULL), 1);
    put_string(p, apr_pstrcat(p->pool, protocol, "Username", NULL),
               p->answer->login_name);
    xml_out_end(p->x);
}

static void put_active_sync(profile_t *p)
{
    const discover_answer_t *a = p->answer;
    apr_uri_t uri;

    if (!a->eas_url) {
        return;
    }
    if (apr_uri_parse(p->pool, a->eas_url, &uri) != APR_SUCCESS ||
        !uri.hostinfo) {
        p->rv = APR_EINVAL;
        return;
    }
    xml_out_start(p->x, "dict");
    put_payload(p, "com.apple.eas.account", "eas", "ActiveSync");
    put_string(p, "EmailAddress", a->mailbox.mail);
    put_string(p, "Host", uri.hostinfo);
    put_flag(p, "SSL", 1);
    put_string(p, "UserName", a->login_name);
    xml_out_end(p->x);
}

int discover_mobileconfig_is_complete(const discover_answer_t *a)
{
    return (incoming(a)->host && a->smtp.host) || a->caldav_url ||
           a->carddav_url || a->eas_url;
}

apr_status_t discover_mobileconfig_print(const discover_answer_t *a,
                                         const char **bytes, apr_size_t *len,
                                         apr_pool_t *pool)
{
    profile_t p = {.x = xml_out_create(pool), .answer = a, .pool = pool};

    xml_out_start(p.x, "plist");
    xml_out_attribute(p.x, "version", "1.0");
    xml_out_start(p.x, "dict");
    xml_out_element(p.x, "key", "PayloadContent");
    xml_out_start(p.x, "array");
    put_mail(&p);
    put_dav(&p, "CalDAV", "caldav", "Calendars", a->caldav_url);
    put_dav(&p, "CardDAV", "carddav", "Contacts", a->carddav_url);
    put_active_sync(&p);
    xml_out_end(p.x);
    put_payload(&p, "Configuration", "profile", a->display_name);
    put_string(&p, "PayloadDescription",
               apr_pstrcat(pool, "Accounts of ", a->mailbox.mail, NULL));
    put_string(&p, "PayloadOrganization", a->display_name);
    put_flag(&p, "PayloadRemovalDisallowed", 0);
    return p.rv == APR_SUCCESS ? xml_out_finish(p.x, bytes, len) : p.rv;
}
