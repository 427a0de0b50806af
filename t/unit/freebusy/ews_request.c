/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/ews_request.h"
#include "mod_freebusy/datetime.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#define HEAD(prefix, ns)                                                       \
    "<s:Envelope xmlns:s=\"" ns "\" xmlns:" prefix                             \
    "=\"http://schemas.microsoft.com/exchange/services/2006/types\" "          \
    "xmlns=\"http://schemas.microsoft.com/exchange/services/2006/messages\">"
#define SOAP11 "http://schemas.xmlsoap.org/soap/envelope/"
#define SOAP12 "http://www.w3.org/2003/05/soap-envelope"
#define ENVELOPE(header, body)                                                 \
    HEAD("t", SOAP11)                                                          \
    "<s:Header>" header "</s:Header><s:Body>" body "</s:Body></s:Envelope>"
#define MAILBOX(address)                                                       \
    "<t:MailboxData><t:Email><t:Address>" address                              \
    "</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>"          \
    "</t:MailboxData>"
#define OPTIONS(start, end, more)                                              \
    "<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>" start                 \
    "</t:StartTime><t:EndTime>" end "</t:EndTime></t:TimeWindow>" more         \
    "</t:FreeBusyViewOptions>"
#define MARCH OPTIONS("2026-03-28T00:00:00", "2026-03-30T00:00:00", "")
#define AVAILABILITY(zone, mailboxes, options)                                 \
    "<GetUserAvailabilityRequest>" zone "<MailboxDataArray>" mailboxes         \
    "</MailboxDataArray>" options "</GetUserAvailabilityRequest>"
#define PERIOD(name, bias, time, order, month, day)                            \
    "<t:" name "><t:Bias>" bias "</t:Bias><t:Time>" time                       \
    "</t:Time><t:DayOrder>" order "</t:DayOrder><t:Month>" month               \
    "</t:Month><t:DayOfWeek>" day "</t:DayOfWeek></t:" name ">"
#define BERLIN                                                                 \
    "<t:TimeZone><t:Bias>-60</t:Bias>" PERIOD("StandardTime", "0", "03:00:00", \
                                              "5", "10", "Sunday")             \
        PERIOD("DaylightTime", "-60", "02:00:00", "5", "3",                    \
               "Sunday") "</t:TimeZone>"
#define ALICE MAILBOX("alice@example.test")

