#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Whole calendars of a Radicale server: events entered there are busy here.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use HTTP::Tiny;
use MIME::Base64 qw(encode_base64);
use Test::More;
use T::Dir qw(temp_dir write_file);
use T::Radicale;
use Ews qw(log_ok server post availability texts text berlin_zone views_ok);

plan skip_all => T::Radicale->missing if T::Radicale->missing;

my $radicale = T::Radicale->new(users => { map { $_ => "secret-$_" } qw(alice bob) })->start;
my $port = $radicale->port;
my $dir  = temp_dir();

sub dav {
    my ($user, $method, $path, $content, %headers) = @_;
    my $got = HTTP::Tiny->new(timeout => 20, keep_alive => 0)->request($method,
        "http://127.0.0.1:$port/$user/$path", { content => $content, headers => {
            Authorization => 'Basic ' . encode_base64("$user:secret-$user", ''),
            %headers } });
    return $got->{status};
}

# The way Thunderbird writes it: a VTIMEZONE, a series, a moved instance.
my $series = join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//t//EN',
    'BEGIN:VTIMEZONE', 'TZID:Europe/Berlin', 'BEGIN:DAYLIGHT',
    'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200', 'TZNAME:CEST',
    'DTSTART:19700329T020000', 'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
    'END:DAYLIGHT', 'BEGIN:STANDARD', 'TZOFFSETFROM:+0200', 'TZOFFSETTO:+0100',
    'TZNAME:CET', 'DTSTART:19701025T030000',
    'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU', 'END:STANDARD', 'END:VTIMEZONE',
    'BEGIN:VEVENT', 'UID:series', 'DTSTAMP:20260101T000000Z',
    'DTSTART;TZID=Europe/Berlin:20260105T090000',
    'DTEND;TZID=Europe/Berlin:20260105T100000', 'RRULE:FREQ=WEEKLY;BYDAY=MO,SA,SU',
    'SUMMARY:Series', 'END:VEVENT',
    'BEGIN:VEVENT', 'UID:series', 'DTSTAMP:20260101T000000Z',
    'RECURRENCE-ID;TZID=Europe/Berlin:20260328T090000',
    'DTSTART;TZID=Europe/Berlin:20260328T200000',
    'DTEND;TZID=Europe/Berlin:20260328T210000', 'SUMMARY:Series, moved',
    'END:VEVENT', 'END:VCALENDAR', '';
my $day_off = join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//t//EN',
    'BEGIN:VEVENT', 'UID:off', 'DTSTAMP:20260101T000000Z',
    'DTSTART;VALUE=DATE:20260329', 'DTEND;VALUE=DATE:20260330',
    'SUMMARY:Day off', 'X-MICROSOFT-CDO-BUSYSTATUS:OOF', 'END:VEVENT',
    'END:VCALENDAR', '';

is(dav($_, 'MKCALENDAR', 'calendar/', ''), 201, "a calendar of $_")
    for qw(alice bob);
is(dav('alice', 'PUT', 'calendar/series.ics', $series,
    'Content-Type' => 'text/calendar'), 201, 'a series');
is(dav('bob', 'PUT', 'calendar/off.ics', $day_off,
    'Content-Type' => 'text/calendar'), 201, 'a day off');

my $password = write_file("$dir/password", "master\n", 0600);
my $httpd = server(users => [qw(alice bob carol)], conf => <<"CONF");
FreeBusySource http://127.0.0.1:$port/%{user}/calendar/
FreeBusySourceLogin postern file:$password
CONF
my (undef, $xml) = post($httpd, 'bob', availability(
    who => [map { "$_\@example.test" } qw(alice bob carol)],
    zone => berlin_zone(), interval => 60,
    start => '2026-03-28T00:00:00', end => '2026-03-30T00:00:00'));
my ($alice, $bob) = texts($xml, 'MergedFreeBusy');

# 24 hours, then 23: the clock is put forward on the second day.
is($alice, '0' x 20 . '2' . '0' x 3 . '0' x 8 . '2' . '0' x 14,
    'the moved instance, and the regular one on the day of 23 hours');
is($bob, '0' x 24 . '3' x 23, 'the whole day off, and no hour more');
views_ok(sub { (post($httpd, 'alice', availability(who => ['alice@example.test'], zone => berlin_zone(),
    interval => 60, start => '2026-03-28T00:00:00', end => '2026-03-30T00:00:00', view => $_[0])))[1] }, $alice,
    [['2026-03-28T20:00:00', '2026-03-28T21:00:00', 'Busy'], ['2026-03-29T09:00:00', '2026-03-29T10:00:00', 'Busy']],
    'busy in every view');
is((texts($xml, 'ResponseCode'))[2], 'ErrorNoFreeBusyAccess',
    'a mailbox without a calendar');
is_deeply([texts($xml, 'Subject')], ['Day off'], 'one\'s own subjects alone');

$httpd->stop;
log_ok($httpd, qw(PN14014));
$radicale->stop;
done_testing();
