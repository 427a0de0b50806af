/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* The types of EWS that its operations here need, in the order of its schemas:
 * [MS-OXWAVLS], [MS-OXWOOF] and [MS-OXWGTZ]. */

#include "wsdl.h"

#include <stddef.h>

/* clang-format off */

#define TYPE(name) {WSDL_TYPE, name, NULL, NULL, NULL}
#define ONE(name, type) {WSDL_ELEMENT, name, type, NULL, NULL}
#define MAYBE(name, type) {WSDL_ELEMENT, name, type, "0", NULL}
#define MANY(name, type) {WSDL_ELEMENT, name, type, "0", "unbounded"}
#define REF(name) {WSDL_ELEMENT, name, NULL, NULL, NULL}
#define MAYBE_REF(name) {WSDL_ELEMENT, name, NULL, "0", NULL}
#define ANY {WSDL_ANY, "any", NULL, NULL, NULL}
#define HAS(name, type) {WSDL_ATTRIBUTE, name, type, NULL, NULL}
#define MAY_HAVE(name, type) {WSDL_ATTRIBUTE, name, type, "0", NULL}
#define GLOBAL(name, type) {WSDL_GLOBAL, name, type, NULL, NULL}
#define ENUM(name) {WSDL_ENUMERATION, name, NULL, NULL, NULL}
#define VALUE(name) {WSDL_VALUE, name, NULL, NULL, NULL}
#define LIST(name, type) {WSDL_LIST, name, type, NULL, NULL}
#define END {WSDL_TYPE, NULL, NULL, NULL, NULL}

