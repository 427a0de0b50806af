#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# exchangelib the way its users call it: free/busy of accounts in a zone of one's
# own (which it asks the server for first), out of office.

use strict;
use warnings;
use lib 't/lib', 't/freebusy';
use Test::More;
use T::Dir qw(read_file temp_dir write_file);
use Ews qw(log_ok server);

plan skip_all => 'exchangelib (python3-exchangelib) is not installed'
    if system '/usr/bin/python3 -c "import exchangelib" 2>/dev/null';

my $httpd = server(users => [qw(alice bob)], conf => 'FreeBusySource file:@DIR@/cal/%{user}.ics');
write_file($httpd->dir . '/cal/alice.ics', join "\r\n", 'BEGIN:VCALENDAR', 'BEGIN:VEVENT', 'UID:1', 'SUMMARY:Tea',
    'DTSTART;TZID=Europe/Berlin:20260328T090000', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=2', 'END:VEVENT',
    'END:VCALENDAR', '');
my $dir = temp_dir();
my $program = write_file("$dir/ask.py", <<'PYTHON');
import datetime
import sys
from exchangelib import BASIC, DELEGATE, Account, Configuration, Credentials, EWSDateTime, EWSTimeZone, OofSettings
from exchangelib.protocol import FailFast
from exchangelib.version import EXCHANGE_2016, Version

url, zone = sys.argv[1:]
tz = EWSTimeZone(zone)
configuration = Configuration(service_endpoint=url, credentials=Credentials("alice", "secret-alice"),
                              auth_type=BASIC, retry_policy=FailFast(), version=Version(build=EXCHANGE_2016))
account = Account(primary_smtp_address="alice@example.test", config=configuration, autodiscover=False,
                  access_type=DELEGATE)
start = EWSDateTime(2026, 3, 28, tzinfo=tz)
for view in account.protocol.get_free_busy_info(
        accounts=[(account, "Organizer", False)], start=start,
        end=EWSDateTime(2026, 3, 30, tzinfo=tz), merged_free_busy_interval=60,
        requested_view="DetailedMerged"):
    print(view.merged)
    for event in view.calendar_events:
        print(event.start.isoformat(),
              event.busy_type, event.details.subject)
utc = EWSTimeZone("UTC")
soon = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=1)
soon = EWSDateTime.from_datetime(soon).astimezone(utc)
account.oof_settings = OofSettings(state=OofSettings.SCHEDULED, external_audience="Known",
                                   internal_reply="<b>in \u4e2d</b>", external_reply="out",
                                   start=soon, end=soon + datetime.timedelta(days=1))
got = account.oof_settings
print(got.state, got.external_audience, got.internal_reply, got.external_reply, got.start == soon)
account.oof_settings = OofSettings(state=OofSettings.DISABLED, external_audience="All",
                                   internal_reply="", external_reply="")
print(account.oof_settings.state)
PYTHON

# Its own cache lies in the temporary folder.
$ENV{TMPDIR} = "$dir";
for my $row (['Europe/Berlin', '0' x 9 . '2' . '0' x 14 . '0' x 8 . '2' . '0' x 14, qw(2026-03-28T09:00:00 2026-03-29T09:00:00)],
    ['America/New_York', '0' x 4 . '2' . '0' x 22 . '2' . '0' x 20, qw(2026-03-28T04:00:00 2026-03-29T03:00:00)],
    ['Asia/Kolkata', '0' x 13 . '22' . '0' x 21 . '22' . '0' x 10, qw(2026-03-28T13:30:00 2026-03-29T12:30:00)]) {
    my ($zone, $digits, @starts) = @$row;
    my @said = split /\n/, `/usr/bin/python3 $program @{[ $httpd->url('/EWS/Exchange.asmx') ]} $zone 2>$dir/stderr`;
    is_deeply(\@said, [$digits, (map { "$_ Busy Tea" } @starts), "Scheduled Known <b>in \xe4\xb8\xad</b> out True",
        'Disabled'], $zone) or diag read_file("$dir/stderr");
}

$httpd->stop;
log_ok($httpd);
done_testing();