static const struct {
    const char *name, *text;
    const char *fault; /* ResponseCode, or NULL */
    const char *error; /* of the options, or NULL */
} rows[] = {
    {"sound", ENVELOPE("", AVAILABILITY(BERLIN, ALICE, MARCH)), NULL, NULL},
    {"no zone: UTC", ENVELOPE("", AVAILABILITY("", ALICE, MARCH)), NULL, NULL},
    {"SOAP 1.2, another prefix",
     HEAD("q",
          SOAP12) "<s:Body><GetUserOofSettingsRequest><q:Mailbox><q:Address>"
                  "a@b</q:Address></q:Mailbox></GetUserOofSettingsRequest>"
                  "</s:Body></s:Envelope>",
     NULL, NULL},
    {"unknown children are let be",
     ENVELOPE("<t:Extra/>", AVAILABILITY(BERLIN, "<t:Other/>" ALICE,
                                         MARCH "<t:ExcludeNonWorkingHours/>")),
     NULL, NULL},
    {"version known",
     ENVELOPE("<t:RequestServerVersion Version=\"Exchange2013_SP1\"/>",
              AVAILABILITY(BERLIN, ALICE, MARCH)),
     NULL, NULL},
    {"version of a date",
     ENVELOPE("<t:RequestServerVersion Version=\"V2017_07_11\"/>",
              AVAILABILITY(BERLIN, ALICE, MARCH)),
     NULL, NULL},
    {"version unknown",
     ENVELOPE("<t:RequestServerVersion Version=\"Exchange1999\"/>",
              AVAILABILITY(BERLIN, ALICE, MARCH)),
     "ErrorInvalidServerVersion", NULL},
    {"version empty",
     ENVELOPE("<t:RequestServerVersion/>", AVAILABILITY(BERLIN, ALICE, MARCH)),
     "ErrorInvalidServerVersion", NULL},
    {"nobody asked for", ENVELOPE("", AVAILABILITY(BERLIN, "", MARCH)),
     "ErrorMailboxDataArrayEmpty", NULL},
    {"nothing asked for", ENVELOPE("", AVAILABILITY(BERLIN, ALICE, "")),
     "ErrorSchemaValidation", NULL},
    {"ends before it starts",
     ENVELOPE("", AVAILABILITY(BERLIN, ALICE,
                               OPTIONS("2026-03-30T00:00:00",
                                       "2026-03-28T00:00:00", ""))),
     NULL, "ErrorInvalidTimeInterval"},
    {"empty window",
     ENVELOPE("", AVAILABILITY(BERLIN, ALICE,
                               OPTIONS("2026-03-28T00:00:00",
                                       "2026-03-28T00:00:00", ""))),
     NULL, "ErrorInvalidTimeInterval"},
    {"30 February",
     ENVELOPE("", AVAILABILITY(BERLIN, ALICE,
                               OPTIONS("2006-02-30T00:00:00",
                                       "2006-03-02T00:00:00", ""))),
     NULL, "ErrorInvalidTimeInterval"},
    {"62 days",
     ENVELOPE("", AVAILABILITY(BERLIN, ALICE,
                               OPTIONS("2026-01-01T00:00:00",
                                       "2026-03-04T00:00:00", ""))),
     NULL, NULL},
    {"a year",
     ENVELOPE("", AVAILABILITY(BERLIN, ALICE,
                               OPTIONS("2026-01-01T00:00:00",
                                       "2027-01-01T00:00:00", ""))),
     NULL, "ErrorTimeIntervalTooBig"},
    {"interval of 4 minutes",
     ENVELOPE("",
              AVAILABILITY(BERLIN, ALICE,
                           OPTIONS("2026-03-28T00:00:00", "2026-03-30T00:00:00",
                                   "<t:MergedFreeBusyIntervalInMinutes>4"
                                   "</t:MergedFreeBusyIntervalInMinutes>"))),
     NULL, "ErrorInvalidMergedFreeBusyInterval"},
    {"interval below zero",
     ENVELOPE("",
              AVAILABILITY(BERLIN, ALICE,
                           OPTIONS("2026-03-28T00:00:00", "2026-03-30T00:00:00",
                                   "<t:MergedFreeBusyIntervalInMinutes>-30"
                                   "</t:MergedFreeBusyIntervalInMinutes>"))),
     NULL, "ErrorInvalidMergedFreeBusyInterval"},
    {"view None",
     ENVELOPE("",
              AVAILABILITY(BERLIN, ALICE,
                           OPTIONS("2026-03-28T00:00:00", "2026-03-30T00:00:00",
                                   "<t:RequestedView>None</t:RequestedView>"))),
     NULL, "ErrorInvalidFreeBusyViewType"},
    {"view unknown",
     ENVELOPE("",
              AVAILABILITY(BERLIN, ALICE,
                           OPTIONS("2026-03-28T00:00:00", "2026-03-30T00:00:00",
                                   "<t:RequestedView>All</t:RequestedView>"))),
     NULL, "ErrorInvalidFreeBusyViewType"},
    {"zone without sense",
     ENVELOPE("",
              AVAILABILITY("<t:TimeZone><t:Bias>99999</t:Bias></t:TimeZone>",
                           ALICE, MARCH)),
     "ErrorTimeZone", NULL},
    {"zone with month 13",
     ENVELOPE("", AVAILABILITY(
                      "<t:TimeZone><t:Bias>0</t:Bias>" PERIOD(
                          "StandardTime", "0", "03:00:00", "5", "13", "Sunday")
                          PERIOD("DaylightTime", "-60", "02:00:00", "5", "3",
                                 "Sunday") "</t:TimeZone>",
                      ALICE, MARCH)),
     "ErrorTimeZone", NULL},
    {"zone of Windows that nobody knows",
     ENVELOPE("<t:TimeZoneContext><t:TimeZoneDefinition Id=\"Moon\"/>"
              "</t:TimeZoneContext>",
              AVAILABILITY("", ALICE, MARCH)),
     "ErrorTimeZone", NULL},
    {"an operation of another place", ENVELOPE("", "<MakeTea/>"),
     "ErrorInvalidOperation", NULL},
    {"one that only faults", ENVELOPE("", "<ConvertId/>"),
     "ErrorInvalidOperation", NULL},
    {"one that is not offered", ENVELOPE("", "<GetMailTips/>"), NULL, NULL},
    {"no mailbox", ENVELOPE("", "<GetUserOofSettingsRequest/>"),
     "ErrorSchemaValidation", NULL},
    {"nothing in the body", ENVELOPE("", ""), "ErrorSchemaValidation", NULL},
    {"another namespace",
     ENVELOPE("", "<x:GetUserOofSettingsRequest xmlns:x=\"urn:x\"/>"),
     "ErrorSchemaValidation", NULL},
    {"no envelope", "<Autodiscover/>", "ErrorSchemaValidation", NULL},
    {"no XML", "hello", "ErrorSchemaValidation", NULL},
    {"nothing", "", "ErrorSchemaValidation", NULL},
    {"DOCTYPE",
     "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]>" ENVELOPE(
         "", AVAILABILITY("", MAILBOX("&y;"), MARCH)),
     "ErrorSchemaValidation", NULL},
};

