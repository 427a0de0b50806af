# SPDX-License-Identifier: Apache-2.0

package Rows::Freebusy;

# mod_freebusy beside its own source: what it costs to fetch the same calendar
# from the same server, without us.

use strict;
use warnings;
use Bench qw(program numbers with_cpu);
use Delay;
use POSIX qw(strftime);
use Stage qw(stage dir mailbox_file mailbox_login);
use T::Dir qw(write_file read_file);
use T::Httpd;

my $load = program('http_load');
my ($from, $days, $most) = (int(time / 86400) * 86400, 14, 100);

sub utc { strftime('%Y%m%dT%H%M%SZ', gmtime shift) }

# Three meetings of an hour on each day of the window, and a week around it.
sub calendar {
    my @busy = map { my $day = $from + 86400 * $_;
        map { 'FREEBUSY:' . utc($day + 3600 * $_) . '/' . utc($day + 3600 * $_ + 3600) } 9, 13, 16 } -7 .. $days + 7;
    return join "\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Postern//bench//EN', 'BEGIN:VFREEBUSY',
        'DTSTART:' . utc($from - 7 * 86400), 'DTEND:' . utc($from + ($days + 8) * 86400),
        @busy, 'END:VFREEBUSY', 'END:VCALENDAR', '';
}

# alice, and as many others as are asked for.
sub people { ('alice', map { "user$_" } 2 .. $most) }

sub mailboxes {
    return stage(many_mailboxes => sub {
        my $alice = read_file(mailbox_file());
        write_file(dir() . '/many_mailboxes', join("\n", $alice, map {
            "user: $_\nmail: $_\@example.test\nname: $_\n" } grep { $_ ne 'alice' } people()), 0644);
    });
}

sub source {
    return stage(calendars => sub {
        my $httpd = T::Httpd->new(main => $Stage::one_child, conf => "MaxKeepAliveRequests 0\nAddType text/calendar .ifb\n")->start;
        write_file($httpd->dir . "/htdocs/$_.ifb", calendar()) for people();
        $httpd;
    });
}

# About the first $count people.
sub question {
    my ($count) = @_;
    return stage("availability_question_$count" => sub {
        my $soap  = 'http://schemas.xmlsoap.org/soap/envelope/';
        my $ews   = 'http://schemas.microsoft.com/exchange/services/2006';
        my ($start, $end) = map { strftime('%Y-%m-%dT00:00:00', gmtime $_) } $from, $from + 86400 * $days;
        my $period = sub { "<t:$_[0]><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder>"
            . "<t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:$_[0]>" };
        write_file(dir() . "/availability$count.xml", qq{<?xml version="1.0" encoding="utf-8"?>\n}
            . qq{<s:Envelope xmlns:s="$soap" xmlns:m="$ews/messages" xmlns:t="$ews/types"><s:Body>}
            . '<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias>'
            . $period->('StandardTime') . $period->('DaylightTime') . '</t:TimeZone>'
            . '<m:MailboxDataArray>' . join('', map {
                "<t:MailboxData><t:Email><t:Address>$_\@example.test</t:Address></t:Email>"
                . '<t:AttendeeType>Required</t:AttendeeType></t:MailboxData>' } (people())[0 .. $count - 1])
            . '</m:MailboxDataArray>'
            . "<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>$start</t:StartTime><t:EndTime>$end</t:EndTime></t:TimeWindow>"
            . '<t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes>'
            . '<t:RequestedView>FreeBusyMerged</t:RequestedView></t:FreeBusyViewOptions>'
            . "</m:GetUserAvailabilityRequest></s:Body></s:Envelope>\n");
    });
}

# The same, 200 ms away.
sub far_source { stage(far_calendars => sub { Delay->start(source()->port, 0.1) }) }

# An httpd with the source of each place where it answers.
sub server {
    my ($name, %place) = @_;
    return stage($name => sub {
        my ($mailboxes, $login) = (mailboxes(), mailbox_login());
        my $locations = join '', map { "<Location $_>\n  FreeBusyEngine On\n  $place{$_}\n</Location>\n" } sort keys %place;
        T::Httpd->new(modules => [qw(mailbox freebusy)], load => [qw(ldap authn_socache)],
            main => "AuthnCacheSOCache shmcb\nFreeBusyCache shmcb:@{[dir()]}/$name(4000000)\n$Stage::one_child",
            conf => "MaxKeepAliveRequests 0\nMailboxFile $mailboxes\n<Location />\n$login\n</Location>\n$locations")->start;
    });
}

