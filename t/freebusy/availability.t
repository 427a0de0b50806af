#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# GetUserAvailability over HTTP: paths, login, views, grants, errors by mailbox.

use strict;
use warnings;
use FindBin;
use POSIX ();
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use Test::More;
use T::Dir qw(write_file);
use Ews qw(log_ok server post soap availability texts text attribute berlin_zone);

my @window = (start => '2026-03-28T00:00:00', end => '2026-03-30T00:00:00');

sub calendar {
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" . join('', map {
        "BEGIN:VEVENT\r\n" . join('', map { "$_\r\n" } @$_) . "END:VEVENT\r\n"
    } @_) . "END:VCALENDAR\r\n";
}

my $httpd = server(
    users => [qw(alice bob carol dave erin)],
    conf  => <<'CONF');
    FreeBusySource file:@DIR@/cal/%{user}.ics
    FreeBusyMaxBytes 20000
CONF
my $dir = $httpd->dir;
write_file("$dir/cal/alice.ics", calendar(
    ['UID:1', 'DTSTART;TZID=Europe/Berlin:20260328T090000', 'DURATION:PT1H',
     'RRULE:FREQ=DAILY', 'SUMMARY:Stand-up & <tea>', 'LOCATION:Room 5'],
    ['UID:2', 'DTSTART;TZID=Europe/Berlin:20260328T140000', 'DURATION:PT30M',
     'SUMMARY:Doctor', 'CLASS:PRIVATE', 'X-MICROSOFT-CDO-BUSYSTATUS:OOF']));
write_file("$dir/cal/bob.ics", "BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\n"
    . "DTSTART:20260328T060000Z\r\nDTEND:20260329T220000Z\r\n"
    . "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260328T100000Z/PT2H\r\n"
    . "END:VFREEBUSY\r\nEND:VCALENDAR");
write_file("$dir/cal/carol.ics", '<html>' . 'x' x 100);
write_file("$dir/cal/dave.ics", 'x' x 20001);
write_file("$dir/cal/erin.ics", "BEGIN:VCALENDAR\r\nBEGIN:VAVAILABILITY\r\nDTSTART:20260328T120000Z\r\n"
    . "END:VAVAILABILITY\r\nEND:VCALENDAR\r\n");

# 47 hours, because the clock of Berlin loses one: 94 slots.
my $alice_slots = '0' x 18 . '22' . '0' x 8 . '3' . '0' x (94 - 29);
substr $alice_slots, 2 * (24 + 8), 2, '22';

subtest 'one request, five mailboxes' => sub {
    my ($status, $xml, $headers) = post($httpd, 'bob', availability(
        who => [qw(alice@example.test bob.second@example.org carol@example.test
            dave@example.test nobody@example.test)],
        zone => berlin_zone(), @window));
    is($status, 200, 'status');
    is($headers->{'content-type'}, 'text/xml; charset=utf-8', 'type');
    is_deeply([attribute($xml, 'ServerVersionInfo', 'MajorVersion')], [15],
        'server version');
    is_deeply([attribute($xml, 'ResponseMessage', 'ResponseClass')],
        [qw(Success Success Error Error Error)], 'an answer to each, in order');
    is_deeply([texts($xml, 'ResponseCode')],
        [qw(NoError NoError ErrorFreeBusyGenerationFailed
            ErrorFreeBusyGenerationFailed ErrorMailRecipientNotFound)], 'codes');
    is_deeply([texts($xml, 'FreeBusyViewType')],
        [qw(FreeBusyMerged FreeBusyMerged None None None)],
        'others see times, the owner no more than free/busy has');
};

subtest 'merged digits over the change to summer time' => sub {
    my (undef, $xml) = post($httpd, 'bob', availability(
        who => [qw(alice@example.test bob@example.test)],
        zone => berlin_zone(), @window, view => 'MergedOnly'));
    my ($alice, $bob) = texts($xml, 'MergedFreeBusy');
    is($alice, $alice_slots, 'alice');
    is($bob, '4' x 14 . '0' x 8 . '1111' . '0' x (94 - 26),
        'bob: no data before his free/busy begins');
    is_deeply([texts($xml, 'CalendarEvent')], [], 'no events in MergedOnly');
    is_deeply([texts($xml, 'WorkingHours')], [], 'no hours either');
};