static void test_rows(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ews_request_t request;

        ews_request_read(&request, rows[i].text, strlen(rows[i].text), pool);
        is_str(request.fault.code, rows[i].fault, rows[i].name);
        is_str(request.availability.error.code, rows[i].error, rows[i].name);
        ok(!request.fault.code || request.fault.text, "%s: says why",
           rows[i].name);
    }
}

/* How many minutes behind UTC the zones put local midnight of 1 January and
 * 1 July 2026. */
static const struct {
    const char *name, *zone, *context;
    int winter, summer;
} zones[] = {
    {"rules of Berlin", BERLIN, "", -60, -120},
    {"bare Bias", "<t:TimeZone><t:Bias>-330</t:Bias></t:TimeZone>", "", -330,
     -330},
    {"Month and DayOrder 0",
     "<t:TimeZone><t:Bias>300</t:Bias>" PERIOD("StandardTime", "0", "00:00:00",
                                               "0", "0", "Sunday")
         PERIOD("DaylightTime", "0", "00:00:00", "0", "0",
                "Sunday") "</t:TimeZone>",
     "", 300, 300},
    {"equal biases",
     "<t:TimeZone><t:Bias>-480</t:Bias>" PERIOD("StandardTime", "0", "00:00:00",
                                                "5", "12", "Sunday")
         PERIOD("DaylightTime", "0", "00:00:00", "5", "12",
                "Sunday") "</t:TimeZone>",
     "", -480, -480},
    {"daylight of Month 0 alone",
     "<t:TimeZone><t:Bias>-60</t:Bias>" PERIOD("StandardTime", "0", "03:00:00",
                                               "5", "10", "Sunday")
         PERIOD("DaylightTime", "-60", "02:00:00", "0", "0",
                "Sunday") "</t:TimeZone>",
     "", -60, -60},
    {"southern half",
     "<t:TimeZone><t:Bias>-600</t:Bias>" PERIOD("StandardTime", "0", "03:00:00",
                                                "1", "4", "Sunday")
         PERIOD("DaylightTime", "-60", "02:00:00", "1", "10",
                "Sunday") "</t:TimeZone>",
     "", -660, -600},
    {"name of Windows", "",
     "<t:TimeZoneContext><t:TimeZoneDefinition Id=\"W. Europe Standard Time\"/>"
     "</t:TimeZoneContext>",
     -60, -120},
    {"explicit periods", "",
     "<t:TimeZoneContext><t:TimeZoneDefinition Id=\"mine\" "
     "Name=\"x\"><t:Periods>"
     "<t:Period Bias=\"PT5H\" Name=\"Standard\" Id=\"std\"/>"
     "<t:Period Bias=\"PT4H\" Name=\"Daylight\" Id=\"dlt\"/></t:Periods>"
     "<t:TransitionsGroups><t:TransitionsGroup Id=\"0\">"
     "<t:RecurringDayTransition><t:To Kind=\"Period\">dlt</t:To>"
     "<t:TimeOffset>PT2H</t:TimeOffset><t:Month>3</t:Month>"
     "<t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>2</t:Occurrence>"
     "</t:RecurringDayTransition><t:RecurringDayTransition>"
     "<t:To Kind=\"Period\">std</t:To><t:TimeOffset>PT2H</t:TimeOffset>"
     "<t:Month>11</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>"
     "<t:Occurrence>1</t:Occurrence></t:RecurringDayTransition>"
     "</t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition>"
     "<t:To Kind=\"Group\">0</t:To></t:Transition></t:Transitions>"
     "</t:TimeZoneDefinition></t:TimeZoneContext>",
     300, 240},
    {"TimeZone before TimeZoneContext", BERLIN,
     "<t:TimeZoneContext><t:TimeZoneDefinition "
     "Id=\"UTC\"/></t:TimeZoneContext>",
     -60, -120},
};

