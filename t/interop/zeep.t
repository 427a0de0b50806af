#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# A SOAP toolkit that knows nothing of Exchange builds its client from our
# description (?wsdl), and gets right answers by it.

use strict;
use warnings;
use lib 't/lib', 't/freebusy';
use Test::More;
use T::Dir qw(temp_dir write_file);
use Ews qw(log_ok server);

plan skip_all => 'zeep (python3-zeep) is not installed'
    if system '/usr/bin/python3 -c "import zeep" 2>/dev/null';

my $httpd = server(users => [qw(alice bob)], conf => 'FreeBusySource file:@DIR@/cal/%{user}.ics');
write_file($httpd->dir . '/cal/alice.ics', join "\r\n", 'BEGIN:VCALENDAR', 'BEGIN:VEVENT',
    'UID:1', 'SUMMARY:Tea', 'DTSTART:20260302T090000Z', 'DTEND:20260302T100000Z', 'END:VEVENT',
    'END:VCALENDAR', '');
my $dir = temp_dir();
my $program = write_file("$dir/ask.py", <<'PYTHON');
import datetime
import sys
import requests
import zeep

url = sys.argv[1]
session = requests.Session()
session.trust_env = False
session.auth = ("alice", "secret-alice")
client = zeep.Client(url + "?wsdl", transport=zeep.Transport(session=session))
t = "{http://schemas.microsoft.com/exchange/services/2006/types}"
service = client.create_service(
    "{http://schemas.microsoft.com/exchange/services/2006/messages}ExchangeServiceBinding", url)
headers = {"_soapheaders": {
    "body": client.get_element(t + "RequestServerVersion")(Version="Exchange2013_SP1")}}


def zone_time(month):
    return {"Bias": 0, "Time": "00:00:00", "DayOrder": 0, "Month": 0, "DayOfWeek": "Sunday"}


window = {"StartTime": datetime.datetime(2026, 3, 2), "EndTime": datetime.datetime(2026, 3, 3)}
got = service.GetUserAvailability(
    TimeZone={"Bias": 0, "StandardTime": zone_time(0), "DaylightTime": zone_time(0)},
    MailboxDataArray={"MailboxData": [
        {"Email": {"Address": a + "@example.test"}, "AttendeeType": "Required"}
        for a in ("alice", "nobody")]},
    FreeBusyViewOptions={"TimeWindow": window, "MergedFreeBusyIntervalInMinutes": 60,
                         "RequestedView": "DetailedMerged"},
    SuggestionsViewOptions={"MaximumResultsByDay": 2, "DetailedSuggestionsWindow": window})
body = got.body if hasattr(got, "body") else got
alice, nobody = body.FreeBusyResponseArray.FreeBusyResponse
print(alice.FreeBusyView.MergedFreeBusy)
event = alice.FreeBusyView.CalendarEventArray.CalendarEvent[0]
print(event.StartTime.isoformat(), event.CalendarEventDetails.Subject)
print(nobody.ResponseMessage.ResponseCode)
day = body.SuggestionsResponse.SuggestionDayResultArray.SuggestionDayResult[0]
print(len(day.SuggestionArray.Suggestion))
reply = {"OofState": "Enabled", "ExternalAudience": "All",
         "InternalReply": {"Message": "<b>in</b>"}, "ExternalReply": {"Message": "out"}}
got = service.SetUserOofSettings(Mailbox={"Address": "alice@example.test"}, UserOofSettings=reply)
got = service.GetUserOofSettings(Mailbox={"Address": "alice@example.test"})
body = got.body if hasattr(got, "body") else got
print(body.OofSettings.OofState, body.OofSettings.InternalReply.Message)
got = service.GetServerTimeZones(Ids={"Id": ["W. Europe Standard Time"]},
                                 ReturnFullTimeZoneData=True)
body = got.body if hasattr(got, "body") else got
message = body.ResponseMessages.GetServerTimeZonesResponseMessage[0]
print(message.TimeZoneDefinitions.TimeZoneDefinition[0].Id)
PYTHON
my $url = $httpd->url('/EWS/Exchange.asmx');
my @lines = split /\n/, `/usr/bin/python3 $program $url 2>&1`;
is_deeply(\@lines, ['0' x 9 . '2' . '0' x 14, '2026-03-02T09:00:00 Tea',
    'ErrorMailRecipientNotFound', 2, 'Enabled <b>in</b>', 'W. Europe Standard Time'],
    'every operation') or diag join "\n", @lines;
$httpd->stop;
log_ok($httpd);
done_testing();