const wsdl_row_t wsdl_types[] = {
    /* headers */
    TYPE("RequestServerVersionType"),
        HAS("Version", "xs:string"),
    TYPE("ServerVersionInfoType"),
        MAY_HAVE("MajorVersion", "xs:int"),
        MAY_HAVE("MinorVersion", "xs:int"),
        MAY_HAVE("MajorBuildNumber", "xs:int"),
        MAY_HAVE("MinorBuildNumber", "xs:int"),
        MAY_HAVE("Version", "xs:string"),
    TYPE("TimeZoneDefinitionType"),
        ANY,
        MAY_HAVE("Id", "xs:string"),
        MAY_HAVE("Name", "xs:string"),
    TYPE("ArrayOfTimeZoneDefinitionType"),
        MANY("TimeZoneDefinition", "t:TimeZoneDefinitionType"),
    TYPE("NonEmptyArrayOfTimeZoneIdType"),
        {WSDL_ELEMENT, "Id", "xs:string", NULL, "unbounded"},
    TYPE("TimeZoneContextType"),
        ONE("TimeZoneDefinition", "t:TimeZoneDefinitionType"),

    /* who */
    TYPE("EmailAddress"),
        MAYBE("Name", "xs:string"),
        ONE("Address", "xs:string"),
        MAYBE("RoutingType", "xs:string"),
    ENUM("MeetingAttendeeType"),
        VALUE("Organizer"), VALUE("Required"), VALUE("Optional"),
        VALUE("Room"), VALUE("Resource"),
    TYPE("MailboxData"),
        ONE("Email", "t:EmailAddress"),
        ONE("AttendeeType", "t:MeetingAttendeeType"),
        MAYBE("ExcludeConflicts", "xs:boolean"),
    TYPE("ArrayOfMailboxData"),
        MANY("MailboxData", "t:MailboxData"),

    /* when */
    TYPE("Duration"),
        ONE("StartTime", "xs:dateTime"),
        ONE("EndTime", "xs:dateTime"),
    ENUM("DayOfWeekType"),
        VALUE("Sunday"), VALUE("Monday"), VALUE("Tuesday"), VALUE("Wednesday"),
        VALUE("Thursday"), VALUE("Friday"), VALUE("Saturday"), VALUE("Day"),
        VALUE("Weekday"), VALUE("WeekendDay"),
    LIST("DaysOfWeekType", "t:DayOfWeekType"),
    TYPE("SerializableTimeZoneTime"),
        ONE("Bias", "xs:int"),
        ONE("Time", "xs:string"),
        ONE("DayOrder", "xs:short"),
        ONE("Month", "xs:short"),
        ONE("DayOfWeek", "t:DayOfWeekType"),
        MAYBE("Year", "xs:string"),
    TYPE("SerializableTimeZone"),
        ONE("Bias", "xs:int"),
        ONE("StandardTime", "t:SerializableTimeZoneTime"),
        ONE("DaylightTime", "t:SerializableTimeZoneTime"),

    /* what is asked */
    ENUM("FreeBusyViewType"),
        VALUE("None"), VALUE("MergedOnly"), VALUE("FreeBusy"),
        VALUE("FreeBusyMerged"), VALUE("Detailed"), VALUE("DetailedMerged"),
    TYPE("FreeBusyViewOptionsType"),
        ONE("TimeWindow", "t:Duration"),
        MAYBE("MergedFreeBusyIntervalInMinutes", "xs:int"),
        MAYBE("RequestedView", "t:FreeBusyViewType"),
    ENUM("SuggestionQuality"),
        VALUE("Excellent"), VALUE("Good"), VALUE("Fair"), VALUE("Poor"),
    TYPE("SuggestionsViewOptionsType"),
        MAYBE("GoodThreshold", "xs:int"),
        MAYBE("MaximumResultsByDay", "xs:int"),
        MAYBE("MaximumNonWorkHourResultsByDay", "xs:int"),
        MAYBE("MeetingDurationInMinutes", "xs:int"),
        MAYBE("MinimumSuggestionQuality", "t:SuggestionQuality"),
        ONE("DetailedSuggestionsWindow", "t:Duration"),
        MAYBE("CurrentMeetingTime", "xs:dateTime"),
        MAYBE("GlobalObjectId", "xs:string"),

    /* what is answered */
    ENUM("LegacyFreeBusyType"),
        VALUE("Free"), VALUE("Tentative"), VALUE("Busy"), VALUE("OOF"),
        VALUE("WorkingElsewhere"), VALUE("NoData"),
    TYPE("CalendarEventDetails"),
        MAYBE("ID", "xs:string"),
        MAYBE("Subject", "xs:string"),
        MAYBE("Location", "xs:string"),
        ONE("IsMeeting", "xs:boolean"),
        ONE("IsRecurring", "xs:boolean"),
        ONE("IsException", "xs:boolean"),
        ONE("IsReminderSet", "xs:boolean"),
        ONE("IsPrivate", "xs:boolean"),
    TYPE("CalendarEvent"),
        ONE("StartTime", "xs:dateTime"),
        ONE("EndTime", "xs:dateTime"),
        ONE("BusyType", "t:LegacyFreeBusyType"),
        MAYBE("CalendarEventDetails", "t:CalendarEventDetails"),
    TYPE("ArrayOfCalendarEvent"),
        MANY("CalendarEvent", "t:CalendarEvent"),
    TYPE("WorkingPeriod"),
        ONE("DayOfWeek", "t:DaysOfWeekType"),
        ONE("StartTimeInMinutes", "xs:int"),
        ONE("EndTimeInMinutes", "xs:int"),
    TYPE("ArrayOfWorkingPeriod"),
        MANY("WorkingPeriod", "t:WorkingPeriod"),
    TYPE("WorkingHours"),
        ONE("TimeZone", "t:SerializableTimeZone"),
        ONE("WorkingPeriodArray", "t:ArrayOfWorkingPeriod"),
    TYPE("FreeBusyView"),
        ONE("FreeBusyViewType", "t:FreeBusyViewType"),
        MAYBE("MergedFreeBusy", "xs:string"),
        MAYBE("CalendarEventArray", "t:ArrayOfCalendarEvent"),
        MAYBE("WorkingHours", "t:WorkingHours"),
    TYPE("UnknownAttendeeConflictData"),
    TYPE("IndividualAttendeeConflictData"),
        ONE("BusyType", "t:LegacyFreeBusyType"),
    TYPE("ArrayOfAttendeeConflictData"),
        ANY,
    TYPE("Suggestion"),
        ONE("MeetingTime", "xs:dateTime"),
        ONE("IsWorkTime", "xs:boolean"),
        ONE("SuggestionQuality", "t:SuggestionQuality"),
        ONE("AttendeeConflictDataArray", "t:ArrayOfAttendeeConflictData"),
    TYPE("ArrayOfSuggestion"),
        MANY("Suggestion", "t:Suggestion"),
    TYPE("SuggestionDayResult"),
        ONE("Date", "xs:dateTime"),
        ONE("DayQuality", "t:SuggestionQuality"),
        ONE("SuggestionArray", "t:ArrayOfSuggestion"),
    TYPE("ArrayOfSuggestionDayResult"),
        MANY("SuggestionDayResult", "t:SuggestionDayResult"),

    /* out of office */
    ENUM("OofState"),
        VALUE("Disabled"), VALUE("Enabled"), VALUE("Scheduled"),
    ENUM("ExternalAudience"),
        VALUE("None"), VALUE("Known"), VALUE("All"),
    TYPE("ReplyBody"),
        MAYBE("Message", "xs:string"),
    TYPE("UserOofSettingsType"),
        ONE("OofState", "t:OofState"),
        ONE("ExternalAudience", "t:ExternalAudience"),
        MAYBE("Duration", "t:Duration"),
        MAYBE("InternalReply", "t:ReplyBody"),
        MAYBE("ExternalReply", "t:ReplyBody"),

    GLOBAL("RequestServerVersion", "t:RequestServerVersionType"),
    GLOBAL("ServerVersionInfo", "t:ServerVersionInfoType"),
    GLOBAL("TimeZoneContext", "t:TimeZoneContextType"),
    GLOBAL("TimeZone", "t:SerializableTimeZone"),
    GLOBAL("FreeBusyViewOptions", "t:FreeBusyViewOptionsType"),
    GLOBAL("SuggestionsViewOptions", "t:SuggestionsViewOptionsType"),
    GLOBAL("Mailbox", "t:EmailAddress"),
    GLOBAL("UserOofSettings", "t:UserOofSettingsType"),
    GLOBAL("OofSettings", "t:UserOofSettingsType"),
    END,
};

