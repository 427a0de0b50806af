/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "source_outbox.h"
#include "datetime.h"

#include "lib/xml.h"

#include <apr_cstr.h>
#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define CALDAV "urn:ietf:params:xml:ns:caldav"
#define FOLD 74 /* RFC 5545 section 3.1: 75 bytes and the line break */

/* Appends a content line, folded. */
static void line(apr_array_header_t *parts, const char *name, const char *value,
                 apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, name, value, NULL);

    while (strlen(text) > FOLD) {
        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrcat(pool, apr_pstrndup(pool, text, FOLD), "\r\n ", NULL);
        text += FOLD;
    }
    APR_ARRAY_PUSH(parts, const char *) = apr_pstrcat(pool, text, "\r\n", NULL);
}

static int is_sound(const char *address)
{
    const char *p;

    for (p = address; *p; p++) {
        if (apr_iscntrl(*p)) {
            return 0;
        }
    }
    return p > address;
}

int source_outbox_write(const char **body, const source_question_t *question,
                        source_calendar_t *calendars, int count,
                        apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(char *));
    const busy_window_t *w = &question->window;
    const char *now = datetime_print_basic(apr_time_sec(apr_time_now()), pool);
    int i, asked = 0;

    line(parts, "BEGIN:VCALENDAR", "", pool);
    line(parts, "VERSION:2.0", "", pool);
    line(parts, "PRODID:-//Postern//mod_freebusy//EN", "", pool);
    line(parts, "METHOD:REQUEST", "", pool);
    line(parts, "BEGIN:VFREEBUSY", "", pool);
    line(parts,
         "UID:", apr_pstrcat(pool, question->caller->guid, "-", now, NULL),
         pool);
    line(parts, "DTSTAMP:", now, pool);
    line(parts, "DTSTART:", datetime_print_basic(w->start, pool), pool);
    line(parts, "DTEND:", datetime_print_basic(w->end, pool), pool);
    line(parts, "ORGANIZER:mailto:", question->caller->mail, pool);
    for (i = 0; i < count; i++) {
        calendars[i].rv = APR_EINVAL;
        calendars[i].why = "the address cannot stand in a calendar";
        if (is_sound(calendars[i].values.mail)) {
            line(parts, "ATTENDEE:mailto:", calendars[i].values.mail, pool);
            asked++;
        }
    }
    line(parts, "END:VFREEBUSY", "", pool);
    line(parts, "END:VCALENDAR", "", pool);
    *body = apr_array_pstrcat(pool, parts, 0);
    return asked > 0 && is_sound(question->caller->mail);
}

static const char *lower(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *p;

    for (p = copy; *p; p++) {
        *p = (char)apr_tolower(*p);
    }
    return copy;
}

/* Recipients come bare or in a DAV:href, with mailto: or without. */
static const char *address_of(xmlNodePtr response, apr_pool_t *pool)
{
    const char *text =
        xml_trimmed(xml_child(response, CALDAV, "recipient"), pool);

    if (text && apr_cstr_casecmpn(text, "mailto:", 7) == 0) {
        text += 7;
    }
    return text;
}

/* RFC 6638 section 3.2.7 and RFC 5546 section 3.6: 2.x is success. */
static void take(source_calendar_t *c, xmlNodePtr response, apr_pool_t *pool)
{
    const char *status =
        xml_trimmed(xml_child(response, CALDAV, "request-status"), pool);
    const char *data =
        xml_text(xml_child(response, CALDAV, "calendar-data"), pool);

    if (status && *status == '2' && data) {
        c->rv = APR_SUCCESS;
        c->data = data;
        c->len = strlen(data);
    }
    else if (status && strncmp(status, "3.7", 3) == 0) {
        c->rv = APR_NOTFOUND;
        c->why = "the server does not know this user";
    }
    else if (status && strncmp(status, "3.8", 3) == 0) {
        c->rv = APR_EACCES;
        c->why = "the server does not show this user";
    }
    else {
        c->rv = APR_EGENERAL;
        c->why = "the server cannot say";
    }
}

apr_status_t source_outbox_read(const char *answer, apr_size_t len,
                                source_calendar_t *calendars, int count,
                                const char **why, apr_pool_t *pool)
{
    const xml_limits_t limits = {len, 16, 10000};
    apr_hash_t *by_address = apr_hash_make(pool);
    xmlNodePtr root, n;
    xmlDocPtr doc;
    int i;

    if (xml_parse(&doc, answer, len, &limits, why, pool) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    root = xmlDocGetRootElement(doc);
    if (!xml_is(root, CALDAV, "schedule-response")) {
        *why = "the answer is none of a scheduling outbox";
        return APR_EINVAL;
    }
    for (n = xml_next(root, NULL); n; n = xml_next(root, n)) {
        const char *address = address_of(n, pool);

        if (address) {
            apr_hash_set(by_address, lower(address, pool), APR_HASH_KEY_STRING,
                         n);
        }
    }
    for (i = 0; i < count; i++) {
        n = apr_hash_get(by_address, lower(calendars[i].values.mail, pool),
                         APR_HASH_KEY_STRING);
        calendars[i].rv = APR_EGENERAL;
        calendars[i].why = "the answer leaves this user out";
        if (n) {
            take(&calendars[i], n, pool);
        }
    }
    return APR_SUCCESS;
}
