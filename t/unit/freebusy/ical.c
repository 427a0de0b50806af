/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

#include "mod_freebusy/ical.h"
#include "mod_freebusy/datetime.h"
#include "mod_freebusy/tzif.h"
#include "t/unit/freebusy/random.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <apr_strings.h>

/* The window of every row: 2026-03-27 00:00 UTC, four days; the clock of Berlin
 * changes in it, on the 29th at 01:00 UTC. */
#define DAY DATETIME_DAY

static const timezone_t *berlin;
static apr_array_header_t *addresses;

static int patience = 500; /* milliseconds for one calendar */

static apr_status_t read_text(busy_set_t **set, const char *text,
                              apr_size_t len, ical_report_t *report,
                              const char **why, apr_pool_t *pool)
{
    ical_query_t query = {
        {0, 0}, berlin, addresses, apr_time_from_msec(patience), NULL, 0};

    query.window.start = datetime_days(2026, 3, 27) * DAY;
    query.window.end = query.window.start + 4 * DAY;
    return ical_read(set, text, len, &query, report, why, pool);
}

/* The periods as "27T09:00-27T10:00/2 ..." in UTC, type behind the slash. */
static const char *show(const busy_set_t *set, apr_pool_t *pool)
{
    const char *shown = "";
    int i;

    for (i = 0; i < set->periods->nelts; i++) {
        const busy_period_t *p = &APR_ARRAY_IDX(set->periods, i, busy_period_t);

        shown = apr_psprintf(pool, "%s%s%.8s-%.8s/%d", shown, *shown ? " " : "",
                             datetime_print(p->start, pool) + 8,
                             datetime_print(p->end, pool) + 8, (int)p->type);
    }
    return shown;
}

#define EVENT(lines)                                                           \
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\n" lines        \
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
#define TWO(lines, others)                                                     \
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\n" lines                             \
    "END:VEVENT\nBEGIN:VEVENT\nUID:a\n" others "END:VEVENT\nEND:VCALENDAR\n"
#define FREEBUSY(lines)                                                        \
    "BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\n" lines                             \
    "END:VFREEBUSY\r\nEND:VCALENDAR"
#define BUSINESS "DTSTART:20260327T090000Z\nDTEND:20260327T100000Z\n"