subtest 'a hundred mailboxes, 62 days' => sub {
    my @users = map { "user$_" } 1 .. 99;
    my $many = server(users => ['alice', @users], conf => 'FreeBusySource file:@DIR@/cal/%{user}.ics');
    # Each is busy in an hour of his own.
    my %slot = map { $users[$_] => 7 * $_ + $_ % 5 } 0 .. 98;
    my $start = 1772323200;    # 2026-03-01
    my $utc = sub { POSIX::strftime('%Y%m%dT%H%M%SZ', gmtime $start + 3600 * $_[0]) };
    write_file($many->dir . "/cal/$_.ics", calendar(["UID:$_", 'DTSTART:' . $utc->($slot{$_}), 'DURATION:PT1H']))
        for @users;
    my @asked = (map { $_, 'nobody', 'user7' } grep { /[13579]$/ } reverse @users)[0 .. 99];
    for my $interval (5, 60, 1440) {
        my (undef, $xml) = post($many, 'alice', availability(who => [map { "$_\@example.test" } @asked],
            start => '2026-03-01T00:00:00', end => '2026-05-02T00:00:00', interval => $interval, view => 'MergedOnly'));
        my @answers = map { scalar text($_, 'MergedFreeBusy') // text($_, 'ResponseCode') } texts($xml, 'FreeBusyResponse');
        is_deeply(\@answers, [map { my ($slots, $digits) = (62 * 1440 / $interval, '');
            for my $hour ($slot{$_} // ()) {
                $digits = '0' x $slots;
                my ($first, $last) = map { int(($_) / $interval) } $hour * 60, $hour * 60 + 59;
                substr $digits, $first, $last - $first + 1, '2' x ($last - $first + 1);
            }
            $digits || 'ErrorMailRecipientNotFound' } @asked], "each his own, in order, by $interval minutes");
    }
    $many->stop;
    log_ok($many);
};

subtest 'views' => sub {
    my %parts = (    # digits, events, details
        MergedOnly     => [1, 0, 0],
        FreeBusy       => [0, 1, 0],
        FreeBusyMerged => [1, 1, 0],
        Detailed       => [0, 1, 1],
        DetailedMerged => [1, 1, 1]);
    for my $view (sort keys %parts) {
        my (undef, $xml) = post($httpd, 'alice', availability(
            who => ['alice@example.test'], zone => berlin_zone(), @window,
            view => $view));
        is(text($xml, 'FreeBusyViewType'), $view, "$view is given to the owner");
        is_deeply([map { scalar(my @a = texts($xml, $_)) ? 1 : 0 }
            qw(MergedFreeBusy CalendarEventArray CalendarEventDetails)],
            $parts{$view}, "$view: digits, events, details");
    }
};

subtest 'details' => sub {
    my (undef, $xml) = post($httpd, 'alice', availability(
        who => ['alice@example.test'], zone => berlin_zone(), @window));
    is_deeply([texts($xml, 'Subject')],
        ['Stand-up & <tea>', 'Doctor', 'Stand-up & <tea>'], 'the owner sees all');
    is_deeply([texts($xml, 'StartTime')], [qw(2026-03-28T09:00:00
        2026-03-28T14:00:00 2026-03-29T09:00:00)], 'times on the clock of Berlin');
    is_deeply([texts($xml, 'BusyType')], [qw(Busy OOF Busy)], 'types');
    is((texts($xml, 'DayOfWeek'))[-1], 'Monday Tuesday Wednesday Thursday Friday',
        'working days');
};

subtest 'away without an end' => sub {
    my (undef, $xml) = post($httpd, 'bob', availability(who => ['erin@example.test'], view => 'FreeBusy', @window));
    is_deeply([map { text($xml, $_) } qw(StartTime EndTime BusyType)],
        ['2026-03-28T12:00:00', '2026-03-30T00:00:00', 'OOF'], 'as long as was asked');
};

subtest 'what a caller is granted' => sub {
    my %seen = (
        None       => 'None',
        MergedOnly => 'MergedOnly',
        FreeBusy   => 'FreeBusyMerged',
        Detailed   => 'DetailedMerged');
    for my $grant (sort keys %seen) {
        my $other = server(users => [qw(alice bob)], conf =>
            "FreeBusySource file:$dir/cal/%{user}.ics\nFreeBusyView $grant");
        my (undef, $xml) = post($other, 'bob', availability(
            who => ['alice@example.test'], zone => berlin_zone(), @window));
        is(text($xml, 'FreeBusyViewType'), $seen{$grant}, "$grant: the view");
        is(text($xml, 'ResponseCode'),
            $grant eq 'None' ? 'ErrorNoFreeBusyAccess' : 'NoError', "$grant: code");
        unlike($xml, qr/Doctor/, "$grant: nothing private is shown");
        is($xml =~ /Room 5/ ? 1 : 0, $grant eq 'Detailed' ? 1 : 0,
            "$grant: places");
        $other->stop;
        log_ok($other);
    }
};

subtest 'places, case and methods' => sub {
    my $question = availability(who => ['alice@example.test'], @window);
    for my $path ('/ews/as', '/ews/oof', '/EWS/Exchange.asmx',
        '/ews/exchange.ASMX', '/EWS/AS') {
        is((post($httpd, 'alice', $question, path => $path))[0], 200, $path);
    }
    for my $method (qw(GET HEAD PUT OPTIONS DELETE)) {
        my ($status, undef, $headers) =
            post($httpd, 'alice', '', method => $method);
        is($status, 405, "$method is not allowed");
        like($headers->{allow} // '', qr/POST/, 'but POST is');
    }
    is((post($httpd, 'alice', $question, path => '/ews/other'))[0], 404,
        'another path is not ours');
};

subtest 'login' => sub {
    my $question = availability(who => ['alice@example.test'], @window);
    is((post($httpd, undef, $question))[0], 401, 'none');
    is((post($httpd, 'alice', $question, password => 'wrong'))[0], 401, 'wrong');
    for my $login ('EXAMPLE\\alice', 'alice@example.test') {
        my (undef, $xml) = post($httpd, $login, $question,
            password => 'secret-alice');
        is(text($xml, 'FreeBusyViewType'), 'DetailedMerged',
            "$login is the owner");
    }
    my $open = server(conf => 'Satisfy Any' , stopped => 1);
    $open->configure(conf => '<Location "/ews/as">
        FreeBusyEngine On
        Require all granted
        </Location>');
    $open->start;
    is((post($open, undef, $question, path => '/ews/as'))[0], 403,
        'a location without login is refused');
    log_ok($open, qw(PN14004));
};

subtest 'errors of the options' => sub {
    my %row = (
        ErrorInvalidTimeInterval => { @window, end => '2026-03-27T00:00:00' },
        ErrorTimeIntervalTooBig => { @window, end => '2026-07-01T00:00:00' },
        ErrorInvalidMergedFreeBusyInterval => { @window, interval => 3 },
        ErrorInvalidFreeBusyViewType => { @window, view => 'None' });
    for my $code (sort keys %row) {
        my ($status, $xml) = post($httpd, 'alice', availability(
            who => [qw(alice@example.test bob@example.test)], %{ $row{$code} }));
        is($status, 200, "$code: status");
        is_deeply([texts($xml, 'ResponseCode')], [$code, $code],
            "$code for each mailbox");
    }
};

subtest 'hostile requests' => sub {
    my $sound = availability(who => ['alice@example.test'], @window);
    my %hostile = (
        'not XML'      => 'hello',
        'empty'        => '',
        'NUL'          => "\0" x 100,
        'cut off'      => substr($sound, 0, 400),
        'DOCTYPE'      => '<!DOCTYPE x [<!ENTITY a "b">]>' . $sound,
        'deep nesting' => '<a>' x 5000,
        'invalid UTF-8' => $sound =~ s/alice/al\xff\xfeice/r,
        'another root' => '<x xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>',
        'many elements' => soap('<GetUserAvailabilityRequest>' . '<a/>' x 25000
            . '</GetUserAvailabilityRequest>'),
        'no operation of EWS' => soap('<MakeTea/>'),
        'unknown version' => availability(who => ['alice@example.test'], @window,
            header => '<t:RequestServerVersion Version="Exchange3000"/>'));
    for my $name (sort keys %hostile) {
        my ($status, $xml) = post($httpd, 'alice', $hostile{$name});
        is($status, 500, "$name: a fault");
        like($xml, qr/<s:Fault><faultcode>s:Client</, "$name: the client's");
        like($xml, qr/ServerVersionInfo/, "$name: with the version");
    }
    is((post($httpd, 'alice', ' ' x 300_000))[0], 413, 'too large');
    is((post($httpd, 'alice', $sound))[0], 200, 'and the server lives');
};

subtest 'operations that are not offered' => sub {
    my ($status, $xml) = post($httpd, 'alice', soap('<GetMailTips/>'));
    is($status, 200, 'GetMailTips: no fault, or Outlook asks for the password');
    is_deeply([attribute($xml, 'GetMailTipsResponseMessage', 'ResponseClass')],
        ['Error'], 'but an error');
    is(text($xml, 'ResponseCode'), 'ErrorInvalidOperation', 'its code');
    ($status, $xml) = post($httpd, 'alice', soap('<ConvertId/>'));
    is($status, 500, 'ConvertId: a fault');
    is(text($xml, 'ResponseCode'), 'ErrorInvalidOperation', 'its code');
};

subtest 'SOAP 1.2' => sub {
    my $question = availability(who => ['alice@example.test'], @window)
        =~ s{http://schemas.xmlsoap.org/soap/envelope/}{http://www.w3.org/2003/05/soap-envelope}r;
    my ($status, $xml, $headers) = post($httpd, 'alice', $question);
    like($headers->{'content-type'}, qr{^application/soap\+xml}, 'type');
    like($xml, qr{xmlns:s="http://www.w3.org/2003/05/soap-envelope"}, 'envelope');
    ($status, $xml) = post($httpd, 'alice', $question =~ s/Address>/Adress>/gr
        =~ s/MailboxData>/Mail>/gr);
    like($xml, qr{<s:Code><s:Value>s:Sender</s:Value></s:Code>}, 'fault');
};

subtest 'time zones of newer clients' => sub {
    my (undef, $xml) = post($httpd, 'alice', availability(
        who => ['alice@example.test'], zone => '', @window,
        header => '<t:TimeZoneContext><t:TimeZoneDefinition '
            . 'Id="W. Europe Standard Time"/></t:TimeZoneContext>'));
    is(text($xml, 'MergedFreeBusy'), $alice_slots, 'by the name of Windows');
    (undef, $xml) = post($httpd, 'alice', availability(
        who => ['alice@example.test'],
        start => '2026-03-28T00:00:00+01:00', end => '2026-03-30T00:00:00+02:00'));
    is(text($xml, 'MergedFreeBusy'), $alice_slots, 'by offsets in the times');
};

subtest 'suggestions' => sub {
    my $options = sub {
        my ($start, $end, $more) = @_;
        return '<t:SuggestionsViewOptions><t:GoodThreshold>25</t:GoodThreshold>'
            . '<t:MaximumResultsByDay>3</t:MaximumResultsByDay>'
            . '<t:MeetingDurationInMinutes>60</t:MeetingDurationInMinutes>'
            . ($more // '') . "<t:DetailedSuggestionsWindow><t:StartTime>$start"
            . "</t:StartTime><t:EndTime>$end</t:EndTime>"
            . '</t:DetailedSuggestionsWindow></t:SuggestionsViewOptions>';
    };
    my @friday = ('2026-03-27T00:00:00', '2026-03-29T00:00:00');
    my ($status, $xml) = post($httpd, 'bob', availability(
        who => [qw(alice@example.test nobody@example.test)],
        zone => berlin_zone(), @window, more => $options->(@friday)));
    is($status, 200, 'status');
    my ($answer) = texts($xml, 'SuggestionsResponse');
    is(text($answer, 'ResponseCode'), 'NoError', 'code');
    is_deeply([texts($answer, 'Date')],
        [qw(2026-03-27T00:00:00 2026-03-28T00:00:00)], 'two days');
    is_deeply([texts($answer, 'DayQuality')], [qw(Fair Poor)],
        'Friday is fair, Saturday has no work time');
    is_deeply([texts($answer, 'MeetingTime')], [qw(2026-03-27T08:00:00
        2026-03-27T08:30:00 2026-03-27T09:00:00)], 'three times');
    is_deeply([texts($answer, 'IsWorkTime')], [('true') x 3], 'at work');
    like($answer, qr{<t:AttendeeConflictDataArray><t:IndividualAttendeeConflictData><t:BusyType>Free</t:BusyType></t:IndividualAttendeeConflictData><t:UnknownAttendeeConflictData/></t:AttendeeConflictDataArray>},
        'one answer for each attendee, in order');
    is(scalar(my @a = texts($xml, 'FreeBusyResponse')), 2, 'and the views');

    (undef, $xml) = post($httpd, 'alice', availability(
        who => ['alice@example.test'], zone => berlin_zone(),
        options => $options->('2026-03-30T00:00:00', '2026-03-31T00:00:00')));
    is_deeply([texts($xml, 'FreeBusyResponse')], [], 'suggestions alone');
    is_deeply([texts($xml, 'MeetingTime')], [qw(2026-03-30T08:00:00
        2026-03-30T10:00:00 2026-03-30T10:30:00)], 'around the stand-up');
    (undef, $xml) = post($httpd, 'alice', availability(
        who => ['alice@example.test'], zone => berlin_zone(),
        options => $options->(reverse @friday)));
    is(text($xml, 'ResponseCode'), 'ErrorInvalidTimeInterval', 'window reversed');
};

subtest 'time zones of the server' => sub {
    my (undef, $xml) = post($httpd, 'alice', soap('<m:GetServerTimeZones '
        . 'ReturnFullTimeZoneData="true"><m:Ids><t:Id>W. Europe Standard Time'
        . '</t:Id><t:Id>India Standard Time</t:Id><t:Id>Moon</t:Id></m:Ids>'
        . '</m:GetServerTimeZones>'));
    is_deeply([attribute($xml, 'TimeZoneDefinition', 'Id')],
        ['W. Europe Standard Time', 'India Standard Time'], 'those that exist');
    is_deeply([attribute($xml, 'Period', 'Bias')],
        [qw(-PT1H0M -PT2H0M -PT5H30M)], 'periods');
    is_deeply([texts($xml, 'TimeOffset')], [qw(PT2H0M PT3H0M)], 'switches');
    my ($definition) = $xml =~ m{(<t:TimeZoneDefinition Id="W\..*?</t:TimeZoneDefinition>)}s;
    (undef, my $back) = post($httpd, 'alice', availability(
        who => ['alice@example.test'], zone => '', @window,
        header => "<t:TimeZoneContext>$definition</t:TimeZoneContext>"));
    is(text($back, 'MergedFreeBusy'), $alice_slots, 'what we say we understand');
    (undef, $xml) = post($httpd, 'alice', soap('<m:GetServerTimeZones '
        . 'ReturnFullTimeZoneData="false"/>'));
    cmp_ok(scalar(my @all = attribute($xml, 'TimeZoneDefinition', 'Id')), '>', 130,
        'all of them, without an id');
    unlike($xml, qr/Periods/, 'names alone when that is asked for');
};

$httpd->stop;
log_ok($httpd, qw(PN14014 AH01617));
done_testing();
