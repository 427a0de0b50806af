/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */

/* VTIMEZONEs as clients write them, beside the C library's reading of the zone
 * that they describe. */

#include "mod_freebusy/vtimezone.h"
#include "mod_freebusy/datetime.h"
#include "t/unit/tap.h"

#include <apr_general.h>
#include <stdlib.h>
#include <time.h>

#define OBSERVANCE(kind, start, from, to, rest)                                \
    "BEGIN:" kind "\nDTSTART:" start "\nTZOFFSETFROM:" from "\nTZOFFSETTO:" to \
    "\n" rest "END:" kind "\n"
#define ZONE(observances)                                                      \
    "BEGIN:VTIMEZONE\nTZID:x\n" observances "END:VTIMEZONE\n"

static const struct {
    const char *name, *text, *place; /* place NULL: refused */
    int first, last;                 /* years to compare */
} rows[] = {
    {"Thunderbird's Berlin",
     ZONE(OBSERVANCE("DAYLIGHT", "19700329T020000", "+0100", "+0200",
                     "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n")
              OBSERVANCE("STANDARD", "19701025T030000", "+0200", "+0100",
                         "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\n")),
     "Europe/Berlin", 1997, 2060},
    {"Outlook's Berlin, from 1601",
     ZONE(OBSERVANCE("STANDARD", "16011028T030000", "+0200", "+0100",
                     "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\n")
              OBSERVANCE("DAYLIGHT", "16010325T020000", "+0100", "+0200",
                         "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n")),
     "Europe/Berlin", 1997, 2060},
    {"New York, with the rules until 2007",
     ZONE(
         OBSERVANCE(
             "DAYLIGHT", "19870405T020000", "-0500", "-0400",
             "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z\n")
             OBSERVANCE("STANDARD", "19871025T020000", "-0400", "-0500",
                        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL="
                        "20061029T060000Z\n")
                 OBSERVANCE("DAYLIGHT", "20070311T020000", "-0500", "-0400",
                            "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\n")
                     OBSERVANCE("STANDARD", "20071104T020000", "-0400", "-0500",
                                "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\n")),
     "America/New_York", 1990, 2060},
    {"Sydney by days of the month",
     ZONE(OBSERVANCE(
         "STANDARD", "20080406T030000", "+1100", "+1000",
         "RRULE:FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=1,2,3,4,5,6,7;BYDAY=SU\n")
              OBSERVANCE("DAYLIGHT", "20081005T020000", "+1000", "+1100",
                         "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU\n")),
     "Australia/Sydney", 2009, 2060},
    {"Kolkata",
     ZONE(OBSERVANCE("STANDARD", "19700101T000000", "+0530", "+0530", "")),
     "Asia/Kolkata", 1990, 2060},
    {"switches by dates alone",
     ZONE(OBSERVANCE("STANDARD", "20251026T030000", "+0200", "+0100",
                     "RDATE:20261025T030000,20271031T030000\n")
              OBSERVANCE("DAYLIGHT", "20260329T020000", "+0100", "+0200",
                         "RDATE:20270328T020000\n")),
     "Europe/Berlin", 2026, 2027},
    {"no observance", ZONE(""), NULL, 0, 0},
    {"no offset",
     ZONE("BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+0100\n"
          "END:STANDARD\n"),
     NULL, 0, 0},
    {"no start",
     ZONE("BEGIN:STANDARD\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:"
          "STANDARD\n"),
     NULL, 0, 0},
    {"starts in month 52",
     ZONE(OBSERVANCE("STANDARD", "04925256T030000", "+0200", "+0100",
                     "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\n")),
     NULL, 0, 0},
    {"every month",
     ZONE(OBSERVANCE("STANDARD", "19700101T000000", "+0100", "+0200",
                     "RRULE:FREQ=MONTHLY\n")),
     NULL, 0, 0},
    {"every second of a year",
     ZONE(OBSERVANCE("STANDARD", "19700101T000000", "+0100", "+0200",
                     "RRULE:FREQ=YEARLY;BYHOUR=0,1;BYMINUTE=0;BYSECOND=0,1\n")),
     NULL, 0, 0},
};

/* Read for a day of each year, compared all through that year. */
static int differences(icalcomponent *vtimezone, int first, int last,
                       apr_pool_t *pool)
{
    int year, wrong = 0;

    for (year = first; year <= last; year++) {
        apr_int64_t begin = datetime_days(year, 1, 1) * DATETIME_DAY, t;
        busy_window_t window = {begin + 100 * DATETIME_DAY,
                                begin + 101 * DATETIME_DAY};
        timezone_t *tz;
        const char *why;

        if (vtimezone_read(&tz, vtimezone, window, &why, pool) != APR_SUCCESS) {
            return -1;
        }
        for (t = begin; t < begin + 365 * DATETIME_DAY; t += 1800) {
            time_t now = (time_t)t;
            struct tm tm;

            localtime_r(&now, &tm);
            wrong += timezone_offset(tz, t) != tm.tm_gmtoff;
        }
    }
    return wrong;
}

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        icalcomponent *c = icalparser_parse_string(rows[i].text);

        if (rows[i].place) {
            setenv("TZ", rows[i].place, 1);
            tzset();
            is_int(differences(c, rows[i].first, rows[i].last, pool), 0,
                   rows[i].name);
        }
        else {
            is_int(differences(c, 2026, 2026, pool), -1, rows[i].name);
        }
        icalcomponent_free(c);
    }
    apr_terminate();
    return done_testing();
}
