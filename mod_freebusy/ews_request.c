/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ews_request.h"
#include "datetime.h"
#include "ews_zone.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

#define ZONE_IDS_MAX 1000
#define ADDRESS_MAX 1024 /* a legacy DN may be longer than a mail address */

static void fail(availability_error_t *error, const char *code,
                 const char *text)
{
    if (!error->code) {
        error->code = code;
        error->text = text;
    }
}

static xmlNodePtr child(xmlNodePtr parent, const char *name)
{
    return xml_child(parent, SOAP_NS_TYPES, name);
}

static const char *text_of(xmlNodePtr parent, const char *name,
                           apr_pool_t *pool)
{
    return xml_trimmed(child(parent, name), pool);
}

/* An EmailAddress: Name, Address, RoutingType in any order.  0 without one. */
static int read_mailbox(availability_attendee_t *out, xmlNodePtr node,
                        apr_pool_t *pool)
{
    const char *address = text_of(node, "Address", pool);
    const char *routing = text_of(node, "RoutingType", pool);

    if (!address || !*address || strlen(address) > ADDRESS_MAX) {
        out->address = "";
        return 0;
    }
    out->address = address;
    out->legacy_dn = routing && apr_cstr_casecmp(routing, "EX") == 0;
    return 1;
}

/* xs:boolean in both spellings. */
static int is_true(const char *text)
{
    return text && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

static const struct {
    const char *type;
    availability_role_e role;
} roles[] = {
    {"Organizer", AVAILABILITY_ROLE_ORGANIZER},
    {"Required", AVAILABILITY_ROLE_REQUIRED},
    {"Optional", AVAILABILITY_ROLE_OPTIONAL},
    {"Room", AVAILABILITY_ROLE_ROOM},
    {"Resource", AVAILABILITY_ROLE_REQUIRED},
};

static void read_role(availability_attendee_t *attendee, xmlNodePtr node,
                      apr_pool_t *pool)
{
    const char *type = text_of(node, "AttendeeType", pool);
    size_t i;

    for (i = 0; type && i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(type, roles[i].type) == 0) {
            attendee->role = roles[i].role;
        }
    }
    attendee->exclude_conflicts =
        is_true(text_of(node, "ExcludeConflicts", pool));
}

static void read_attendees(availability_request_t *request,
                           availability_error_t *fault, xmlNodePtr list,
                           apr_pool_t *pool)
{
    xmlNodePtr n;

    request->attendees =
        apr_array_make(pool, 8, sizeof(availability_attendee_t));
    for (n = xml_next(list, NULL); n; n = xml_next(list, n)) {
        availability_attendee_t attendee = {0};

        if (!xml_is(n, SOAP_NS_TYPES, "MailboxData")) {
            continue;
        }
        if (request->attendees->nelts == AVAILABILITY_MAILBOXES_MAX) {
            fail(fault, "ErrorMailboxDataArrayTooBig",
                 "More than 100 mailboxes were asked for.");
            return;
        }
        read_mailbox(&attendee, child(n, "Email"), pool);
        read_role(&attendee, n, pool);
        APR_ARRAY_PUSH(request->attendees, availability_attendee_t) = attendee;
    }
    if (request->attendees->nelts == 0) {
        fail(fault, "ErrorMailboxDataArrayEmpty", "No mailbox was asked for.");
    }
}

static void read_zone(availability_request_t *request,
                      availability_error_t *fault, const soap_request_t *soap,
                      apr_pool_t *pool)
{
    xmlNodePtr zone = child(soap->operation, "TimeZone");
    xmlNodePtr definition =
        child(child(soap->header, "TimeZoneContext"), "TimeZoneDefinition");
    timezone_t *tz = NULL;
    const char *why;

    if (zone) {
        if (ews_zone_read(&tz, zone, &why, pool) != APR_SUCCESS) {
            fail(fault, "ErrorTimeZone", why);
        }
    }
    else if (definition) {
        if (ews_zone_read_definition(&tz, definition, &why, pool) !=
            APR_SUCCESS) {
            fail(fault, "ErrorTimeZone", why);
        }
    }
    request->zone = tz && !fault->code ? tz : timezone_fixed(0, pool);
}