static const struct {
    const char *name, *text, *periods; /* periods NULL: refused */
} rows[] = {
    {"UTC", EVENT(BUSINESS), "27T09:00-27T10:00/2"},
    {"line feeds alone, folded in the middle of a value",
     "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:2026032\n 7T090000Z\nDTEND:\n\t"
     "20260327T100000Z\nEND:VEVENT\nEND:VCALENDAR\n",
     "27T09:00-27T10:00/2"},
    {"names in lower case",
     "begin:vcalendar\nbegin:vevent\ndtstart:20260327T090000Z\n"
     "dtend:20260327T100000Z\nend:vevent\nend:vcalendar\n",
     "27T09:00-27T10:00/2"},
    {"byte order mark", "\xef\xbb\xbf" EVENT(BUSINESS), "27T09:00-27T10:00/2"},
    {"floating, in winter",
     EVENT("DTSTART:20260327T090000\r\nDTEND:20260327T100000\r\n"),
     "27T08:00-27T09:00/2"},
    {"floating, in summer",
     EVENT("DTSTART:20260330T090000\r\nDURATION:PT90M\r\n"),
     "30T07:00-30T08:30/2"},
    {"X-WR-TIMEZONE",
     "BEGIN:VCALENDAR\nX-WR-TIMEZONE:Asia/Kolkata\nBEGIN:VEVENT\n"
     "DTSTART:20260327T090000\nDTEND:20260327T100000\nEND:VEVENT\nEND:"
     "VCALENDAR\n",
     "27T03:30-27T04:30/2"},
    {"a zone of the database",
     EVENT("DTSTART;TZID=America/New_York:20260327T090000\r\n"
           "DTEND;TZID=America/New_York:20260327T100000\r\n"),
     "27T13:00-27T14:00/2"},
    {"a zone of Windows without VTIMEZONE",
     EVENT("DTSTART;TZID=W. Europe Standard Time:20260327T090000\r\n"
           "DTEND;TZID=W. Europe Standard Time:20260327T100000\r\n"),
     "27T08:00-27T09:00/2"},
    {"a zone behind a prefix",
     EVENT(
         "DTSTART;TZID=/mozilla.org/20070129_1/Europe/London:20260327T090000\n"
         "DURATION:PT1H\n"),
     "27T09:00-27T10:00/2"},
    {"an unknown zone is floating",
     EVENT("DTSTART;TZID=Nowhere:20260327T090000\nDURATION:PT1H\n"),
     "27T08:00-27T09:00/2"},
    {"VTIMEZONE wins",
     "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\n"
     "DTSTART:19701025T030000\nTZOFFSETFROM:+0400\nTZOFFSETTO:+0300\n"
     "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nBEGIN:DAYLIGHT\n"
     "DTSTART:19700329T020000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0400\n"
     "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
     "BEGIN:VEVENT\nDTSTART;TZID=Mine:20260328T090000\nDURATION:PT1H\n"
     "RRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\nEND:VCALENDAR\n",
     "28T06:00-28T07:00/2 29T05:00-29T06:00/2"},
    {"VTIMEZONE that switches every second is not believed",
     "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Europe/London\nBEGIN:STANDARD\n"
     "DTSTART:19701025T030000\nTZOFFSETFROM:+0400\nTZOFFSETTO:+0300\n"
     "RRULE:FREQ=SECONDLY\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\n"
     "DTSTART;TZID=Europe/London:20260327T090000\nDURATION:PT1H\nEND:VEVENT\n"
     "END:VCALENDAR\n",
     "27T09:00-27T10:00/2"},
    {"one whole day", EVENT("DTSTART;VALUE=DATE:20260328\r\n"),
     "27T23:00-28T23:00/2"},
    {"a day of 23 hours",
     EVENT("DTSTART;VALUE=DATE:20260329\r\nDTEND;VALUE=DATE:20260330\r\n"),
     "28T23:00-29T22:00/2"},
    {"three days overlap the window",
     EVENT("DTSTART;VALUE=DATE:20260325\r\nDTEND;VALUE=DATE:20260328\r\n"),
     "24T23:00-27T23:00/2"},
    {"no end, no length", EVENT("DTSTART:20260327T090000Z\r\n"), ""},
    {"ends before it starts",
     EVENT("DTSTART:20260327T090000Z\r\nDTEND:20260327T080000Z\r\n"), ""},
    {"transparent", EVENT(BUSINESS "TRANSP:TRANSPARENT\n"), ""},
    {"cancelled", EVENT(BUSINESS "STATUS:CANCELLED\n"), ""},
    {"tentative", EVENT(BUSINESS "STATUS:TENTATIVE\n"), "27T09:00-27T10:00/1"},
    {"Outlook says out of office",
     EVENT(BUSINESS "X-MICROSOFT-CDO-BUSYSTATUS:OOF\n"), "27T09:00-27T10:00/3"},
    {"Outlook's word wins over TRANSP",
     EVENT(BUSINESS "TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\n"),
     "27T09:00-27T10:00/2"},
    {"working elsewhere",
     EVENT(BUSINESS "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE\n"),
     "27T09:00-27T10:00/5"},
    {"declined",
     EVENT(BUSINESS "ATTENDEE;PARTSTAT=DECLINED:MAILTO:Alice@example.test\n"),
     ""},
    {"not answered yet",
     EVENT(BUSINESS
           "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:alice@example.test\n"),
     "27T09:00-27T10:00/1"},
    {"accepted",
     EVENT(BUSINESS "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.test\n"
                    "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.test\n"),
     "27T09:00-27T10:00/2"},
    {"daily over the change of the clock",
     EVENT("DTSTART;TZID=Europe/Berlin:20260101T090000\r\nDURATION:PT1H\r\n"
           "RRULE:FREQ=DAILY\r\n"),
     "27T08:00-27T09:00/2 28T08:00-28T09:00/2 29T07:00-29T08:00/2 "
     "30T07:00-30T08:00/2"},
    {"every third day since 1998 keeps its phase",
     EVENT("DTSTART:19980101T120000Z\r\nDURATION:PT1H\r\n"
           "RRULE:FREQ=DAILY;INTERVAL=3\r\n"),
     "29T12:00-29T13:00/2"},
    {"every other week since 2001 on two days",
     EVENT("DTSTART:20010101T120000Z\r\nDURATION:PT1H\r\n"
           "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=MO\r\n"),
     "27T12:00-27T13:00/2"},
    {"monthly, last Friday",
     EVENT("DTSTART:20200131T120000Z\r\nDURATION:PT1H\r\n"
           "RRULE:FREQ=MONTHLY;BYDAY=-1FR\r\n"),
     "27T12:00-27T13:00/2"},
    {"until, in UTC, includes the last",
     EVENT("DTSTART;TZID=Europe/Berlin:20260320T090000\r\nDURATION:PT1H\r\n"
           "RRULE:FREQ=DAILY;UNTIL=20260328T080000Z\r\n"),
     "27T08:00-27T09:00/2 28T08:00-28T09:00/2"},
    {"until a date includes that day",
     EVENT("DTSTART;TZID=Europe/Berlin:20260320T090000\r\nDURATION:PT1H\r\n"
           "RRULE:FREQ=DAILY;UNTIL=20260327\r\n"),
     "27T08:00-27T09:00/2"},
    {"count from the start",
     EVENT("DTSTART:20260320T090000Z\r\nDURATION:PT1H\r\n"
           "RRULE:FREQ=DAILY;COUNT=8\r\n"),
     "27T09:00-27T10:00/2"},
    {"exception dates",
     EVENT("DTSTART;TZID=Europe/Berlin:20260320T090000\r\nDURATION:PT1H\r\n"
           "RRULE:FREQ=DAILY\r\nEXDATE;TZID=Europe/Berlin:20260328T090000,"
           "20260329T090000\r\nEXDATE;VALUE=DATE:20260330\r\n"),
     "27T08:00-27T09:00/2"},
    {"further dates",
     EVENT("DTSTART:20260327T090000Z\r\nDURATION:PT1H\r\n"
           "RDATE:20260328T090000Z,20260329T090000Z\r\n"),
     "27T09:00-27T10:00/2 28T09:00-28T10:00/2 29T09:00-29T10:00/2"},
    {"whole days every day",
     EVENT("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=DAILY;INTERVAL=2\r\n"),
     "27T23:00-28T23:00/2 29T22:00-30T22:00/2"},
    {"one instance moved: the old place is free",
     TWO("DTSTART:20260320T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=9\n",
         "RECURRENCE-ID:20260327T090000Z\nDTSTART:20260327T150000Z\n"
         "DURATION:PT30M\n"),
     "27T15:00-27T15:30/2 28T09:00-28T10:00/2"},
    {"one instance cancelled",
     TWO("DTSTART:20260320T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=9\n",
         "RECURRENCE-ID:20260327T090000Z\nDTSTART:20260327T090000Z\n"
         "DURATION:PT1H\nSTATUS:CANCELLED\n"),
     "28T09:00-28T10:00/2"},
    {"the moved instance stands first, its id in another zone",
     TWO("RECURRENCE-ID;TZID=Europe/Berlin:20260327T100000\n"
         "DTSTART:20260327T150000Z\nDURATION:PT30M\n",
         "DTSTART:20260320T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=9\n"),
     "27T15:00-27T15:30/2 28T09:00-28T10:00/2"},
    {"each second is busy as a whole",
     EVENT("DTSTART:20260328T090000Z\r\nDURATION:PT1S\r\n"
           "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\r\n"),
     "28T09:00-31T00:00/2"},
    {"each minute until noon",
     EVENT("DTSTART:20260328T090000Z\r\nDURATION:PT60S\r\n"
           "RRULE:FREQ=MINUTELY;UNTIL=20260328T120000Z\r\n"),
     "28T09:00-28T12:01/2"},
    {"each hour since 1990, hours alone",
     EVENT("DTSTART:19900101T000000Z\r\nDURATION:PT1M\r\n"
           "RRULE:FREQ=HOURLY;INTERVAL=24\r\n"),
     "27T00:00-27T00:01/2 28T00:00-28T00:01/2 29T00:00-29T00:01/2 "
     "30T00:00-30T00:01/2"},
    {"a day that never comes",
     EVENT("DTSTART:20260327T090000Z\r\nDURATION:PT1H\r\n"
           "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\n"),
     ""},
    {"impossible start", EVENT("DTSTART:20260231T090000Z\nDURATION:PT1H\n"),
     ""},
    {"rubbish in a rule", EVENT(BUSINESS "RRULE:FREQ=SOMETIMES;INTERVAL=-1\n"),
     "27T09:00-27T10:00/2"},
    {"free/busy by start and end, by start and length, unsorted, in a list",
     FREEBUSY(
         "DTSTART:20260301T000000Z\r\nDTEND:20260401T000000Z\r\n"
         "FREEBUSY;FBTYPE=BUSY:20260328T090000Z/PT1H,20260327T090000Z/"
         "20260327T100000Z\r\nFREEBUSY:20260327T120000Z/20260327T130000Z\r\n"),
     "27T09:00-27T10:00/2 27T12:00-27T13:00/2 28T09:00-28T10:00/2"},
    {"types of free/busy",
     FREEBUSY("FREEBUSY;FBTYPE=FREE:20260327T010000Z/PT1H\r\n"
              "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260327T020000Z/PT1H\r\n"
              "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260327T030000Z/PT1H\r\n"
              "FREEBUSY;FBTYPE=X-SLEEPY:20260327T040000Z/PT1H\r\n"),
     "27T02:00-27T03:00/1 27T03:00-27T04:00/3 27T04:00-27T05:00/2"},
    {"what free/busy does not cover has no data",
     FREEBUSY("DTSTART:20260327T120000Z\r\nDTEND:20260330T000000Z\r\n"),
     "27T00:00-27T12:00/4 30T00:00-31T00:00/4"},
    {"an empty calendar is free", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", ""},
    {"two calendars in a stream", EVENT(BUSINESS) EVENT(BUSINESS),
     "27T09:00-27T10:00/2 27T09:00-27T10:00/2"},
    {"tasks do not count",
     "BEGIN:VCALENDAR\nBEGIN:VTODO\n" BUSINESS "END:VTODO\nEND:VCALENDAR\n",
     ""},
    {"alarms of an event do not end it early",
     EVENT("BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n" BUSINESS),
     "27T09:00-27T10:00/2"},
    {"nothing", "", NULL},
    {"a web page", "<html><body>Not found</body></html>", NULL},
    {"cut off", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" BUSINESS, NULL},
    {"ended twice", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nEND:VCALENDAR\r\n",
     NULL},
    {"an event alone", "BEGIN:VEVENT\r\n" BUSINESS "END:VEVENT\r\n", NULL},
};

static void test_rows(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ical_report_t report;
        const char *why = NULL;
        busy_set_t *set;
        apr_status_t rv = read_text(&set, rows[i].text, strlen(rows[i].text),
                                    &report, &why, pool);

        is_str(rv == APR_SUCCESS ? show(set, pool) : NULL, rows[i].periods,
               rows[i].name);
        if (rv != APR_SUCCESS) {
            ok(why && *why, "says why (%s)", why ? why : "");
        }
    }
}

static const busy_period_t *first(busy_set_t *set)
{
    return &APR_ARRAY_IDX(set->periods, 0, busy_period_t);
}

static void test_details(apr_pool_t *pool)
{
    static const char text[] =
        EVENT(BUSINESS "SUMMARY:Lunch\\, then \\\"work\\\"\nLOCATION:Room 5\n"
                       "CLASS:PRIVATE\nATTENDEE:mailto:bob@example.test\n"
                       "BEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\n"
                       "RRULE:FREQ=DAILY;COUNT=1\n");
    ical_report_t report;
    const char *why;
    busy_set_t *set;

    read_text(&set, text, sizeof(text) - 1, &report, &why, pool);
    is_int(set->periods->nelts, 1, "one event");
    is_str(first(set)->id, "a", "its UID");
    is_str(first(set)->subject, "Lunch, then \"work\"", "its subject");
    is_str(first(set)->location, "Room 5", "its place");
    ok(first(set)->private_ && first(set)->meeting && first(set)->recurring &&
           first(set)->reminder && !first(set)->exception,
       "a private meeting that recurs, with a reminder");
    is_int(set->has_details, 1, "events have details");
    read_text(&set, FREEBUSY(""), strlen(FREEBUSY("")), &report, &why, pool);
    is_int(set->has_details, 0, "free/busy has none");
    is_int(report.empty, 1, "and an empty one is reported");
}

/* The thinner calendar has the same times. */
static void test_times_only(apr_pool_t *pool)
{
    ical_query_t query = {{0, 0}, berlin, addresses, apr_time_from_msec(500),
                          NULL,   1};
    size_t i;
    int differ = 0, details = 0, j;

    query.window.start = datetime_days(2026, 3, 27) * DAY;
    query.window.end = query.window.start + 4 * DAY;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ical_report_t report;
        const char *why;
        busy_set_t *set;

        if (!rows[i].periods ||
            ical_read(&set, rows[i].text, strlen(rows[i].text), &query, &report,
                      &why, pool) != APR_SUCCESS) {
            continue;
        }
        differ += strcmp(show(set, pool), rows[i].periods) != 0;
        for (j = 0; j < set->periods->nelts; j++) {
            const busy_period_t *p =
                &APR_ARRAY_IDX(set->periods, j, busy_period_t);

            details += p->subject || p->location;
        }
    }
    is_int(differ, 0, "times alone are the same times");
    is_int(details, 0, "without subjects and places");
}

