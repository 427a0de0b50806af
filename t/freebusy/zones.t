#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# The truth about time zones: events of each three hours around the changes of
# the clock, on the clock of each zone, in every way to name it.  The C library
# is the judge, and zdump says when the clocks change.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use POSIX qw(mktime strftime tzset);
use Test::More;
use T::Dir qw(read_file write_file);
use Ews qw(log_ok server post soap availability texts);

my $types = 'http://schemas.microsoft.com/exchange/services/2006/types';
my $step = 3 * 3600;

sub utc { strftime($_[1] // '%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

# Spring and autumn of either half of the world.
my @seasons = (['2026-03-01', 60], ['2026-09-15', 60]);

sub epoch {
    my ($year, $month, $day) = split /-/, $_[0];
    local $ENV{TZ} = 'UTC';
    tzset();
    return mktime(0, 0, 0, $day, $month - 1, $year - 1900);
}

# Runs $code while the C library is in $zone.
sub in_zone {
    my ($zone, $code) = @_;
    local $ENV{TZ} = $zone;
    tzset();
    my @result = $code->();
    $ENV{TZ} = 'UTC';
    tzset();
    return @result;
}

my $httpd = server(users => ['alice'], conf => "FreeBusySource file:\@DIR\@/cal/%{user}.ics");
my @events = map { my ($from, $days) = (epoch($_->[0]), $_->[1]);
    map { $from + $step * $_ } 0 .. $days * 86400 / $step - 1 } @seasons;
write_file($httpd->dir . '/cal/alice.ics', join "\r\n", 'BEGIN:VCALENDAR', 'BEGIN:VFREEBUSY',
    (map { 'FREEBUSY:' . utc($_, '%Y%m%dT%H%M%SZ') . '/PT1M' } @events), 'END:VFREEBUSY',
    'END:VCALENDAR', '');

# One test: alice's events, as told to a caller with this zone, are on the clock
# of $iana.  %how holds zone or header of the question.
sub right {
    my ($iana, $name, %how) = @_;
    my @wrong;
    for (@seasons) {
        my ($from, $days) = (epoch($_->[0]), $_->[1]);
        my $till = $from + $days * 86400;
        my (undef, $xml) = post($httpd, 'alice', availability(who => ['alice@example.test'],
            start => utc($from), end => utc($till), view => 'FreeBusy', zone => '', %how));
        my @got = texts($xml, 'StartTime');
        my @expected = in_zone($iana, sub {
            map { strftime('%Y-%m-%dT%H:%M:%S', localtime $_) } grep { $_ >= $from && $_ < $till } @events });
        push @wrong, @got . ' events' if @got != @expected;
        push @wrong, map { "$got[$_] instead of $expected[$_]" }
            grep { ($got[$_] // '') ne $expected[$_] } 0 .. $#expected;
    }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply([@wrong[0 .. ($#wrong < 2 ? $#wrong : 2)]], [], $name);
}

sub period {
    my ($name, $bias, $order, $month, $day, $time) = @_;
    return "<t:$name><t:Bias>$bias</t:Bias><t:Time>$time</t:Time><t:DayOrder>$order</t:DayOrder>"
        . "<t:Month>$month</t:Month><t:DayOfWeek>$day</t:DayOfWeek></t:$name>";
}

sub rules {
    my ($bias, $standard, $daylight) = @_;
    return "<t:TimeZone><t:Bias>$bias</t:Bias>" . ($standard ? period(StandardTime => @$standard)
        . period(DaylightTime => @$daylight) : '') . '</t:TimeZone>';
}

sub context { "<t:TimeZoneContext>$_[0]</t:TimeZoneContext>" }
sub named { context(qq(<t:TimeZoneDefinition Id="$_[0]"/>)) }

# Name of the database, of Windows, and the rules of EWS; no rules: without
# summer time.
my @truth = (
    ['Europe/Berlin', 'W. Europe Standard Time', -60, [0, 5, 10, 'Sunday', '03:00:00'],
        [-60, 5, 3, 'Sunday', '02:00:00']],
    ['Europe/London', 'GMT Standard Time', 0, [0, 5, 10, 'Sunday', '02:00:00'],
        [-60, 5, 3, 'Sunday', '01:00:00']],
    ['America/New_York', 'Eastern Standard Time', 300, [0, 1, 11, 'Sunday', '02:00:00'],
        [-60, 2, 3, 'Sunday', '02:00:00']],
    ['Australia/Sydney', 'AUS Eastern Standard Time', -600, [0, 1, 4, 'Sunday', '03:00:00'],
        [-60, 1, 10, 'Sunday', '02:00:00']],
    ['Australia/Lord_Howe', 'Lord Howe Standard Time', -630, [0, 1, 4, 'Sunday', '02:00:00'],
        [-30, 1, 10, 'Sunday', '02:00:00']],
    ['Asia/Tehran', 'Iran Standard Time', -210],
    ['Asia/Kolkata', 'India Standard Time', -330],
    ['UTC', 'UTC', 0],
    ['America/Phoenix', 'US Mountain Standard Time', 420],
    ['Asia/Tokyo', 'Tokyo Standard Time', -540],
    ['Asia/Dubai', 'Arabian Standard Time', -240],
    ['Asia/Kathmandu', 'Nepal Standard Time', -345]);

# How many times zdump says that the clock of $zone changes in 2026.
sub changes {
    my ($zone) = @_;
    return scalar(my @lines = grep { /isdst/ } `zdump -V -c 2026,2027 $zone`) / 2;
}

for my $row (@truth) {
    my ($iana, $windows, $bias, $standard, $daylight) = @$row;
    subtest $iana => sub {
        is(changes($iana), $standard ? 2 : 0, 'the changes of the year are known');
        right($iana, 'by the name of Windows', header => named($windows));
        right($iana, 'by the name of the database', header => named($iana));
        if ($standard) {
            right($iana, 'by rules', zone => rules($bias, $standard, $daylight));
            return;
        }
        my %none = (
            'no periods'    => rules($bias),
            'no month'      => rules($bias, [0, 0, 0, 'Sunday', '00:00:00'], [0, 0, 0, 'Sunday', '00:00:00']),
            'equal biases'  => rules($bias, [0, 5, 10, 'Sunday', '03:00:00'], [0, 5, 3, 'Sunday', '02:00:00']),
            'equal periods' => rules($bias, [0, 1, 1, 'Sunday', '00:00:00'], [0, 1, 1, 'Sunday', '00:00:00']),
            'a daylight time that never begins' => rules($bias, [0, 5, 10, 'Sunday', '03:00:00'],
                [-60, 0, 0, 'Sunday', '00:00:00']));
        right($iana, "by rules: $_", zone => $none{$_}) for sort keys %none;
    };
}

# The whole list of zones as we tell it, given back as explicit periods, and by
# their names.  Two change as the moon does: they have no rules, only dates.
my (undef, $all) = post($httpd, 'alice', soap('<GetServerTimeZones ReturnFullTimeZoneData="true"/>'));
my %definition = map { /Id="([^"]+)"/ ? ($1 => $_) : () }
    $all =~ m{<t:TimeZoneDefinition .*?</t:TimeZoneDefinition>}gs;
my $cldr = '/usr/share/unicode/cldr/common/supplemental/windowsZones.xml';
my %iana = (read_file($cldr) // '') =~ /other="([^"]+)" territory="001" type="([^" ]+)/g;
my %moon = map { $_ => 1 } ('Morocco Standard Time', 'West Bank Standard Time');

subtest 'every zone of Windows' => sub {
    plan skip_all => 'unicode-cldr-core is not installed' unless %iana;
    is_deeply([sort keys %definition], [sort keys %iana], 'the list is that of CLDR');
    for my $windows (sort keys %definition) {
        right($iana{$windows}, "$windows, by name", header => named($windows));
        right($iana{$windows}, "$windows, by its periods", header => context($definition{$windows}))
            unless $moon{$windows};
    }
};

# The window itself is on the caller's clock: 23 and 25 hours, and half an hour
# more or less in Lord Howe.
for my $row (['Europe/Berlin', '2026-03-29', 46], ['Europe/Berlin', '2026-10-25', 50],
    ['America/New_York', '2026-03-08', 46], ['America/New_York', '2026-11-01', 50],
    ['Australia/Sydney', '2026-04-05', 50], ['Australia/Sydney', '2026-10-04', 46],
    ['Australia/Lord_Howe', '2026-04-05', 49], ['Australia/Lord_Howe', '2026-10-04', 47],
    ['Asia/Tehran', '2026-03-22', 48], ['Asia/Kolkata', '2026-03-29', 48]) {
    my ($iana, $day, $slots) = @$row;
    my ($truth) = grep { $_->[0] eq $iana } @truth;
    for my $how ([header => named($truth->[1]), zone => ''], [zone => rules(@$truth[2 .. $#$truth])]) {
        my (undef, $xml) = post($httpd, 'alice', availability(who => ['alice@example.test'],
            start => "${day}T00:00:00", end => utc(epoch($day) + 86400, '%Y-%m-%dT00:00:00'),
            view => 'MergedOnly', @$how));
        is(length((texts($xml, 'MergedFreeBusy'))[0]), $slots,
            "$iana has $slots half hours on $day ($how->[0])");
    }
}

$httpd->stop;
log_ok($httpd);
done_testing();