/* A time of a TimeWindow: an offset wins, else it is on the caller's clock. */
static int read_moment(apr_int64_t *utc, xmlNodePtr parent, const char *name,
                       const timezone_t *zone, apr_pool_t *pool)
{
    const char *text = text_of(parent, name, pool);
    datetime_t t;

    if (!text || datetime_parse(&t, text) != APR_SUCCESS) {
        return 0;
    }
    *utc =
        t.has_offset ? t.seconds - t.offset : timezone_to_utc(zone, t.seconds);
    return 1;
}

static void read_window(busy_window_t *w, availability_error_t *error,
                        xmlNodePtr node, const timezone_t *zone,
                        apr_pool_t *pool)
{
    if (!read_moment(&w->start, node, "StartTime", zone, pool) ||
        !read_moment(&w->end, node, "EndTime", zone, pool)) {
        fail(error, "ErrorInvalidTimeInterval",
             "The time window has a start or an end that is no time.");
    }
    else if (w->end <= w->start) {
        fail(error, "ErrorInvalidTimeInterval",
             "The time window must end after its start.");
    }
    /* A clock that is put back makes a day longer. */
    else if (w->end - w->start >
             AVAILABILITY_WINDOW_DAYS_MAX * DATETIME_DAY + DATETIME_HOUR) {
        fail(error, "ErrorTimeIntervalTooBig",
             "The time window is longer than 62 days.");
    }
}

static void read_view(availability_request_t *request, xmlNodePtr options,
                      apr_pool_t *pool)
{
    const char *interval =
        text_of(options, "MergedFreeBusyIntervalInMinutes", pool);
    const char *view = text_of(options, "RequestedView", pool);

    read_window(&request->window, &request->error, child(options, "TimeWindow"),
                request->zone, pool);
    if (interval && datetime_parse_int(
                        &request->interval, interval, AVAILABILITY_INTERVAL_MIN,
                        AVAILABILITY_INTERVAL_MAX) != APR_SUCCESS) {
        fail(&request->error, "ErrorInvalidMergedFreeBusyInterval",
             "The interval must be 5 to 1440 minutes.");
    }
    if (view && (!availability_view_read(&request->view, view) ||
                 request->view == AVAILABILITY_VIEW_NONE)) {
        fail(&request->error, "ErrorInvalidFreeBusyViewType",
             "The requested view is none that can be asked for.");
    }
}

/* The numbers of SuggestionsViewOptions, with what holds when they are absent. */
static const struct {
    const char *name;
    size_t at;
    int min, max, absent;
} suggestion_numbers[] = {
    {"GoodThreshold", offsetof(suggest_options_t, good_threshold), 1, 49, 25},
    {"MaximumResultsByDay", offsetof(suggest_options_t, max), 0, 48, 10},
    {"MaximumNonWorkHourResultsByDay", offsetof(suggest_options_t, max_other),
     0, 48, 0},
    {"MeetingDurationInMinutes", offsetof(suggest_options_t, duration), 30,
     1440, 60},
    {"SuggestionIntervalInMinutes", offsetof(suggest_options_t, step), 5, 1440,
     30},
};

/* The meeting that is to be moved, after its duration was read. */
static void read_moved(ews_suggestions_t *s, xmlNodePtr node,
                       const timezone_t *zone, apr_pool_t *pool)
{
    meeting_t *moved = &s->options.moved;
    const char *id = text_of(node, "GlobalObjectId", pool);

    if (id && *id) {
        moved->uid = meeting_uid(id, pool);
    }
    if (!child(node, "CurrentMeetingTime")) {
        return;
    }
    moved->has_time =
        read_moment(&moved->start, node, "CurrentMeetingTime", zone, pool);
    moved->end = moved->start + s->options.duration * DATETIME_MINUTE;
    if (!moved->has_time) {
        fail(&s->error, "ErrorInvalidParameter",
             "CurrentMeetingTime is no time.");
    }
}