/* Far periods are dropped before libical, one that reaches in is kept. */
static void test_far_freebusy(apr_pool_t *pool)
{
    static const char text[] = FREEBUSY("FREEBUSY:20260101T090000Z/PT1H\n"
                                        "FREEBUSY:20260102T090000Z/PT1H\n"
                                        "FREEBUSY:20260102T090000Z/P85D\n"
                                        "FREEBUSY:20260102T090000Z/"
                                        "20260327T010000Z\n"
                                        "FREEBUSY:20260102T090000Z/PT1H,"
                                        "20260328T090000Z/PT1H\n"
                                        "FREEBUSY:20260701T090000Z/PT1H\n");
    ical_report_t report;
    const char *why;
    busy_set_t *set;

    read_text(&set, text, sizeof(text) - 1, &report, &why, pool);
    is_str(show(set, pool),
           "02T09:00-27T01:00/2 02T09:00-28T09:00/2 28T09:00-28T10:00/2",
           "what touches the window");
    is_int(report.empty, 0, "not empty");
}

/* A rule that is over is dropped before libical, one that is not is kept. */
static void test_ended_rules(apr_pool_t *pool)
{
    static const struct {
        const char *rule;
        int periods;
    } ends[] = {
        {"FREQ=DAILY;COUNT=86", 1},
        {"FREQ=DAILY;COUNT=85", 0},
        {"FREQ=DAILY;COUNT=10", 0},
        {"FREQ=DAILY;INTERVAL=5;COUNT=18", 1},
        {"FREQ=WEEKLY;BYDAY=TH,FR;COUNT=26", 1},
        {"FREQ=WEEKLY;BYDAY=TH,FR;COUNT=25", 0},
        {"COUNT=18;INTERVAL=5;FREQ=DAILY", 1},
        {"FREQ=MONTHLY;COUNT=3;BYMONTHDAY=27", 1},
        {"FREQ=YEARLY;COUNT=100;BYMONTH=3;BYMONTHDAY=27", 1},
        {"FREQ=DAILY;UNTIL=20260327T120000Z", 1},
        {"FREQ=DAILY;UNTIL=20260326T120000Z", 0},
        {"FREQ=DAILY;UNTIL=20250101", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const char *text = apr_pstrcat(
            pool, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nRRULE:", ends[i].rule,
            "\nDTSTART:20260101T090000Z\nDURATION:PT1H\n"
            "END:VEVENT\nEND:VCALENDAR\n",
            NULL);
        const char *turned = apr_pstrcat(
            pool,
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101T090000Z\n"
            "DURATION:PT1H\nRRULE:",
            ends[i].rule, "\nEND:VEVENT\nEND:VCALENDAR\n", NULL);
        ical_report_t report;
        const char *why;
        busy_set_t *set, *other;

        read_text(&set, text, strlen(text), &report, &why, pool);
        read_text(&other, turned, strlen(turned), &report, &why, pool);
        ok(set->periods->nelts == ends[i].periods &&
               other->periods->nelts == ends[i].periods,
           "%s: %d and %d", ends[i].rule, set->periods->nelts,
           other->periods->nelts);
    }
}

/* Each takes longer than anybody waits when it is expanded without fences. */
static const char *const bombs[] = {
    "FREQ=SECONDLY;COUNT=200000000",
    "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=HOURLY;BYSETPOS=1;BYMINUTE=0",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYHOUR=0,1,2,3;BYMINUTE=0,1,2,3,4,5;BYSECOND=0,1,2,3,4,5",
    "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31",
    "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
    "FREQ=HOURLY;INTERVAL=32767;COUNT=2000000000",
    "FREQ=YEARLY;INTERVAL=32767",
};

static void test_bombs(apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        const char *text = apr_pstrcat(
            pool,
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:16020101T000000Z\n"
            "DURATION:PT1S\nRRULE:",
            bombs[i], "\nEND:VEVENT\nEND:VCALENDAR\n", NULL);
        apr_time_t begin = apr_time_now();
        ical_report_t report;
        const char *why;
        busy_set_t *set;

        read_text(&set, text, strlen(text), &report, &why, pool);
        ok(apr_time_now() - begin < apr_time_from_sec(3 * tap_slower()),
           "%s ends (%ld ms)", bombs[i],
           (long)apr_time_as_msec(apr_time_now() - begin));
    }
}