static void test_zones(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        const char *text = apr_pstrcat(
            pool, HEAD("t", SOAP11) "<s:Header>", zones[i].context,
            "</s:Header><s:Body><GetUserAvailabilityRequest>", zones[i].zone,
            "<MailboxDataArray>" ALICE "</MailboxDataArray>" OPTIONS(
                "2026-01-01T00:00:00", "2026-01-02T00:00:00",
                "") "</GetUserAvailabilityRequest></s:Body></s:Envelope>",
            NULL);
        apr_int64_t july = datetime_days(2026, 7, 1) * DATETIME_DAY;
        ews_request_t request;

        ews_request_read(&request, text, strlen(text), pool);
        is_str(request.fault.code, NULL, zones[i].name);
        is_int((request.availability.window.start -
                datetime_days(2026, 1, 1) * DATETIME_DAY) /
                   60,
               zones[i].winter, "  winter");
        is_int((timezone_to_utc(request.availability.zone, july) - july) / 60,
               zones[i].summer, "  summer");
    }
}

static void test_content(apr_pool_t *pool)
{
    const char *text = ENVELOPE(
        "",
        AVAILABILITY(
            BERLIN,
            MAILBOX(
                " a+b%40@example.test\n") "<t:MailboxData><t:Email>"
                                          "<t:RoutingType>EX</"
                                          "t:RoutingType><t:Address>/o=x/cn=y"
                                          "</t:Address></t:Email></"
                                          "t:MailboxData><t:MailboxData/>",
            OPTIONS("2026-03-28T00:00:00+05:30", "2026-03-30T00:00:00Z",
                    "<t:RequestedView>MergedOnly</t:RequestedView>")));
    const availability_attendee_t *a;
    ews_request_t request;

    ews_request_read(&request, text, strlen(text), pool);
    a = (const availability_attendee_t *)request.availability.attendees->elts;
    is_int(request.availability.attendees->nelts, 3, "three mailboxes");
    is_str(a[0].address, "a+b%40@example.test", "trimmed, not decoded");
    is_str(a[1].address, "/o=x/cn=y", "a legacy DN");
    ok(a[1].legacy_dn && !a[0].legacy_dn, "by its routing type");
    is_str(a[2].address, "", "an empty one keeps its place");
    is_str(datetime_print(request.availability.window.start, pool),
           "2026-03-27T18:30:00", "an offset wins over the zone");
    is_int(request.availability.view, AVAILABILITY_VIEW_MERGED_ONLY,
           "the view");
    is_int(request.availability.interval, 30, "the interval");
}

