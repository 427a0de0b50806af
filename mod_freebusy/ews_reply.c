/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "ews_reply.h"
#include "datetime.h"
#include "ews_zone.h"
#include "tzif.h"
#include "windows_zones.h"

#include <apr_strings.h>

static void boolean(xml_out_t *x, const char *name, int value)
{
    xml_out_element(x, name, value ? "true" : "false");
}

/* m:ResponseMessage: success, or the error. */
static void response_message(xml_out_t *x, const availability_error_t *error)
{
    int failed = error && error->code;

    xml_out_start(x, "m:ResponseMessage");
    xml_out_attribute(x, "ResponseClass", failed ? "Error" : "Success");
    if (failed) {
        xml_out_element(x, "m:MessageText", error->text);
    }
    xml_out_element(x, "m:ResponseCode", failed ? error->code : "NoError");
    if (failed) {
        xml_out_element(x, "m:DescriptiveLinkKey", "0");
    }
    xml_out_end(x);
}

/* Details of an event.  Of a private one only that it is private, except for
 * the owner. */
static void details(xml_out_t *x, const busy_period_t *p, int owner)
{
    int hidden = p->private_ && !owner;

    xml_out_start(x, "t:CalendarEventDetails");
    if (!hidden) {
        xml_out_element(x, "t:ID", p->id);
        xml_out_element(x, "t:Subject", p->subject);
        xml_out_element(x, "t:Location", p->location);
    }
    boolean(x, "t:IsMeeting", p->meeting);
    boolean(x, "t:IsRecurring", p->recurring);
    boolean(x, "t:IsException", p->exception);
    boolean(x, "t:IsReminderSet", p->reminder);
    boolean(x, "t:IsPrivate", p->private_);
    xml_out_end(x);
}

/* Times are on the caller's clock and carry no offset: what all clients read
 * alike. */
static void event(xml_out_t *x, const busy_period_t *p, const timezone_t *zone,
                  apr_pool_t *pool)
{
    xml_out_element(x, "t:StartTime",
                    datetime_print(timezone_to_local(zone, p->start), pool));
    xml_out_element(x, "t:EndTime",
                    datetime_print(timezone_to_local(zone, p->end), pool));
    xml_out_element(x, "t:BusyType", availability_busy_name(p->type));
}

/* No CalendarEventArray at all when nothing is in it: an empty one is an event
 * to some clients. */
static void events(xml_out_t *x, const availability_request_t *request,
                   const availability_result_t *result, int with_details,
                   apr_pool_t *pool)
{
    const apr_array_header_t *list = result->busy->periods;
    int i;

    if (list->nelts == 0) {
        return;
    }
    xml_out_start(x, "t:CalendarEventArray");
    for (i = 0; i < list->nelts; i++) {
        const busy_period_t *p = &APR_ARRAY_IDX(list, i, busy_period_t);

        xml_out_start(x, "t:CalendarEvent");
        event(x, p, request->zone, pool);
        if (with_details && p->type != BUSY_NO_DATA) {
            details(x, p, result->grant == AVAILABILITY_GRANT_OWNER);
        }
        xml_out_end(x);
    }
    xml_out_end(x);
}

static const char *day_list(unsigned days, apr_pool_t *pool)
{
    const char *list = "";
    int i;

    for (i = 1; i <= 7; i++) {
        if (days & 1u << i % 7) {
            list = apr_pstrcat(pool, list, *list ? " " : "",
                               ews_zone_weekday_name(i % 7), NULL);
        }
    }
    return list;
}

static void working_hours(xml_out_t *x, const availability_request_t *request,
                          const hours_t *hours, apr_pool_t *pool)
{
    int i;

    xml_out_start(x, "t:WorkingHours");
    xml_out_start(x, "t:TimeZone");
    ews_zone_write(x, hours->zone ? hours->zone : request->zone,
                   request->window.start, pool);
    xml_out_end(x);
    xml_out_start(x, "t:WorkingPeriodArray");
    for (i = 0; i < hours->count; i++) {
        const hours_period_t *p = &hours->periods[i];

        xml_out_start(x, "t:WorkingPeriod");
        xml_out_element(x, "t:DayOfWeek", day_list(p->days, pool));
        xml_out_element(x, "t:StartTimeInMinutes", apr_itoa(pool, p->from));
        xml_out_element(x, "t:EndTimeInMinutes", apr_itoa(pool, p->to));
        xml_out_end(x);
    }
    xml_out_end(x);
    xml_out_end(x);
}

