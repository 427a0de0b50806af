#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Suggested meeting times: every option of the request, every kind of attendee.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use MIME::Base64 qw(encode_base64);
use Test::More;
use T::Dir qw(write_file);
use Ews qw(log_ok server post soap texts text utc_zone);

# Monday 2 March 2026, in UTC.
sub calendar {
    return join "\r\n", 'BEGIN:VCALENDAR', (map { my ($uid, $from, $to, @more) = @$_;
        ('BEGIN:VEVENT', "UID:$uid", "DTSTART:20260302T${from}00Z", "DTEND:20260302T${to}00Z", @more, 'END:VEVENT')
    } @_), 'END:VCALENDAR', '';
}

my $httpd = server(users => [qw(alice bob carol room1 room2 beamer)], conf => <<'CONF');
FreeBusySource file:@DIR@/cal/%{user}.ics
FreeBusyTimeZone UTC
CONF
my %day = (
    alice  => [['m1', '0900', '1000'], ['a2', '1300', '1400', 'STATUS:TENTATIVE']],
    bob    => [['m1', '0900', '1000'], ['b2', '1010', '1100']],
    carol  => [['c1', '0800', '1200']],
    room1  => [['r1', '0800', '1200']],
    room2  => [['r2', '1100', '1700']],
    beamer => [['p1', '0800', '1500']]);
write_file($httpd->dir . "/cal/$_.ics", calendar(@{ $day{$_} })) for keys %day;