static void test_limits(apr_pool_t *pool)
{
    ical_report_t report;
    const char *why;
    busy_set_t *set;
    char *text = apr_palloc(pool, 600000), *to = text;
    int i;

    for (i = 0; i < 20001; i++) {
        to += strlen(strcpy(to, "BEGIN:VTODO\nEND:VTODO\n"));
    }
    text =
        apr_pstrcat(pool, "BEGIN:VCALENDAR\n", text, "END:VCALENDAR\n", NULL);
    is_int(read_text(&set, text, strlen(text), &report, &why, pool), APR_ENOSPC,
           "too many components");
    for (text = "", i = 0; i < 7; i++) {
        text = apr_pstrcat(pool, "BEGIN:X\n", text, "END:X\n", NULL);
    }
    is_int(read_text(&set, text, strlen(text), &report, &why, pool), APR_ENOSPC,
           "nested too deeply");
    text = apr_palloc(pool, 70001);
    memset(text, 'x', 70000);
    text[70000] = '\0';
    text = apr_pstrcat(pool, "BEGIN:VCALENDAR\nSUMMARY:", text,
                       "\nEND:VCALENDAR\n", NULL);
    is_int(read_text(&set, text, strlen(text), &report, &why, pool), APR_ENOSPC,
           "a line too long");
    memcpy(strstr(text, "SUMMARY"), "COMMENT", 7);
    is_int(read_text(&set, text, strlen(text), &report, &why, pool),
           APR_SUCCESS, "but not in what nobody reads");
    is_int(read_text(&set, "BEGIN:VCALENDAR\n\0END:VCALENDAR\n", 31, &report,
                     &why, pool),
           APR_EINVAL, "a NUL");
    patience *= tap_slower();
    text =
        EVENT("DTSTART:20260327T000000Z\nDURATION:PT1S\n"
              "RRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,"
              "5,6,7,8,9,10,11,12,13,14,15;BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11,"
              "12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29\n");
    is_int(read_text(&set, text, strlen(text), &report, &why, pool), APR_ENOSPC,
           "too many instances in the window");
}