static void free_busy_view(xml_out_t *x, const availability_request_t *request,
                           const availability_result_t *result,
                           apr_pool_t *pool)
{
    availability_view_e view = AVAILABILITY_VIEW_NONE;

    if (!result->error.code) {
        view = availability_view(request->view, result->grant,
                                 result->busy->has_details);
    }
    xml_out_start(x, "m:FreeBusyView");
    xml_out_element(x, "t:FreeBusyViewType", availability_view_name(view));
    if (availability_view_has_digits(view)) {
        xml_out_element(x, "t:MergedFreeBusy",
                        busy_merge(result->busy, request->interval, pool));
    }
    if (availability_view_has_events(view)) {
        events(x, request, result, availability_view_has_details(view), pool);
        if (result->hours) {
            working_hours(x, request, result->hours, pool);
        }
    }
    xml_out_end(x);
}

/* What stands in the way of one attendee at a suggested time. */
static void conflict(xml_out_t *x, busy_type_e type, int known)
{
    if (!known) {
        xml_out_start(x, "t:UnknownAttendeeConflictData");
        xml_out_end(x);
        return;
    }
    xml_out_start(x, "t:IndividualAttendeeConflictData");
    xml_out_element(x, "t:BusyType", availability_busy_name(type));
    xml_out_end(x);
}

static void suggestion(xml_out_t *x, const suggest_time_t *t,
                       const availability_request_t *request,
                       const availability_result_t *results, apr_pool_t *pool)
{
    int i;

    xml_out_start(x, "t:Suggestion");
    xml_out_element(
        x, "t:MeetingTime",
        datetime_print(timezone_to_local(request->zone, t->start), pool));
    boolean(x, "t:IsWorkTime", t->is_work_time);
    xml_out_element(x, "t:SuggestionQuality", suggest_quality_name(t->quality));
    xml_out_start(x, "t:AttendeeConflictDataArray");
    for (i = 0; i < request->attendees->nelts; i++) {
        conflict(x, t->conflicts[i], results[i].suggest_busy != NULL);
    }
    xml_out_end(x);
    xml_out_end(x);
}

static void suggestions(xml_out_t *x, const ews_request_t *request,
                        const availability_result_t *results,
                        const apr_array_header_t *days, apr_pool_t *pool)
{
    int i, j;

    xml_out_start(x, "m:SuggestionsResponse");
    response_message(x, &request->suggestions.error);
    if (days) {
        xml_out_start(x, "m:SuggestionDayResultArray");
        for (i = 0; i < days->nelts; i++) {
            const suggest_day_t *day = &APR_ARRAY_IDX(days, i, suggest_day_t);

            xml_out_start(x, "t:SuggestionDayResult");
            xml_out_element(x, "t:Date", datetime_print(day->date, pool));
            xml_out_element(x, "t:DayQuality",
                            suggest_quality_name(day->quality));
            xml_out_start(x, "t:SuggestionArray");
            for (j = 0; j < day->times->nelts; j++) {
                suggestion(x, &APR_ARRAY_IDX(day->times, j, suggest_time_t),
                           &request->availability, results, pool);
            }
            xml_out_end(x);
            xml_out_end(x);
        }
        xml_out_end(x);
    }
    xml_out_end(x);
}

xml_out_t *ews_reply_availability(const ews_request_t *request,
                                  const availability_result_t *results,
                                  const apr_array_header_t *days,
                                  apr_pool_t *pool)
{
    const availability_request_t *a = &request->availability;
    xml_out_t *x = soap_start(request->version, pool);
    int i;

    xml_out_start(x, "m:GetUserAvailabilityResponse");
    if (a->wants_view) {
        xml_out_start(x, "m:FreeBusyResponseArray");
        for (i = 0; i < a->attendees->nelts; i++) {
            xml_out_start(x, "m:FreeBusyResponse");
            response_message(x, &results[i].error);
            free_busy_view(x, a, &results[i], pool);
            xml_out_end(x);
        }
        xml_out_end(x);
    }
    if (request->suggestions.wanted) {
        suggestions(x, request, results, days, pool);
    }
    return x;
}