sub attendees {
    return join '', map { my ($who, $type, $exclude) = split /\//;
        "<t:MailboxData><t:Email><t:Address>$who\@example.test</t:Address></t:Email><t:AttendeeType>$type"
            . '</t:AttendeeType><t:ExcludeConflicts>' . ($exclude // 'false') . '</t:ExcludeConflicts></t:MailboxData>'
    } @_;
}

# In the order of the schema; undef leaves one out.
my @order = qw(GoodThreshold MaximumResultsByDay MaximumNonWorkHourResultsByDay MeetingDurationInMinutes
    MinimumSuggestionQuality SuggestionIntervalInMinutes DetailedSuggestionsWindow CurrentMeetingTime GlobalObjectId);

sub ask {
    my ($who, %option) = @_;
    $option{DetailedSuggestionsWindow} //=
        '<t:StartTime>2026-03-02T00:00:00</t:StartTime><t:EndTime>2026-03-03T00:00:00</t:EndTime>';
    my (undef, $xml) = post($httpd, 'alice', soap('<GetUserAvailabilityRequest>' . utc_zone()
        . '<MailboxDataArray>' . attendees(@$who) . '</MailboxDataArray><t:SuggestionsViewOptions>'
        . join('', map { defined $option{$_} ? "<t:$_>$option{$_}</t:$_>" : '' } @order)
        . '</t:SuggestionsViewOptions></GetUserAvailabilityRequest>'));
    return $xml;
}

# "08:00E 08:30G": times with the first letter of their quality, (in brackets)
# off hours.
sub suggested {
    my $xml = ask(@_);
    return text($xml, 'ResponseCode') if text($xml, 'ResponseCode') ne 'NoError';
    return join ' ', map {
        my $one = $_;
        my ($clock) = text($one, 'MeetingTime') =~ /T(\d\d:\d\d)/;
        my $shown = $clock . substr text($one, 'SuggestionQuality'), 0, 1;
        text($one, 'IsWorkTime') eq 'true' ? $shown : "($shown)";
    } texts($xml, 'Suggestion');
}

my @two = ('alice/Organizer', 'bob/Required');

is(suggested(\@two), '08:00E 11:00E 11:30E 12:00E 14:00E 14:30E 15:00E 15:30E 16:00E 10:00F',
    'nothing said: ten, an hour each, fair at least, at work');
is(suggested(\@two, MaximumResultsByDay => 2), '08:00E 11:00E', 'MaximumResultsByDay');
is(suggested(\@two, MaximumResultsByDay => 0), '', '  none');
is(suggested(\@two, MaximumResultsByDay => 3, MaximumNonWorkHourResultsByDay => 1), '(00:00E) 08:00E 11:00E',
    'MaximumNonWorkHourResultsByDay');
is(suggested(\@two, MeetingDurationInMinutes => 180), '14:00E 10:00F 11:00F 11:30F 12:00F 12:30F 13:00F 13:30F',
    'MeetingDurationInMinutes');
is(suggested(\@two, MeetingDurationInMinutes => 240, MinimumSuggestionQuality => 'Excellent'), '',
    'MinimumSuggestionQuality: none is good enough');
is(suggested(\@two, MinimumSuggestionQuality => 'Poor', MaximumResultsByDay => 48) =~ /09:00P/ ? 1 : 0, 1,
    '  poor ones as well');
is(suggested(\@two, SuggestionIntervalInMinutes => 60, MaximumResultsByDay => 3), '08:00E 11:00E 12:00E',
    'SuggestionIntervalInMinutes');
my @four = (@two, 'carol/Required', 'beamer/Required');
is(suggested(\@four, MaximumResultsByDay => 1, GoodThreshold => 25, MinimumSuggestionQuality => 'Good'), '15:00E',
    'GoodThreshold');
is((suggested(\@four, GoodThreshold => 25, MaximumResultsByDay => 48)) =~ /12:00G/ ? 1 : 0, 1, '  three of four are good by 25');
is((suggested(\@four, GoodThreshold => 26, MaximumResultsByDay => 48)) =~ /12:00F/ ? 1 : 0, 1, '  but fair by 26');

is(suggested([@two, 'carol/Optional'], MaximumResultsByDay => 3), '12:00E 14:00E 14:30E',
    'optional attendees do not count, but what suits them is first');
is(suggested([@two, 'room1/Room'], MaximumResultsByDay => 3), '12:00E 14:00E 14:30E', 'without its room a time is poor');
is(suggested([@two, 'room1/Room', 'room2/Room'], MaximumResultsByDay => 3), '08:00E 12:00E 14:00E', 'one of two rooms is enough');
is(suggested([@two, 'beamer/Resource'], MaximumResultsByDay => 3), '15:00E 15:30E 16:00E', 'a resource is needed');
is(suggested([@two, 'carol/Required/true'], MaximumResultsByDay => 3), '12:00E 14:00E 14:30E',
    'ExcludeConflicts: not without this one');
is(suggested([@two, 'carol/Required/1'], MaximumResultsByDay => 30, MinimumSuggestionQuality => 'Poor') =~ /0[89]:/ ? 1 : 0, 0,
    '  whatever the quality');

# The meeting of alice and bob at 09:00 is to be moved, or made longer.
my %moved = (CurrentMeetingTime => '2026-03-02T09:00:00', GlobalObjectId => 'm1', MaximumResultsByDay => 4);
is(suggested(\@two, %moved), '08:00E 08:30E 09:00E 11:00E', 'a meeting is not in its own way');
is(suggested(\@two, %moved, MeetingDurationInMinutes => 120), '08:00E 11:00E 14:00E 14:30E',
    '  but what comes after it is');
is(suggested(\@two, %moved, GlobalObjectId => undef), '08:00E 08:30E 09:00E 11:00E', '  known by its time alone');
is(suggested(\@two, %moved, GlobalObjectId => 'other'), '08:00E 11:00E 11:30E 12:00E', '  another one is');
my $id = pack('H*', '040000008200E00074C5B7101A82E008') . "\0" x 20 . pack('V', 15) . "vCal-Uid\1\0\0\0m1\0";
is(suggested(\@two, %moved, GlobalObjectId => encode_base64($id, '')), '08:00E 08:30E 09:00E 11:00E',
    '  by the id of Outlook in base64');
is(suggested(\@two, %moved, GlobalObjectId => unpack('H*', $id)), '08:00E 08:30E 09:00E 11:00E', '  and in hexadecimal');
is(suggested(\@two, %moved, CurrentMeetingTime => '2026-03-02T08:10:00'), '08:00E 08:10E 08:30E 09:00E',
    'its own time is tried, on the half hour or not');

for my $row ([GoodThreshold => 0], [GoodThreshold => 50], [MaximumResultsByDay => 49],
    [MaximumNonWorkHourResultsByDay => -1], [MeetingDurationInMinutes => 29], [MeetingDurationInMinutes => 1441],
    [MinimumSuggestionQuality => 'Splendid'], [SuggestionIntervalInMinutes => 4], [CurrentMeetingTime => 'noon']) {
    is(suggested(\@two, @$row), 'ErrorInvalidParameter', "@$row");
}

# The hours of the organizer, in two parts.
write_file($httpd->dir . '/cal/alice.ics', "BEGIN:VCALENDAR\r\nBEGIN:VAVAILABILITY\r\n" . join('', map {
    "BEGIN:AVAILABLE\r\nDTSTART:20250106T$_->[0]00Z\r\nDTEND:20250106T$_->[1]00Z\r\nRRULE:FREQ=WEEKLY;BYDAY=MO\r\n"
    . "END:AVAILABLE\r\n" } ['0600', '0730'], ['1600', '1900']) . "END:VAVAILABILITY\r\nEND:VCALENDAR\r\n");
is(suggested(\@two), '06:00E 06:30E 16:00E 16:30E 17:00E 17:30E 18:00E', 'work time is the organizer\'s');
is(suggested(['alice/Required', 'bob/Organizer'], MaximumResultsByDay => 2), '08:00E 11:00E', '  whoever that is');

$httpd->stop;
log_ok($httpd);
done_testing();