my %place = (url => '/ews/as', cached => '/ews/oof', file => '/EWS/Exchange.asmx');

sub near_server {
    my $url = source()->url . '/%{user}.ifb';
    return server(freebusy => (
        $place{url}    => "FreeBusyCacheTime 0\n  FreeBusySource $url",
        $place{cached} => "FreeBusyCacheTime 600\n  FreeBusySource $url",
        $place{file}   => 'FreeBusySource file:' . source()->dir . '/htdocs/%{user}.ifb'));
}

sub far_server {
    return server(far_freebusy => ('/ews/as' => "FreeBusyCacheTime 0\n  FreeBusySource http://127.0.0.1:"
        . far_source()->port . '/%{user}.ifb'));
}

sub ask {
    my ($httpd, $place, $count, $seconds) = @_;
    my $value = with_cpu($httpd->pid, sub { numbers($load, '-p', '127.0.0.1:' . $httpd->port,
        qw(-u alice:secret -b), question($count), 1, $seconds, $place) });
    die "answers of $value->{bytes} bytes hold no meetings\n" if $value->{bytes} < 3 * $days * 100 * $count;
    return $value;
}

sub availability { ask(near_server(), $place{ $_[0] }, $_[1], 1) }

# The calendars of $count people, one after the other or as many at a time as we
# ask for; the time for all of them.
sub fetch {
    my ($count) = @_;
    my $httpd = source();
    my $at_a_time = $count < 25 ? $count : 25;
    my $value = with_cpu($httpd->pid, sub { numbers($load, '-p', '127.0.0.1:' . $httpd->port, $at_a_time, 1, '/alice.ifb') });
    $_ *= $count / $at_a_time for @$value{qw(p50 p99)};
    $value->{cpu} *= $count;
    return $value;
}

# What is ours: all of it, less the source's own time right before.
sub own {
    my ($count) = @_;
    my $source = fetch($count);
    my $all = availability(url => $count);
    return { map { $_ => $all->{$_} - $source->{$_} } qw(p50 p99) };
}

my $what = 'the source alone: GET of the same calendars, kept connections';
# Microseconds of our own, for as many mailboxes.
my %target = (1 => 'ours <= 1000', 100 => 'ours <= 20000');

sub group {
    my ($count) = @_;
    my $row = "freebusy.$count";
    my $target = $target{$count};
    return { needs => [qw(modules/mod_freebusy.so modules/mod_mailbox.so bench/http_load)], rounds => 5,
        targets => { (map { my $kind = $_; $kind => sub { availability($kind, $count) } } keys %place),
            source => sub { fetch($count) }, own => sub { own($count) } },
        rows => [
            [$row, 'us', 'url.p50', 'source.p50', "$what; $days days, p50"],
            ["$row.p99", 'us', 'url.p99', 'source.p99', $what],
            ["$row.own", 'us', 'own.p50', 'source.p50', "$what; ours without it, p50", undef, $target],
            ["$row.cached", 'us', 'cached.p50', 'source.p50', "$what; ours has them in its cache", undef, $target],
            ["$row.cached.p99", 'us', 'cached.p99', 'source.p99', $what, undef, $target],
            ["$row.file", 'us', 'file.p50', 'source.p50', "$what; ours reads the files itself", undef, $target],
            ["$row.cpu", 'us/request', 'url.cpu', 'source.cpu', 'the source alone; CPU', undef, $target],
            ["$row.cached.cpu", 'us/request', 'cached.cpu', 'source.cpu', 'the source alone; CPU', undef, $target] ] };
}

# A hundred calendars that are 200 ms away each.
sub far {
    return { needs => [qw(modules/mod_freebusy.so modules/mod_mailbox.so bench/http_load)], rounds => 3,
        targets => { far => sub { ask(far_server(), '/ews/as', 100, 4) } },
        rows => [['freebusy.100.far', 'us', 'far.p50', '', 'each calendar is 200 ms away', undef, 'ours <= 1500000']] };
}

return ((map { group($_) } 1, 20, 100), far());