/* Cut off anywhere it is refused, or nothing was lost. */
static void test_truncation(apr_pool_t *pool)
{
    apr_size_t len, full = strlen(rows[11].text), refused = 0, wrong = 0;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    for (len = 0; len < full; len++) {
        char *copy = apr_pmemdup(scratch, rows[11].text, len ? len : 1);
        ical_report_t report;
        const char *why;
        busy_set_t *set;

        if (read_text(&set, copy, len, &report, &why, scratch) != APR_SUCCESS) {
            refused++;
        }
        else if (strcmp(show(set, scratch), rows[11].periods) != 0) {
            wrong++;
        }
        apr_pool_clear(scratch);
    }
    is_int((long long)wrong, 0, "no cut loses an event");
    ok(refused > full - strlen("END:VCALENDAR\n"), "%d cuts are refused",
       (int)refused);
}

static const char *stamp(apr_int64_t seconds, int date, apr_pool_t *pool)
{
    int year, month, day, left;

    datetime_civil(datetime_day_of(seconds), &year, &month, &day);
    left = (int)(seconds - datetime_day_of(seconds) * DAY);
    return date ? apr_psprintf(pool, "%04d%02d%02d", year, month, day)
                : apr_psprintf(pool, "%04d%02d%02dT%02d%02d%02d", year, month,
                               day, left / 3600, left / 60 % 60, left % 60);
}