static void read_suggestions(ews_suggestions_t *s, xmlNodePtr node,
                             const timezone_t *zone, apr_pool_t *pool)
{
    const char *minimum = text_of(node, "MinimumSuggestionQuality", pool);
    size_t i;

    s->wanted = 1;
    s->options.minimum = SUGGEST_FAIR;
    for (i = 0; i < sizeof(suggestion_numbers) / sizeof(suggestion_numbers[0]);
         i++) {
        const char *text = text_of(node, suggestion_numbers[i].name, pool);
        int *number = (int *)((char *)&s->options + suggestion_numbers[i].at);

        *number = suggestion_numbers[i].absent;
        if (text &&
            datetime_parse_int(number, text, suggestion_numbers[i].min,
                               suggestion_numbers[i].max) != APR_SUCCESS) {
            fail(&s->error, "ErrorInvalidParameter",
                 apr_pstrcat(pool, suggestion_numbers[i].name,
                             " is out of its range.", NULL));
        }
    }
    if (minimum && !suggest_quality_read(&s->options.minimum, minimum)) {
        fail(&s->error, "ErrorInvalidParameter",
             "MinimumSuggestionQuality is unknown.");
    }
    read_window(&s->options.window, &s->error,
                child(node, "DetailedSuggestionsWindow"), zone, pool);
    read_moved(s, node, zone, pool);
}

static void read_availability(ews_request_t *request,
                              const soap_request_t *soap, apr_pool_t *pool)
{
    availability_request_t *a = &request->availability;
    xmlNodePtr options = child(soap->operation, "FreeBusyViewOptions");
    xmlNodePtr suggestions = child(soap->operation, "SuggestionsViewOptions");

    read_attendees(
        a, &request->fault,
        xml_child(soap->operation, SOAP_NS_MESSAGES, "MailboxDataArray"), pool);
    read_zone(a, &request->fault, soap, pool);
    a->interval = AVAILABILITY_INTERVAL_DEFAULT;
    a->view = AVAILABILITY_VIEW_FREE_BUSY;
    a->wants_view = options != NULL;
    if (options) {
        read_view(a, options, pool);
    }
    if (suggestions) {
        read_suggestions(&request->suggestions, suggestions, a->zone, pool);
    }
    if (!options && !suggestions) {
        fail(&request->fault, "ErrorSchemaValidation",
             "Neither a view nor suggestions were asked for.");
    }
}

static int read_reply(oof_reply_t *reply, xmlNodePtr node, apr_pool_t *pool)
{
    xmlNodePtr message = child(node, "Message");
    xmlChar *lang;

    reply->message = "";
    if (!node) {
        return 0;
    }
    if (message) {
        reply->message = xml_text(message, pool);
    }
    lang = xmlNodeGetLang(node);
    if (lang) {
        reply->language = apr_pstrdup(pool, (const char *)lang);
        xmlFree(lang);
    }
    return 1;
}