static void oof_reply(xml_out_t *x, const char *name, const oof_reply_t *reply)
{
    xml_out_start(x, name);
    if (reply->language) {
        xml_out_attribute(x, "xml:lang", reply->language);
    }
    xml_out_element(x, "t:Message", reply->message);
    xml_out_end(x);
}

/* Everything, always: Outlook and others trip over what is missing. */
static void oof_settings(xml_out_t *x, const oof_t *oof, apr_pool_t *pool)
{
    xml_out_start(x, "t:OofSettings");
    xml_out_element(x, "t:OofState", oof_state_name(oof->state));
    xml_out_element(x, "t:ExternalAudience", oof_audience_name(oof->audience));
    xml_out_start(x, "t:Duration");
    xml_out_element(x, "t:StartTime", datetime_print_utc(oof->start, pool));
    xml_out_element(x, "t:EndTime", datetime_print_utc(oof->end, pool));
    xml_out_end(x);
    oof_reply(x, "t:InternalReply", &oof->internal);
    oof_reply(x, "t:ExternalReply", &oof->external);
    xml_out_end(x);
}

xml_out_t *ews_reply_get_oof(soap_version_e version, const oof_t *oof,
                             oof_audience_e allowed,
                             const availability_error_t *error,
                             apr_pool_t *pool)
{
    xml_out_t *x = soap_start(version, pool);

    xml_out_start(x, "m:GetUserOofSettingsResponse");
    response_message(x, error);
    if (!error->code) {
        oof_settings(x, oof, pool);
        xml_out_element(x, "m:AllowExternalOof", oof_audience_name(allowed));
    }
    return x;
}

xml_out_t *ews_reply_set_oof(soap_version_e version,
                             const availability_error_t *error,
                             apr_pool_t *pool)
{
    xml_out_t *x = soap_start(version, pool);

    xml_out_start(x, "m:SetUserOofSettingsResponse");
    response_message(x, error);
    return x;
}

/* Zones of the list that exist, or every one. */
static void definitions(xml_out_t *x, const ews_request_t *request,
                        apr_int64_t now, apr_pool_t *pool)
{
    const apr_array_header_t *ids = request->zone_ids;
    int i, count = ids ? ids->nelts : windows_zones_count();

    for (i = 0; i < count; i++) {
        const char *id = ids ? APR_ARRAY_IDX(ids, i, const char *)
                             : windows_zones[i].windows;
        const windows_zone_t *zone = windows_zones_find(id);
        timezone_t *tz;

        if (zone && tzif_load(&tz, zone->iana, pool) == APR_SUCCESS) {
            ews_zone_write_definition(x, zone->windows, tz, now,
                                      request->full_zone_data, pool);
        }
    }
}

xml_out_t *ews_reply_time_zones(const ews_request_t *request, apr_int64_t now,
                                apr_pool_t *pool)
{
    xml_out_t *x = soap_start(request->version, pool);

    xml_out_start(x, "m:GetServerTimeZonesResponse");
    xml_out_start(x, "m:ResponseMessages");
    xml_out_start(x, "m:GetServerTimeZonesResponseMessage");
    xml_out_attribute(x, "ResponseClass", "Success");
    xml_out_element(x, "m:ResponseCode", "NoError");
    xml_out_start(x, "m:TimeZoneDefinitions");
    definitions(x, request, now, pool);
    return x;
}

xml_out_t *ews_reply_not_offered(soap_version_e version, const char *name,
                                 apr_pool_t *pool)
{
    xml_out_t *x = soap_start(version, pool);

    xml_out_start(x, apr_pstrcat(pool, "m:", name, "Response", NULL));
    xml_out_start(x, "m:ResponseMessages");
    xml_out_start(x, apr_pstrcat(pool, "m:", name, "ResponseMessage", NULL));
    xml_out_attribute(x, "ResponseClass", "Error");
    xml_out_element(x, "m:MessageText",
                    "The operation is not offered by this server.");
    xml_out_element(x, "m:ResponseCode", "ErrorInvalidOperation");
    xml_out_element(x, "m:DescriptiveLinkKey", "0");
    return x;
}