/* An event around the window, in one of the forms that there are.  Its length is
 * in whole minutes, or in whole days for dates; *start and *end are in UTC. */
static const char *random_event(apr_int64_t *start, apr_int64_t *end,
                                apr_pool_t *pool)
{
    int date = random_below(3) == 0, utc = random_below(2), ends;
    apr_int64_t clock = datetime_days(2026, 3, 27) * DAY +
                        (random_below(60 * 1440) - 30 * 1440) * 60;
    apr_int64_t length =
        (1 + random_below(random_below(2) ? 90 : 20 * 1440)) * 60;
    const char *when, *until, *zone = utc ? "Z" : "";

    if (date) {
        clock = datetime_day_of(clock) * DAY;
        length = DAY * (1 + random_below(20));
        zone = "";
        utc = 0;
    }
    *start = utc ? clock : timezone_to_utc(berlin, clock);
    when = apr_pstrcat(pool, "DTSTART", date ? ";VALUE=DATE:" : ":",
                       stamp(clock, date, pool), zone, "\n", NULL);
    ends = random_below(2);
    *end = utc ? clock + length : timezone_to_utc(berlin, clock + length);
    if (ends || date) {
        until =
            apr_pstrcat(pool, "DTEND", date ? ";VALUE=DATE:" : ":",
                        stamp(clock + length, date, pool), zone, "\n", NULL);
    }
    else {
        until = apr_psprintf(pool, "DURATION:PT%dM\n", (int)(length / 60));
        *end = *start + length;
    }
    return random_below(2) ? apr_pstrcat(pool, when, until, NULL)
                           : apr_pstrcat(pool, until, when, NULL);
}