static void read_oof_settings(ews_oof_request_t *o, xmlNodePtr settings,
                              apr_pool_t *pool)
{
    const timezone_t *utc = timezone_fixed(0, pool);
    xmlNodePtr duration = child(settings, "Duration");
    const char *audience = text_of(settings, "ExternalAudience", pool);

    if (!oof_state_read(&o->oof.state, text_of(settings, "OofState", pool)) ||
        (audience && !oof_audience_read(&o->oof.audience, audience))) {
        fail(&o->error, "ErrorInvalidUserOofSettings",
             "OofState or ExternalAudience is missing or unknown.");
    }
    if (!audience) {
        o->oof.audience = OOF_AUDIENCE_NONE;
    }
    if (duration) {
        o->has_duration = 1;
        if (!read_moment(&o->oof.start, duration, "StartTime", utc, pool) ||
            !read_moment(&o->oof.end, duration, "EndTime", utc, pool)) {
            fail(&o->error, "ErrorInvalidScheduledOofDuration",
                 "Duration has a start or an end that is no time.");
        }
    }
    o->has_internal =
        read_reply(&o->oof.internal, child(settings, "InternalReply"), pool);
    o->has_external =
        read_reply(&o->oof.external, child(settings, "ExternalReply"), pool);
}

static void read_oof(ews_request_t *request, xmlNodePtr operation, int set,
                     apr_pool_t *pool)
{
    ews_oof_request_t *o = &request->oof;
    xmlNodePtr settings = child(operation, "UserOofSettings");

    if (!read_mailbox(&o->mailbox, child(operation, "Mailbox"), pool)) {
        fail(&request->fault, "ErrorSchemaValidation",
             "The request names no mailbox.");
    }
    if (!set) {
        return;
    }
    if (!settings) {
        fail(&request->fault, "ErrorSchemaValidation",
             "The request has no UserOofSettings.");
        return;
    }
    read_oof_settings(o, settings, pool);
}

static void read_zone_ids(ews_request_t *request, xmlNodePtr operation,
                          apr_pool_t *pool)
{
    const char *full = xml_attribute(operation, "ReturnFullTimeZoneData", pool);
    xmlNodePtr ids = xml_child(operation, SOAP_NS_MESSAGES, "Ids"), n;

    request->full_zone_data = !full || is_true(full);
    if (!ids) {
        return;
    }
    request->zone_ids = apr_array_make(pool, 2, sizeof(char *));
    for (n = xml_next(ids, NULL); n; n = xml_next(ids, n)) {
        if (request->zone_ids->nelts < ZONE_IDS_MAX) {
            APR_ARRAY_PUSH(request->zone_ids, const char *) =
                xml_trimmed(n, pool);
        }
    }
}

static void check_version(ews_request_t *request, xmlNodePtr header,
                          apr_pool_t *pool)
{
    xmlNodePtr node = child(header, "RequestServerVersion");
    const char *version = xml_attribute(node, "Version", pool);

    if (node && (!version || !ews_operation_is_version(version))) {
        fail(&request->fault, "ErrorInvalidServerVersion",
             "The specified server version is invalid.");
    }
}

void ews_request_read(ews_request_t *request, const char *bytes, apr_size_t len,
                      apr_pool_t *pool)
{
    soap_request_t soap;
    const char *why;
    apr_status_t rv = soap_parse(&soap, bytes, len, &why, pool);

    memset(request, 0, sizeof(*request));
    request->version = soap.version;
    request->name = soap.name;
    if (rv != APR_SUCCESS) {
        fail(&request->fault, "ErrorSchemaValidation",
             apr_pstrcat(pool, "The request failed schema validation: ", why,
                         ".", NULL));
        return;
    }
    request->operation = ews_operation_find(soap.name);
    check_version(request, soap.header, pool);
    switch (request->operation) {
    case EWS_GET_USER_AVAILABILITY:
        read_availability(request, &soap, pool);
        break;
    case EWS_GET_USER_OOF_SETTINGS:
    case EWS_SET_USER_OOF_SETTINGS:
        read_oof(request, soap.operation,
                 request->operation == EWS_SET_USER_OOF_SETTINGS, pool);
        break;
    case EWS_GET_SERVER_TIME_ZONES:
        read_zone_ids(request, soap.operation, pool);
        break;
    case EWS_UNKNOWN:
    case EWS_FAULT:
        fail(&request->fault, "ErrorInvalidOperation",
             "The operation is not offered by this server.");
        break;
    default:
        break;
    }
}