const wsdl_row_t wsdl_messages[] = {
    ENUM("ResponseClassType"),
        VALUE("Success"), VALUE("Warning"), VALUE("Error"),
    TYPE("ResponseMessageType"),
        MAYBE("MessageText", "xs:string"),
        MAYBE("ResponseCode", "xs:string"),
        MAYBE("DescriptiveLinkKey", "xs:int"),
        HAS("ResponseClass", "m:ResponseClassType"),

    TYPE("GetUserAvailabilityRequestType"),
        MAYBE_REF("t:TimeZone"),
        ONE("MailboxDataArray", "t:ArrayOfMailboxData"),
        MAYBE_REF("t:FreeBusyViewOptions"),
        MAYBE_REF("t:SuggestionsViewOptions"),
    TYPE("FreeBusyResponseType"),
        MAYBE("ResponseMessage", "m:ResponseMessageType"),
        MAYBE("FreeBusyView", "t:FreeBusyView"),
    TYPE("ArrayOfFreeBusyResponse"),
        MANY("FreeBusyResponse", "m:FreeBusyResponseType"),
    TYPE("SuggestionsResponseType"),
        MAYBE("ResponseMessage", "m:ResponseMessageType"),
        MAYBE("SuggestionDayResultArray", "t:ArrayOfSuggestionDayResult"),
    TYPE("GetUserAvailabilityResponseType"),
        MAYBE("FreeBusyResponseArray", "m:ArrayOfFreeBusyResponse"),
        MAYBE("SuggestionsResponse", "m:SuggestionsResponseType"),

    TYPE("GetUserOofSettingsRequestType"),
        REF("t:Mailbox"),
    TYPE("GetUserOofSettingsResponseType"),
        ONE("ResponseMessage", "m:ResponseMessageType"),
        MAYBE_REF("t:OofSettings"),
        MAYBE("AllowExternalOof", "t:ExternalAudience"),
    TYPE("SetUserOofSettingsRequestType"),
        REF("t:Mailbox"),
        REF("t:UserOofSettings"),
    TYPE("SetUserOofSettingsResponseType"),
        ONE("ResponseMessage", "m:ResponseMessageType"),

    TYPE("GetServerTimeZonesType"),
        MAYBE("Ids", "t:NonEmptyArrayOfTimeZoneIdType"),
        MAY_HAVE("ReturnFullTimeZoneData", "xs:boolean"),
    TYPE("GetServerTimeZonesResponseMessageType"),
        MAYBE("MessageText", "xs:string"),
        MAYBE("ResponseCode", "xs:string"),
        MAYBE("TimeZoneDefinitions", "t:ArrayOfTimeZoneDefinitionType"),
        HAS("ResponseClass", "m:ResponseClassType"),
    TYPE("ArrayOfServerTimeZonesMessage"),
        MANY("GetServerTimeZonesResponseMessage",
             "m:GetServerTimeZonesResponseMessageType"),
    TYPE("GetServerTimeZonesResponseType"),
        ONE("ResponseMessages", "m:ArrayOfServerTimeZonesMessage"),

    GLOBAL("GetUserAvailabilityRequest", "m:GetUserAvailabilityRequestType"),
    GLOBAL("GetUserAvailabilityResponse", "m:GetUserAvailabilityResponseType"),
    GLOBAL("GetUserOofSettingsRequest", "m:GetUserOofSettingsRequestType"),
    GLOBAL("GetUserOofSettingsResponse", "m:GetUserOofSettingsResponseType"),
    GLOBAL("SetUserOofSettingsRequest", "m:SetUserOofSettingsRequestType"),
    GLOBAL("SetUserOofSettingsResponse", "m:SetUserOofSettingsResponseType"),
    GLOBAL("GetServerTimeZones", "m:GetServerTimeZonesType"),
    GLOBAL("GetServerTimeZonesResponse", "m:GetServerTimeZonesResponseType"),
    END,
};

/* clang-format on */