/* No event that touches the window is lost, none that does not is shown. */
static void test_random(apr_pool_t *pool)
{
    apr_int64_t from = datetime_days(2026, 3, 27) * DAY, till = from + 4 * DAY;
    int run, wrong = 0, shown = 0;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    for (run = 0; run < 10000; run++) {
        apr_int64_t start, end;
        ical_report_t report;
        const char *text, *why;
        busy_set_t *set;
        int expected;

        apr_pool_clear(scratch);
        text = apr_pstrcat(scratch, "BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
                           random_event(&start, &end, scratch),
                           "END:VEVENT\nEND:VCALENDAR\n", NULL);
        expected = start < till && end > from;
        wrong += read_text(&set, text, strlen(text), &report, &why, scratch) !=
                     APR_SUCCESS ||
                 set->periods->nelts != expected ||
                 (expected &&
                  (first(set)->start != start || first(set)->end != end));
        shown += expected;
    }
    is_int(wrong, 0, "10000 random events are where they should be");
    ok(shown > 500 && shown < 9500, "%d of them in the window", shown);
}

int main(void)
{
    apr_pool_t *pool;
    timezone_t *tz;

    random_state = 11;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    ical_init();
    tzif_load(&tz, "Europe/Berlin", pool);
    berlin = tz;
    addresses = apr_array_make(pool, 1, sizeof(char *));
    APR_ARRAY_PUSH(addresses, const char *) = "alice@example.test";
    test_rows(pool);
    test_details(pool);
    test_times_only(pool);
    test_ended_rules(pool);
    test_far_freebusy(pool);
    test_bombs(pool);
    test_limits(pool);
    test_truncation(pool);
    test_random(pool);
    apr_terminate();
    return done_testing();
}