static void test_too_many(apr_pool_t *pool)
{
    const char *many = "", *text;
    ews_request_t request;
    int i;

    for (i = 0; i < 100; i++) {
        many = apr_pstrcat(pool, many, ALICE, NULL);
    }
    text = apr_pstrcat(pool,
                       HEAD("t", SOAP11) "<s:Body><GetUserAvailabilityRequest>"
                                         "<MailboxDataArray>",
                       many,
                       "</MailboxDataArray>" MARCH
                       "</GetUserAvailabilityRequest></s:Body></s:Envelope>",
                       NULL);
    ews_request_read(&request, text, strlen(text), pool);
    is_str(request.fault.code, NULL, "100 mailboxes");
    text =
        apr_pstrcat(pool,
                    HEAD("t", SOAP11) "<s:Body><GetUserAvailabilityRequest>"
                                      "<MailboxDataArray>",
                    many,
                    ALICE "</MailboxDataArray>" MARCH
                          "</GetUserAvailabilityRequest></s:Body></s:Envelope>",
                    NULL);
    ews_request_read(&request, text, strlen(text), pool);
    is_str(request.fault.code, "ErrorMailboxDataArrayTooBig", "101 mailboxes");
}

static void test_oof(apr_pool_t *pool)
{
    const char *text = ENVELOPE(
        "", "<SetUserOofSettingsRequest><t:Mailbox><t:Address>a@b</t:Address>"
            "</t:Mailbox><t:UserOofSettings><t:OofState>Scheduled</t:OofState>"
            "<t:ExternalAudience>Known</t:ExternalAudience><t:Duration>"
            "<t:StartTime>2026-03-02T08:00:00</t:StartTime>"
            "<t:EndTime>2026-03-06T17:00:00+01:00</t:EndTime></t:Duration>"
            "<t:InternalReply xml:lang=\"de\"><t:Message> &#xFEFF;&lt;a&gt; "
            "</t:Message></t:InternalReply></t:UserOofSettings>"
            "</SetUserOofSettingsRequest>");
    ews_request_t request;

    ews_request_read(&request, text, strlen(text), pool);
    is_str(request.oof.error.code, NULL, "settings");
    is_int(request.oof.oof.state, OOF_SCHEDULED, "state");
    is_int(request.oof.oof.audience, OOF_AUDIENCE_KNOWN, "audience");
    is_int(request.oof.oof.start, 1772438400, "start");
    is_int(request.oof.oof.end, 1772812800, "end");
    is_str(request.oof.oof.internal.message, " \xef\xbb\xbf<a> ",
           "the message, byte for byte");
    is_str(request.oof.oof.internal.language, "de", "its language");
    ok(request.oof.has_internal && !request.oof.has_external, "one reply");
}

static void test_truncation(apr_pool_t *pool)
{
    apr_size_t len, full = strlen(rows[0].text), faults = 0;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    for (len = 0; len < full; len++) {
        char *copy = apr_pmemdup(scratch, rows[0].text, len ? len : 1);
        ews_request_t request;

        ews_request_read(&request, copy, len, scratch);
        faults += request.fault.code != NULL;
        apr_pool_clear(scratch);
    }
    is_int((long long)faults, (long long)full, "each cut is a fault");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    xml_init();
    test_rows(pool);
    test_zones(pool);
    test_content(pool);
    test_too_many(pool);
    test_oof(pool);
    test_truncation(pool);
    apr_terminate();
    return done_testing();
}
